/** What was deleted and is still kept. */
import { useCallback, useState, type ReactNode } from 'react';
import { Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { TrashEntry } from '../../../protocol/control-tree.ts';
import { engine } from '../../bridge/bridge.ts';
import { Button, Spinner } from '../../kit/button.tsx';
import { PathText } from '../../kit/path-text.tsx';
import { visibleName } from '../../kit/path-name.ts';
import { EmptyState, ErrorNote, ErrorState, LoadingState } from '../../kit/states.tsx';
import { toast } from '../../kit/toast.tsx';
import { VirtualList } from '../../kit/virtual-list.tsx';
import { useFormat } from '../../language/format.ts';
import { useCall } from '../../store/use-call.ts';
import { usePages } from '../../store/use-pages.ts';
import { useStore } from '../../store/use-store.ts';
import { EmptyTrashDialog } from './empty-trash-dialog.tsx';
import { EntryIcon } from './entry-icon.tsx';

const ROW_HEIGHT = 58;
const keyOf = (entry: TrashEntry): string => entry.id;

export function Trash(): ReactNode {
  const { t } = useTranslation();
  const format = useFormat();
  const changes = useStore((state) => (state.status?.pairs ?? []).map((pair) => pair.seq).join(' '));
  const { items, error, isLoading, isWhole, readMore, reload } = usePages<TrashEntry>(
    'trash',
    async (cursor, signal) => {
      const page = await engine.call('trash.list', { cursor, limit: 500 }, { signal });
      return { items: page.entries, nextCursor: page.nextCursor };
    },
    changes,
  );
  const [isEmptying, setEmptying] = useState(false);
  const [restoringId, setRestoringId] = useState<string | null>(null);
  const restore = useCall(async (options, entry: TrashEntry) => {
    const result = await engine.call('trash.restore', { item: entry.id }, options);
    toast(t('history.restored', { count: result.files, path: visibleName(result.path) }));
    reload();
  });
  const { run } = restore;
  const bringBack = useCallback(
    (entry: TrashEntry) => {
      setRestoringId(entry.id);
      void run(entry);
    },
    [run],
  );
  const runningId = restore.isRunning ? restoringId : null;

  const renderRow = useCallback(
    (entry: TrashEntry, isActive: boolean) => (
      <div className="entry">
        <EntryIcon type={entry.type} />
        <span className="entry-name">
          <PathText path={entry.name} />
          <span className="soft small entry-from">
            <span>{t('history.trash.from')}</span>
            <PathText
              path={entry.path === null ? t('history.trash.unknownPlace') : `${entry.vault}:${entry.path}`}
            />
          </span>
        </span>
        <span className="entry-size soft figures">
          {entry.type === 'folder' ? '' : format.bytes(entry.size)}
        </span>
        <span className="entry-time soft figures">
          {entry.deletedAtMs === null ? '' : format.relative(entry.deletedAtMs)}
        </span>
        <Button
          size="small"
          excludeFromTabOrder={!isActive}
          label={t('history.restoreName', { name: entry.name })}
          isPending={runningId === entry.id}
          onPress={() => bringBack(entry)}
        >
          {t('history.restore')}
        </Button>
      </div>
    ),
    [bringBack, format, runningId, t],
  );

  if (items === null) {
    return error === null ? <LoadingState /> : <ErrorState error={error} onRetry={reload} />;
  }
  if (items.length === 0) {
    return (
      <EmptyState icon={<Trash2 size={24} />} title={t('history.trash.empty')}>
        {t('history.trash.emptyAbout')}
      </EmptyState>
    );
  }
  return (
    <div className="browser">
      <div className="browser-bar">
        <p className="soft trash-about">{t('history.trash.about')}</p>
        <Button onPress={() => setEmptying(true)}>
          <Trash2 size={16} aria-hidden="true" />
          {t('history.trash.emptyIt')}
        </Button>
      </div>
      {error !== null && <ErrorNote error={error} />}
      {restore.error !== null && <ErrorNote error={restore.error} />}
      <div className="card entries">
        <VirtualList
          label={t('history.trash.title')}
          items={items}
          rowHeight={ROW_HEIGHT}
          getKey={keyOf}
          renderRow={renderRow}
          onEndReached={readMore}
          footer={
            isWhole ? undefined : (
              <div className="entries-more">
                {isLoading ? <Spinner /> : <Button onPress={readMore}>{t('history.more')}</Button>}
              </div>
            )
          }
        />
      </div>
      {isEmptying && (
        <EmptyTrashDialog
          onClose={() => setEmptying(false)}
          onEmptied={() => {
            setEmptying(false);
            reload();
          }}
        />
      )}
    </div>
  );
}

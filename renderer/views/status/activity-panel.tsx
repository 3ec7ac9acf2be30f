/** What was done and why, as it happens; older rows come as somebody scrolls to them. */
import { useCallback, useMemo, type ReactNode } from 'react';
import {
  ArrowDownToLine,
  ArrowUpFromLine,
  Copy,
  FolderPlus,
  MoveRight,
  RotateCcw,
  ShieldAlert,
  SlidersHorizontal,
  Trash2,
  Zap,
  type LucideIcon,
} from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ActivityRow } from '../../../protocol/control-shapes.ts';
import { app } from '../../bridge/bridge.ts';
import { Button, Spinner } from '../../kit/button.tsx';
import { PathText } from '../../kit/path-text.tsx';
import { splitPath } from '../../kit/path-name.ts';
import { EmptyState, ErrorNote, LoadingState } from '../../kit/states.tsx';
import { toast } from '../../kit/toast.tsx';
import { VirtualList } from '../../kit/virtual-list.tsx';
import { useFormat } from '../../language/format.ts';
import { readOlderActivity } from '../../store/engine-store.ts';
import { useNow } from '../../store/use-now.ts';
import { useStore } from '../../store/use-store.ts';
import { actionText, reasonText } from './activity-text.ts';
import { localPathOf } from './local-path.ts';
import './activity-panel.css';

const ROW_HEIGHT = 56;
const icons: Readonly<Record<string, LucideIcon>> = {
  upload: ArrowUpFromLine,
  download: ArrowDownToLine,
  'new-folder': FolderPlus,
  'make-folder': FolderPlus,
  restore: RotateCcw,
  'move-remote': MoveRight,
  move: MoveRight,
  'set-remote': SlidersHorizontal,
  set: SlidersHorizontal,
  trash: Trash2,
  remove: Trash2,
  conflict: Copy,
  'verify-failed': ShieldAlert,
};
const keyOf = (row: ActivityRow): number => row.id;
const readOlder = (): void => void readOlderActivity();

export function ActivityPanel(): ReactNode {
  const { t } = useTranslation();
  const format = useFormat();
  const nowMs = useNow();
  const { rows, olderCursor, isLoading, error } = useStore((state) => state.activity);
  const pairs = useStore((state) => state.status?.pairs);

  const renderRow = useCallback(
    (row: ActivityRow): ReactNode => {
      const Icon = icons[row.action] ?? Zap;
      return (
        <div className="activity-row">
          <Icon size={17} className="activity-icon" aria-hidden="true" />
          <div className="activity-words">
            <div className="activity-line">
              <PathText path={row.path === '' ? t('activity.unnamed') : row.path} isNameOnly />
              <time
                className="activity-end soft figures"
                dateTime={new Date(row.atMs).toISOString()}
                title={format.dateTime(row.atMs)}
              >
                {format.relative(row.atMs, nowMs)}
              </time>
            </div>
            <div className="activity-line soft">
              <span className="activity-why">
                {actionText(t, row.action)} · {reasonText(t, row.reason)}
              </span>
              {row.bytes > 0 && <span className="activity-end figures">{format.bytes(row.bytes)}</span>}
            </div>
          </div>
        </div>
      );
    },
    [format, nowMs, t],
  );
  const reveal = useCallback(
    (row: ActivityRow) => {
      const pair = pairs?.find((one) => one.id === row.pair);
      if (pair === undefined || row.path === '') return;
      void app
        .call('path.open', { path: localPathOf(pair.folder, row.path), reveal: true })
        .catch(() => toast(t('activity.gone', { name: splitPath(row.path).name }), 'error'));
    },
    [pairs, t],
  );
  const footer = useMemo(
    () =>
      error !== null ? (
        <div className="activity-foot stack-tight">
          <ErrorNote error={error} />
          <Button size="small" onPress={readOlder}>
            {t('kit.retry')}
          </Button>
        </div>
      ) : isLoading ? (
        <div className="activity-foot row soft">
          <Spinner /> {t('kit.loading')}
        </div>
      ) : null,
    [error, isLoading, t],
  );

  const body = (): ReactNode => {
    if (rows.length > 0)
      return (
        <VirtualList
          label={t('activity.title')}
          items={rows}
          rowHeight={ROW_HEIGHT}
          getKey={keyOf}
          renderRow={renderRow}
          onAction={reveal}
          {...(error === null ? { onEndReached: readOlder } : {})}
          footer={footer}
        />
      );
    if (error !== null) return footer;
    if (olderCursor === undefined || isLoading) return <LoadingState />;
    return <EmptyState title={t('activity.empty')}>{t('activity.emptyText')}</EmptyState>;
  };
  return (
    <section className="card activity-panel" aria-labelledby="activity-title">
      <h2 id="activity-title">{t('activity.title')}</h2>
      {body()}
    </section>
  );
}

/** The entries of a folder: folders first, each group by name, narrowed by the filter. */
import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { CloudOff, FolderOpen, History, RotateCcw, SearchX } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ListingEntry } from '../../../protocol/control-tree.ts';
import { engine } from '../../bridge/bridge.ts';
import { Button, IconButton, Spinner } from '../../kit/button.tsx';
import { PathText } from '../../kit/path-text.tsx';
import { EmptyState, ErrorNote, ErrorState, LoadingState } from '../../kit/states.tsx';
import { VirtualList } from '../../kit/virtual-list.tsx';
import { useFormat } from '../../language/format.ts';
import { usePages } from '../../store/use-pages.ts';
import { placeText, type Place } from './account-path.ts';
import { EntryIcon } from './entry-icon.tsx';

const PAGE = 500;
const ROW_HEIGHT = 46;
const keyOf = (entry: ListingEntry): string => entry.node;

export interface FolderListProps {
  readonly place: Place;
  readonly filter: string;
  readonly atMs: number | null;
  /** Another value when something changed. */
  readonly changes: string;
  readonly onOpenFolder: (name: string) => void;
  readonly onOpenFile: (name: string) => void;
  /** Somebody came here from another folder: the first entry gets the focus, which the other list took with it. */
  readonly takesFocus: boolean;
  /** As it was at `atMs`. */
  readonly onRestore: (name: string, isFolder: boolean) => void;
}

export function FolderList(props: FolderListProps): ReactNode {
  const { place, filter, atMs, changes, takesFocus, onOpenFolder, onOpenFile, onRestore } = props;
  const [focusKey, setFocusKey] = useState<string | null>(null);
  const hasTakenFocus = useRef(false);
  // Once: another moment is chosen beside the list, where the focus then stays.
  useEffect(() => () => setFocusKey(null), [atMs]);
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const path = placeText(place);
  const { items, error, isLoading, isWhole, readMore, reload } = usePages<ListingEntry>(
    `${path} ${atMs ?? ''}`,
    async (cursor, signal) => {
      const time = atMs === null ? {} : { atMs };
      const page = await engine.call('ls', { path, cursor, limit: PAGE, totals: true, ...time }, { signal });
      const [first] = inOrder(page.entries, i18n.language);
      if (takesFocus && first !== undefined && !hasTakenFocus.current) {
        hasTakenFocus.current = true;
        setFocusKey(keyOf(first));
      }
      return { items: page.entries, nextCursor: page.nextCursor };
    },
    // The past does not change.
    atMs === null ? changes : null,
  );

  const wanted = filter.trim().toLocaleLowerCase(i18n.language);
  // A name that is not here yet would be missed.
  useEffect(() => {
    if (wanted !== '' && !isWhole && !isLoading) readMore();
  }, [wanted, isWhole, isLoading, readMore]);

  const shown = useMemo(() => {
    const isWanted = ({ name }: ListingEntry): boolean =>
      name.toLocaleLowerCase(i18n.language).includes(wanted);
    return inOrder((items ?? []).filter(isWanted), i18n.language);
  }, [items, wanted, i18n.language]);

  const open = useCallback(
    (entry: ListingEntry) => {
      if (entry.type === 'folder') onOpenFolder(entry.name);
      else if (atMs === null) onOpenFile(entry.name);
      else onRestore(entry.name, false);
    },
    [atMs, onOpenFolder, onOpenFile, onRestore],
  );

  const renderRow = useCallback(
    (entry: ListingEntry, isActive: boolean) => (
      <div className="entry">
        <button type="button" className="entry-open" tabIndex={-1} onClick={() => open(entry)}>
          <EntryIcon type={entry.type} />
          <span className="entry-name">
            <PathText path={entry.name} />
          </span>
        </button>
        {!entry.selected && atMs === null && (
          <span className="entry-away" title={t('history.notHere')}>
            <CloudOff size={15} aria-hidden="true" />
            <span className="only-read">{t('history.notHere')}</span>
          </span>
        )}
        <span className="entry-size soft figures">{sizeText(entry, (value) => format.bytes(value))}</span>
        <span className="entry-time soft figures">
          {entry.type === 'folder'
            ? filesText(entry, (count) => t('history.items', { count }))
            : format.date(entry.mtimeMs)}
        </span>
        <span className="entry-action">
          {atMs !== null ? (
            <IconButton
              size="small"
              excludeFromTabOrder={!isActive}
              label={t('history.restoreName', { name: entry.name })}
              icon={<RotateCcw size={16} aria-hidden="true" />}
              onPress={() => onRestore(entry.name, entry.type === 'folder')}
            />
          ) : (
            entry.type !== 'folder' && (
              <IconButton
                size="small"
                excludeFromTabOrder={!isActive}
                label={t('history.versionsOf', { name: entry.name })}
                icon={<History size={16} aria-hidden="true" />}
                onPress={() => onOpenFile(entry.name)}
              />
            )
          )}
        </span>
      </div>
    ),
    [atMs, format, onOpenFile, onRestore, open, t],
  );

  if (items === null) {
    return error === null ? <LoadingState /> : <ErrorState error={error} onRetry={reload} />;
  }
  if (items.length === 0) {
    return (
      <EmptyState
        icon={<FolderOpen size={24} />}
        title={t(atMs === null ? 'history.empty' : 'history.emptyThen')}
      >
        {atMs === null && t('history.emptyAbout')}
      </EmptyState>
    );
  }
  return (
    <>
      {error !== null && <ErrorNote error={error} />}
      <p className="only-read" role="status">
        {wanted === '' ? '' : t('history.found', { count: shown.length })}
      </p>
      {shown.length === 0 && isWhole ? (
        <EmptyState icon={<SearchX size={24} />} title={t('history.nothingFound', { name: filter })} />
      ) : (
        <div className="card entries">
          <VirtualList
            label={t('history.listName', { path })}
            items={shown}
            rowHeight={ROW_HEIGHT}
            getKey={keyOf}
            renderRow={renderRow}
            onAction={open}
            onEndReached={readMore}
            focusKey={focusKey}
            footer={
              isWhole ? undefined : (
                <div className="entries-more">
                  {isLoading ? <Spinner /> : <Button onPress={readMore}>{t('history.more')}</Button>}
                </div>
              )
            }
          />
        </div>
      )}
    </>
  );
}

/** Folders first, each group by name. */
function inOrder(entries: readonly ListingEntry[], language: string): ListingEntry[] {
  const order = new Intl.Collator(language, { numeric: true });
  const rank = (entry: ListingEntry): number => (entry.type === 'folder' ? 0 : 1);
  return [...entries].sort((a, b) => rank(a) - rank(b) || order.compare(a.name, b.name));
}

function sizeText(entry: ListingEntry, bytes: (value: number) => string): string {
  if (entry.type !== 'folder') return bytes(entry.size);
  return entry.bytes === undefined ? '' : bytes(entry.bytes);
}

function filesText(entry: ListingEntry, items: (count: number) => string): string {
  return entry.files === undefined ? '' : items(entry.files);
}

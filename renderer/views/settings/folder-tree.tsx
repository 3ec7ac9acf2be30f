/** The folders of the account as a tree of buttons, each level read when it is opened. */
import { useState, type ReactNode } from 'react';
import { Button as AriaButton } from 'react-aria-components';
import { ChevronRight } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ListingEntry } from '../../../protocol/control-tree.ts';
import { engine } from '../../bridge/bridge.ts';
import { Button, Spinner } from '../../kit/button.tsx';
import { visibleName } from '../../kit/path-name.ts';
import { ErrorNote } from '../../kit/states.tsx';
import { useFormat } from '../../language/format.ts';
import { usePages } from '../../store/use-pages.ts';

const PAGE = 200;

interface TreeFolder {
  /** `VAULT:/path`. */
  readonly path: string;
  readonly entry: ListingEntry;
}

export interface FolderTreeProps {
  /** `VAULT:/path` of the folder whose folders are shown. */
  readonly path: string;
  /** From the outside in, without the folder itself. */
  readonly above?: readonly TreeFolder[];
  /** What stands for a folder: a checkbox, a radio button. */
  readonly renderFolder: (folder: TreeFolder, above: readonly TreeFolder[]) => ReactNode;
}

export function FolderTree({ path, above = [], renderFolder }: FolderTreeProps): ReactNode {
  const { t } = useTranslation();
  const { items, error, isLoading, isWhole, readMore, reload } = usePages<ListingEntry>(
    path,
    async (cursor, signal) => {
      const page = await engine.call('ls', { path, cursor, limit: PAGE, totals: true }, { signal });
      return { items: page.entries.filter((entry) => entry.type === 'folder'), nextCursor: page.nextCursor };
    },
  );
  if (items === null) {
    return error === null ? (
      <p role="status" className="row soft">
        <Spinner />
        {t('kit.loading')}
      </p>
    ) : (
      <div className="stack-tight">
        <ErrorNote error={error} />
        <Button size="small" onPress={reload}>
          {t('kit.retry')}
        </Button>
      </div>
    );
  }
  if (items.length === 0 && isWhole) return <p className="soft small">{t('settings.tree.none')}</p>;
  return (
    <ul className="tree">
      {items.map((entry) => (
        <TreeRow
          key={entry.node}
          folder={{ entry, path: `${path}${path.endsWith('/') ? '' : '/'}${entry.name}` }}
          above={above}
          renderFolder={renderFolder}
        />
      ))}
      {!isWhole && (
        <li>
          <Button size="small" isPending={isLoading} onPress={readMore}>
            {t('history.more')}
          </Button>
        </li>
      )}
    </ul>
  );
}

function TreeRow(props: {
  readonly folder: TreeFolder;
  readonly above: readonly TreeFolder[];
  readonly renderFolder: FolderTreeProps['renderFolder'];
}): ReactNode {
  const { folder, above, renderFolder } = props;
  const { t } = useTranslation();
  const format = useFormat();
  const [isOpen, setOpen] = useState(false);
  const { entry } = folder;
  return (
    <li>
      <div className="tree-row">
        <AriaButton
          className="button tree-toggle"
          data-kind="icon"
          data-size="small"
          aria-expanded={isOpen}
          aria-label={t('settings.tree.open', { name: visibleName(entry.name) })}
          onPress={() => setOpen(!isOpen)}
        >
          <ChevronRight size={15} aria-hidden="true" />
        </AriaButton>
        <div className="tree-folder">{renderFolder(folder, above)}</div>
        {entry.bytes !== undefined && (
          <span className="soft small figures tree-size">{format.bytes(entry.bytes)}</span>
        )}
      </div>
      {isOpen && (
        <div className="tree-below">
          <FolderTree path={folder.path} above={[...above, folder]} renderFolder={renderFolder} />
        </div>
      )}
    </li>
  );
}

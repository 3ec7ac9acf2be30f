/** The kept versions of a file, newest first, each with a way back. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { engine } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { Dialog } from '../../kit/dialog.tsx';
import { visibleName } from '../../kit/path-name.ts';
import { EmptyState, ErrorNote, ErrorState, LoadingState } from '../../kit/states.tsx';
import { useFormat } from '../../language/format.ts';
import { usePages } from '../../store/use-pages.ts';
import type { Version } from '../../../protocol/control-tree.ts';
import { nameOf, placeText, type Place } from './account-path.ts';
import type { Past } from './restore-dialog.tsx';

export function VersionsDialog(props: {
  readonly place: Place;
  readonly onClose: () => void;
  readonly onRestore: (past: Past) => void;
}): ReactNode {
  const { place, onClose, onRestore } = props;
  const { t } = useTranslation();
  const path = placeText(place);
  const { items, error, isLoading, isWhole, readMore, reload } = usePages<Version>(
    path,
    async (cursor, signal) => {
      const page = await engine.call('versions', { path, cursor, limit: 100 }, { signal });
      return { items: page.versions, nextCursor: page.nextCursor };
    },
  );
  return (
    <Dialog
      isOpen
      onClose={onClose}
      size="wide"
      title={t('history.versions.title', { name: visibleName(nameOf(place)) })}
      actions={
        <Button onPress={onClose} autoFocus>
          {t('kit.close')}
        </Button>
      }
    >
      <p className="soft">{t('history.versions.about')}</p>
      {items === null && error === null && <LoadingState />}
      {items === null && error !== null && <ErrorState error={error} onRetry={reload} />}
      {items !== null && error !== null && <ErrorNote error={error} />}
      {items?.length === 0 && <EmptyState title={t('history.versions.none')} />}
      {items !== null && items.length > 0 && (
        <ul className="versions">
          {items.map((version) => (
            <VersionRow key={version.version} version={version} path={path} onRestore={onRestore} />
          ))}
        </ul>
      )}
      {items !== null && !isWhole && (
        <Button isPending={isLoading} onPress={readMore}>
          {t('history.more')}
        </Button>
      )}
    </Dialog>
  );
}

function VersionRow(props: {
  readonly version: Version;
  readonly path: string;
  readonly onRestore: (past: Past) => void;
}): ReactNode {
  const { version, path, onRestore } = props;
  const { t } = useTranslation();
  const format = useFormat();
  const time = format.dateTime(version.receivedAtMs);
  return (
    <li className="version">
      <div className="version-words">
        <p>
          <strong className="figures">{time}</strong>
          {version.current && <span className="tag">{t('history.versions.current')}</span>}
        </p>
        <p className="soft small">
          {version.size === null
            ? t('history.versions.deleted', { device: version.deviceName })
            : t('history.versions.saved', { device: version.deviceName, size: format.bytes(version.size) })}
        </p>
        {version.path !== path && version.size !== null && (
          <p className="soft small">{t('history.versions.was', { path: visibleName(version.path) })}</p>
        )}
      </div>
      {!version.current && version.size !== null && (
        <Button
          size="small"
          label={t('history.versions.restoreOf', { time })}
          onPress={() => onRestore({ kind: 'version', version: version.version, atMs: version.receivedAtMs })}
        >
          {t('history.restore')}
        </Button>
      )}
    </li>
  );
}

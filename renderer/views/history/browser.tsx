/** One folder of the account, as it is now or as it was. */
import { useState, type ReactNode } from 'react';
import { History, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button } from '../../kit/button.tsx';
import { Banner, ErrorState, LoadingState } from '../../kit/states.tsx';
import { useFormat } from '../../language/format.ts';
import { engine } from '../../bridge/bridge.ts';
import { useLoad } from '../../store/use-load.ts';
import { useStore } from '../../store/use-store.ts';
import { childOf, nameOf, parsePlace, placeText, type Place } from './account-path.ts';
import { Crumbs } from './crumbs.tsx';
import { FolderList } from './folder-list.tsx';
import { NameFilter } from './name-filter.tsx';
import { RestoreDialog, type Past } from './restore-dialog.tsx';
import { TimeTravel } from './time-travel.tsx';
import { VersionsDialog } from './versions-dialog.tsx';
import { VaultList } from './vault-list.tsx';

export function Browser(): ReactNode {
  const { t } = useTranslation();
  const changes = useStore(changeMark);
  const vaults = useLoad('vaults', (signal) => engine.call('ls', { limit: 1 }, { signal }), changes);
  const [chosen, setPlace] = useState<Place | null>(null);
  if (vaults.data === null) {
    return vaults.error === null ? (
      <LoadingState />
    ) : (
      <ErrorState error={vaults.error} onRetry={vaults.reload} />
    );
  }
  const names = vaults.data.vaults;
  const first = names.length === 1 ? names[0] : undefined;
  // One vault needs no list of vaults around it.
  const place = chosen ?? (first === undefined ? null : { vault: first, steps: [] });
  if (place === null) {
    return (
      <>
        <p className="soft">{t('history.vaultsAbout')}</p>
        <VaultList names={names} onOpen={(vault) => setPlace({ vault, steps: [] })} />
      </>
    );
  }
  return (
    <FolderPage
      key={place.vault}
      place={place}
      changes={changes}
      hasMoved={chosen !== null}
      onGo={setPlace}
      onVaults={names.length > 1 ? () => setPlace(null) : null}
    />
  );
}

/** Another value whenever a vault of this device has changed. */
function changeMark(state: Parameters<Parameters<typeof useStore>[0]>[0]): string {
  return (state.status?.pairs ?? []).map((pair) => pair.seq).join(' ');
}

function FolderPage(props: {
  readonly place: Place;
  readonly changes: string;
  /** Somebody opened it, rather than the view. */
  readonly hasMoved: boolean;
  readonly onGo: (place: Place) => void;
  /** Null when there is no list of vaults to go back to. */
  readonly onVaults: (() => void) | null;
}): ReactNode {
  const { place, changes, onGo, onVaults } = props;
  const { t } = useTranslation();
  const format = useFormat();
  const [filter, setFilter] = useState('');
  const [isTravelling, setTravelling] = useState(false);
  /** Null: now. */
  const [atMs, setAtMs] = useState<number | null>(null);
  const [versionsOf, setVersionsOf] = useState<Place | null>(null);
  const [restoring, setRestoring] = useState<{ place: Place; isFolder: boolean; past: Past } | null>(null);

  const go = (to: Place): void => {
    setFilter('');
    onGo(to);
  };
  const endTravel = (): void => {
    setTravelling(false);
    setAtMs(null);
  };
  const pastOf = (time: number): Past => ({ kind: 'time', atMs: time });

  return (
    <div className="browser">
      <div className="browser-bar">
        <Crumbs place={place} onGo={go} onVaults={onVaults} />
        <div className="browser-tools">
          <NameFilter value={filter} onChange={setFilter} />
          <Button
            onPress={() => (isTravelling ? endTravel() : setTravelling(true))}
            kind={isTravelling ? 'quiet' : 'plain'}
          >
            {isTravelling ? <X size={16} aria-hidden="true" /> : <History size={16} aria-hidden="true" />}
            {isTravelling ? t('history.time.end') : t('history.time.begin')}
          </Button>
        </div>
      </div>
      {isTravelling && <TimeTravel place={place} atMs={atMs} onChange={setAtMs} />}
      {isTravelling && atMs !== null && (
        <Banner
          isAnnounced
          title={t('history.time.shown', { name: nameOf(place), time: format.dateTime(atMs) })}
          actions={
            <Button
              size="small"
              kind="primary"
              onPress={() => setRestoring({ place, isFolder: true, past: pastOf(atMs) })}
            >
              {t('history.time.restore')}
            </Button>
          }
        >
          {t('history.time.shownAbout')}
        </Banner>
      )}
      <FolderList
        key={placeText(place)}
        place={place}
        filter={filter}
        atMs={atMs}
        changes={changes}
        takesFocus={props.hasMoved}
        onOpenFolder={(name) => go(childOf(place, name))}
        onOpenFile={(name) => setVersionsOf(childOf(place, name))}
        onRestore={(name, isFolder) => {
          if (atMs !== null) setRestoring({ place: childOf(place, name), isFolder, past: pastOf(atMs) });
        }}
      />
      {versionsOf !== null && (
        <VersionsDialog
          place={versionsOf}
          onClose={() => setVersionsOf(null)}
          onRestore={(past) => {
            setVersionsOf(null);
            setRestoring({ place: versionsOf, isFolder: false, past });
          }}
        />
      )}
      {restoring !== null && (
        <RestoreDialog
          {...restoring}
          onClose={() => setRestoring(null)}
          onRestored={(where) => {
            setRestoring(null);
            endTravel();
            const restored = parsePlace(where);
            go({ ...restored, steps: restored.steps.slice(0, restoring.isFolder ? undefined : -1) });
          }}
        />
      )}
    </div>
  );
}

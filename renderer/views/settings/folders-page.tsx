import { useState, type ReactNode } from 'react';
import { Folder, FolderPlus, FolderSync } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Status } from '../../../protocol/control-shapes.ts';
import { app, engine } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { ConfirmDialog } from '../../kit/dialog.tsx';
import { PathText } from '../../kit/path-text.tsx';
import { Banner, EmptyState, ErrorNote } from '../../kit/states.tsx';
import { toast } from '../../kit/toast.tsx';
import { readStatus } from '../../store/engine-store.ts';
import { useCall } from '../../store/use-call.ts';
import { useStore } from '../../store/use-store.ts';
import { AddFolderDialog } from './add-folder-dialog.tsx';
import { Section } from './section.tsx';
import { SelectDialog } from './select-dialog.tsx';

type Pair = Status['pairs'][number];

export function FoldersPage(): ReactNode {
  const { t } = useTranslation();
  const pairs = useStore((state) => state.status?.pairs) ?? [];
  const [isAdding, setAdding] = useState(false);
  const [selecting, setSelecting] = useState<Pair | null>(null);
  const [removing, setRemoving] = useState<Pair | null>(null);
  return (
    <Section
      title={t('settings.folders.title')}
      about={t('settings.folders.about')}
      actions={
        <Button kind="primary" onPress={() => setAdding(true)}>
          <FolderPlus size={16} aria-hidden="true" />
          {t('settings.folders.add')}
        </Button>
      }
    >
      {pairs.length === 0 ? (
        <EmptyState icon={<FolderSync size={24} />} title={t('settings.folders.none')}>
          {t('settings.folders.noneAbout')}
        </EmptyState>
      ) : (
        <ul className="stack">
          {pairs.map((pair) => (
            <PairCard
              key={pair.id}
              pair={pair}
              onSelect={() => setSelecting(pair)}
              onRemove={() => setRemoving(pair)}
            />
          ))}
        </ul>
      )}
      {isAdding && <AddFolderDialog onClose={() => setAdding(false)} />}
      {selecting !== null && <SelectDialog pair={selecting} onClose={() => setSelecting(null)} />}
      <ConfirmDialog
        isOpen={removing !== null}
        onClose={() => setRemoving(null)}
        title={t('settings.folders.removeTitle')}
        confirmLabel={t('settings.folders.remove')}
        onConfirm={async () => {
          if (removing === null) return;
          await engine.call('pairs.remove', { id: removing.id });
          toast(t('settings.folders.removed'));
          await readStatus();
        }}
      >
        <div className="stack">
          <p>{t('settings.folders.removeAbout')}</p>
          {removing !== null && <PathText path={removing.folder} />}
        </div>
      </ConfirmDialog>
    </Section>
  );
}

function PairCard(props: {
  readonly pair: Pair;
  readonly onSelect: () => void;
  readonly onRemove: () => void;
}): ReactNode {
  const { pair, onSelect, onRemove } = props;
  const { t } = useTranslation();
  const open = useCall(() => app.call('path.open', { path: pair.folder }));
  const name = pair.folder;
  return (
    <li className="card pair">
      <div className="pair-head">
        <Folder size={20} className="pair-icon" aria-hidden="true" />
        <div className="pair-words">
          <h3>
            <PathText path={pair.folder} />
          </h3>
          <div className="soft small pair-bound">
            <span>{t('settings.folders.bound')}</span>
            <PathText path={pair.path === '/' ? pair.vault : `${pair.vault}:${pair.path}`} />
          </div>
        </div>
      </div>
      {pair.paused !== null && (
        <Banner kind="warning" title={t('settings.folders.paused')}>
          {pair.paused}
        </Banner>
      )}
      {open.error !== null && <ErrorNote error={open.error} />}
      <div className="row">
        <Button
          size="small"
          label={t('settings.folders.openOf', { name })}
          isPending={open.isRunning}
          onPress={() => void open.run()}
        >
          {t('settings.folders.open')}
        </Button>
        <Button size="small" label={t('settings.folders.selectOf', { name })} onPress={onSelect}>
          {t('settings.folders.select')}
        </Button>
        <Button size="small" kind="quiet" label={t('settings.folders.removeOf', { name })} onPress={onRemove}>
          {t('settings.folders.remove')}
        </Button>
      </div>
    </li>
  );
}

/** Links a folder of this computer: into a vault of its own, or to a folder that the account has. */
import { useState, type ReactNode } from 'react';
import { RadioButton, RadioField, RadioGroup } from 'react-aria-components';
import { FolderOpen } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { app, engine } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { RadioCards } from '../../kit/choice.tsx';
import { Dialog } from '../../kit/dialog.tsx';
import { visibleName } from '../../kit/path-name.ts';
import { PathText } from '../../kit/path-text.tsx';
import { ErrorNote, LoadingState } from '../../kit/states.tsx';
import { TextField } from '../../kit/text-field.tsx';
import { toast } from '../../kit/toast.tsx';
import { readStatus } from '../../store/engine-store.ts';
import { useCall } from '../../store/use-call.ts';
import { useLoad } from '../../store/use-load.ts';
import { FolderTree } from './folder-tree.tsx';

export function AddFolderDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  const { t } = useTranslation();
  const [folder, setFolder] = useState('');
  const [kind, setKind] = useState<'new' | 'existing'>('new');
  /** `VAULT:/path`. */
  const [into, setInto] = useState<string | null>(null);
  const choose = useCall(async () => {
    const chosen = await app.call('folder.choose', folder === '' ? {} : { current: folder });
    if (chosen.folder !== null) setFolder(chosen.folder);
  });
  const add = useCall(async (options) => {
    const { pair } = await engine.call(
      'pairs.add',
      { folder: folder.trim(), into: kind === 'existing' ? into : null },
      options,
    );
    toast(t('settings.add.done', { folder: visibleName(pair.folder) }));
    await readStatus();
    onClose();
  });
  const isReady = folder.trim() !== '' && (kind === 'new' || into !== null);
  return (
    <Dialog
      isOpen
      onClose={onClose}
      size="wide"
      title={t('settings.add.title')}
      actions={
        <>
          <Button onPress={onClose}>{t('kit.cancel')}</Button>
          <Button
            kind="primary"
            isDisabled={!isReady}
            isPending={add.isRunning}
            onPress={() => void add.run()}
          >
            {t('settings.add.confirm')}
          </Button>
        </>
      }
    >
      <TextField
        label={t('settings.add.folder')}
        value={folder}
        onChange={setFolder}
        autoFocus
        action={
          <Button size="small" isPending={choose.isRunning} onPress={() => void choose.run()}>
            <FolderOpen size={15} aria-hidden="true" />
            {t('settings.add.choose')}
          </Button>
        }
      />
      {choose.error !== null && <ErrorNote error={choose.error} />}
      <RadioCards
        label={t('settings.add.where')}
        value={kind}
        onChange={setKind}
        cards={[
          { value: 'new', title: t('settings.add.newVault'), about: t('settings.add.newVaultAbout') },
          { value: 'existing', title: t('settings.add.existing'), about: t('settings.add.existingAbout') },
        ]}
      />
      {kind === 'existing' && <PlaceChoice value={into} onChange={setInto} />}
      {add.error !== null && <ErrorNote error={add.error} />}
    </Dialog>
  );
}

/** Every vault and the folders in it; one is chosen. */
function PlaceChoice(props: {
  readonly value: string | null;
  readonly onChange: (path: string) => void;
}): ReactNode {
  const { value, onChange } = props;
  const { t } = useTranslation();
  const vaults = useLoad('vaults', (signal) => engine.call('ls', { limit: 1 }, { signal }));
  if (vaults.data === null) {
    return vaults.error === null ? <LoadingState /> : <ErrorNote error={vaults.error} />;
  }
  return (
    <RadioGroup
      className="tree-frame"
      aria-label={t('settings.add.place')}
      value={value ?? ''}
      onChange={onChange}
    >
      {vaults.data.vaults.map((vault) => (
        <div key={vault}>
          <PlaceRadio path={`${vault}:/`} name={vault} />
          <div className="tree-below">
            <FolderTree
              path={`${vault}:/`}
              renderFolder={(folder) => <PlaceRadio path={folder.path} name={folder.entry.name} />}
            />
          </div>
        </div>
      ))}
    </RadioGroup>
  );
}

function PlaceRadio({ path, name }: { readonly path: string; readonly name: string }): ReactNode {
  return (
    <RadioField value={path}>
      <RadioButton className="tree-radio">
        <span className="radio-dot" aria-hidden="true" />
        <PathText path={name} />
      </RadioButton>
    </RadioField>
  );
}

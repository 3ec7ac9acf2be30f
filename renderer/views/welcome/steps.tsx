/** The questions of the welcome, one page each. */
import type { ReactNode } from 'react';
import { FolderOpen } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { app } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { RadioCards } from '../../kit/choice.tsx';
import { Banner } from '../../kit/states.tsx';
import { PasswordField, TextField } from '../../kit/text-field.tsx';
import { isOnServer, withoutSecrets, type Draft } from './draft.ts';
import { NewPassword } from './new-password.tsx';

export interface StepProps {
  readonly draft: Draft;
  readonly change: (part: Partial<Draft>) => void;
  /** Fields that were left empty or cannot be, by their name. */
  readonly faults: Partial<Record<keyof Draft, string>>;
}

export function BeginStep({ draft, change }: StepProps): ReactNode {
  const { t } = useTranslation();
  return (
    <RadioCards
      label={t('welcome.beginTitle')}
      isLabelHidden
      value={draft.mode}
      onChange={(mode) => change({ ...withoutSecrets(draft), mode })}
      cards={[
        { value: 'create', title: t('welcome.create'), about: t('welcome.createText') },
        { value: 'sign-in', title: t('welcome.signIn'), about: t('welcome.signInText') },
        { value: 'recover', title: t('welcome.recover'), about: t('welcome.recoverText') },
        { value: 'claim', title: t('welcome.claim'), about: t('welcome.claimText') },
      ]}
    />
  );
}

export function ServerStep({ draft, change, faults }: StepProps): ReactNode {
  const { t } = useTranslation();
  return (
    <div className="stack">
      {draft.mode !== 'claim' && (
        <RadioCards
          label={t('welcome.serverTitle')}
          isLabelHidden
          value={draft.serverKind}
          onChange={(serverKind) => change({ serverKind })}
          cards={[
            { value: 'address', title: t('welcome.serverAddress'), about: t('welcome.serverAddressText') },
            { value: 'local', title: t('welcome.serverLocal'), about: t('welcome.serverLocalText') },
          ]}
        />
      )}
      {isOnServer(draft) && (
        <TextField
          label={t('welcome.address')}
          value={draft.address}
          onChange={(address) => change({ address })}
          placeholder="https://coffre.example.org"
          about={t('welcome.addressAbout')}
          error={faults.address ?? null}
          maxLength={2000}
        />
      )}
    </div>
  );
}

export function AccountStep(props: StepProps & { readonly asksInvite: boolean }): ReactNode {
  const { draft, change, faults, asksInvite } = props;
  const { t } = useTranslation();
  return (
    <div className="stack">
      {draft.mode !== 'claim' && (
        <TextField
          label={t('welcome.email')}
          type="email"
          autoComplete="email"
          value={draft.email}
          onChange={(email) => change({ email })}
          about={draft.mode === 'create' ? t('welcome.emailAbout') : undefined}
          error={faults.email ?? null}
          maxLength={254}
        />
      )}
      {draft.mode === 'recover' && (
        <TextField
          label={t('welcome.phrase')}
          isLong
          isFixed
          value={draft.phrase}
          onChange={(phrase) => change({ phrase })}
          about={t('welcome.phraseAbout')}
          error={faults.phrase ?? null}
          maxLength={1000}
        />
      )}
      {draft.mode === 'sign-in' ? (
        <PasswordField
          label={t('welcome.password')}
          value={draft.password}
          onChange={(password) => change({ password })}
          error={faults.password ?? null}
        />
      ) : (
        <>
          <NewPassword
            label={t(draft.mode === 'create' ? 'welcome.password' : 'welcome.newPassword')}
            value={draft.password}
            onChange={(password) => change({ password })}
            error={faults.password ?? null}
          />
          {draft.mode === 'claim' && <Banner kind="warning">{t('welcome.notTheOld')}</Banner>}
          <Banner>{t('welcome.passwordText')}</Banner>
        </>
      )}
      {asksInvite && (
        <TextField
          label={t('welcome.invite')}
          value={draft.invite}
          onChange={(invite) => change({ invite })}
          maxLength={100}
          isFixed
        />
      )}
    </div>
  );
}

export function FolderStep({ draft, change, faults }: StepProps): ReactNode {
  const { t } = useTranslation();
  const choose = async (): Promise<void> => {
    const { folder } = await app.call('folder.choose', draft.folder === '' ? {} : { current: draft.folder });
    if (folder !== null) change({ folder });
  };
  return (
    <div className="stack">
      <TextField
        label={t('welcome.folder')}
        value={draft.folder}
        onChange={(folder) => change({ folder })}
        error={faults.folder ?? null}
        action={
          <Button kind="quiet" size="small" onPress={() => void choose().catch(() => undefined)}>
            <FolderOpen size={16} aria-hidden="true" />
            {t('welcome.choose')}
          </Button>
        }
      />
      <Banner kind="good">
        {t(
          draft.mode === 'create' || draft.mode === 'claim' ? 'welcome.folderCreate' : 'welcome.folderMerge',
        )}
      </Banner>
      <TextField
        label={t('welcome.deviceName')}
        value={draft.deviceName}
        onChange={(deviceName) => change({ deviceName })}
        about={t('welcome.deviceNameAbout')}
        error={faults.deviceName ?? null}
        maxLength={100}
      />
    </div>
  );
}

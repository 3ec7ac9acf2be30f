import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { engine } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { EmptyState } from '../../kit/states.tsx';
import { TextField } from '../../kit/text-field.tsx';
import { readApp } from '../../store/engine-store.ts';
import { useStore } from '../../store/use-store.ts';
import { ChangePasswordDialog } from './change-password-dialog.tsx';
import { PasswordDialog } from './password-dialog.tsx';
import { PhraseDialog } from './phrase-dialog.tsx';
import { Fact, Section } from './section.tsx';
import { ServerDialog } from './server-dialog.tsx';
import { SignOutDialog } from './sign-out-dialog.tsx';

type Open = 'server' | 'password' | 'phrase' | 'sign-out' | 'delete';

export function AccountPage(): ReactNode {
  const { t } = useTranslation();
  const account = useStore((state) => state.status?.account) ?? null;
  const [open, setOpen] = useState<Open | null>(null);
  const close = (): void => setOpen(null);
  if (account === null) return <EmptyState title={t('settings.account.none')} />;
  return (
    <div className="stack-wide">
      <Section title={t('settings.account.title')}>
        <dl className="card facts">
          <Fact term={t('settings.account.email')}>{account.email}</Fact>
          <Fact
            term={t('settings.account.server')}
            action={
              <Button
                size="small"
                label={`${t('settings.account.serverChange')} ${t('settings.account.server')}`}
                onPress={() => setOpen('server')}
              >
                {t('settings.account.serverChange')}
              </Button>
            }
          >
            {account.server}
          </Fact>
        </dl>
      </Section>
      <Section title={t('settings.account.secrets')} about={t('settings.account.secretsAbout')}>
        <ul className="card rows">
          <Action
            title={t('settings.account.password')}
            about={t('settings.account.passwordAbout')}
            button={t('settings.account.passwordChange')}
            onPress={() => setOpen('password')}
          />
          <Action
            title={t('settings.account.phrase')}
            about={t('settings.account.phraseAbout')}
            button={t('settings.account.phraseShow')}
            onPress={() => setOpen('phrase')}
          />
        </ul>
      </Section>
      <Section title={t('settings.account.leave')}>
        <ul className="card rows">
          <Action
            title={t('settings.account.signOut')}
            about={t('settings.account.signOutAbout')}
            button={t('settings.account.signOutButton')}
            onPress={() => setOpen('sign-out')}
          />
          <Action
            title={t('settings.account.delete')}
            about={t('settings.account.deleteAbout')}
            button={t('settings.account.deleteButton')}
            onPress={() => setOpen('delete')}
          />
        </ul>
      </Section>
      {open === 'server' && <ServerDialog server={account.server} onClose={close} />}
      {open === 'password' && <ChangePasswordDialog onClose={close} />}
      {open === 'phrase' && <PhraseDialog email={account.email} server={account.server} onClose={close} />}
      {open === 'sign-out' && <SignOutDialog onClose={close} />}
      {open === 'delete' && <DeleteDialog email={account.email} onClose={close} />}
    </div>
  );
}

function Action(props: {
  readonly title: string;
  readonly about: string;
  readonly button: string;
  readonly onPress: () => void;
}): ReactNode {
  return (
    <li className="rows-row">
      <div className="rows-words">
        <h3>{props.title}</h3>
        <p className="soft small">{props.about}</p>
      </div>
      <Button size="small" label={`${props.button} ${props.title}`} onPress={props.onPress}>
        {props.button}
      </Button>
    </li>
  );
}

/** Two proofs: the password for the server, the address so that nobody does it by habit. */
function DeleteDialog({
  email,
  onClose,
}: {
  readonly email: string;
  readonly onClose: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  return (
    <PasswordDialog
      title={t('settings.account.deleteTitle')}
      confirmLabel={t('settings.account.deleteConfirm')}
      isDanger
      isConfirmDisabled={typed.trim().toLowerCase() !== email.toLowerCase()}
      onClose={onClose}
      onConfirm={async (password) => {
        await engine.call('account.delete', { password });
        await readApp();
      }}
    >
      <p>{t('settings.account.deleteWhat')}</p>
      <p>
        <strong>{t('settings.account.deleteFinal')}</strong>
      </p>
      <TextField
        label={t('settings.account.deleteType', { email })}
        type="email"
        value={typed}
        onChange={setTyped}
        autoComplete="off"
      />
    </PasswordDialog>
  );
}

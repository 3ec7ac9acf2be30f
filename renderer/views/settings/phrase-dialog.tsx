/** The 24 words again, after the password was given. They leave the page with the dialog. */
import { useId, useState, type ReactNode } from 'react';
import { Printer } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { app, engine } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { Dialog } from '../../kit/dialog.tsx';
import { PrintSheet } from '../../kit/print-sheet.tsx';
import { Banner, ErrorNote } from '../../kit/states.tsx';
import { PasswordField } from '../../kit/text-field.tsx';
import { useCall } from '../../store/use-call.ts';

export function PhraseDialog(props: {
  readonly email: string;
  readonly server: string;
  readonly onClose: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const form = useId();
  const [password, setPassword] = useState('');
  const [words, setWords] = useState<readonly string[] | null>(null);
  const show = useCall(async (options) => {
    const { recoveryPhrase } = await engine.call('phrase.show', { password }, options);
    setWords(recoveryPhrase.split(' '));
    setPassword('');
  });
  const renew = useCall(async (options) => {
    const { recoveryPhrase } = await engine.call('phrase.renew', { password }, options);
    setWords(recoveryPhrase.split(' '));
    setPassword('');
  });
  const print = useCall(() => app.call('window.print', {}));
  // An account older than this way of showing them has to make new ones.
  const isNotKept = show.error?.code === 'not-found';
  const work = isNotKept ? renew : show;
  return (
    <Dialog
      isOpen
      onClose={props.onClose}
      size="wide"
      title={t('settings.account.phraseTitle')}
      actions={
        words === null ? (
          <>
            <Button onPress={props.onClose}>{t('kit.cancel')}</Button>
            <Button
              kind="primary"
              type="submit"
              form={form}
              isPending={work.isRunning}
              isDisabled={password === ''}
            >
              {t(isNotKept ? 'settings.account.phraseRenew' : 'settings.account.phraseShowNow')}
            </Button>
          </>
        ) : (
          <>
            <Button isPending={print.isRunning} onPress={() => void print.run()}>
              <Printer size={16} aria-hidden="true" />
              {t('settings.account.phrasePrint')}
            </Button>
            <Button kind="primary" autoFocus onPress={props.onClose}>
              {t('kit.close')}
            </Button>
          </>
        )
      }
    >
      {words === null ? (
        <form
          id={form}
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            if (password !== '') void work.run();
          }}
        >
          <Banner kind="warning">{t('settings.account.phraseAsk')}</Banner>
          {isNotKept && <Banner>{t('settings.account.phraseNotKept')}</Banner>}
          <PasswordField
            label={t('settings.password.own')}
            value={password}
            onChange={setPassword}
            autoFocus
          />
          {work.error !== null && !(isNotKept && work === show) && <ErrorNote error={work.error} />}
        </form>
      ) : (
        <>
          <p role="status">{t('settings.account.phraseShown')}</p>
          <WordList words={words} />
          {print.error !== null && <ErrorNote error={print.error} />}
          <PrintSheet>
            <h1>{t('settings.account.phraseTitle')}</h1>
            <p>{props.email}</p>
            <p>{props.server}</p>
            <WordList words={words} />
          </PrintSheet>
        </>
      )}
    </Dialog>
  );
}

function WordList({ words }: { readonly words: readonly string[] }): ReactNode {
  return (
    <ol className="phrase">
      {words.map((word, index) => (
        <li key={index}>
          <span className="soft figures phrase-number">{index + 1}</span> {word}
        </li>
      ))}
    </ol>
  );
}

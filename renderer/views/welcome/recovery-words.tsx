/** The 24 words, shown once: to note, to print, and then to prove that they were. */
import { useState, type ReactNode } from 'react';
import { Form } from 'react-aria-components';
import { Printer } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { app, toCallError, type CallError } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { PrintSheet } from '../../kit/print-sheet.tsx';
import { Banner, ErrorNote } from '../../kit/states.tsx';
import { TextField } from '../../kit/text-field.tsx';
import { useFormat } from '../../language/format.ts';
import { drawFromSystem, evenChoice } from './passphrase.ts';
import { useNow } from '../../store/use-now.ts';
import { positionsToAsk, wrongPositions } from './word-check.ts';
import { WelcomeFrame } from './welcome-frame.tsx';
import './recovery-words.css';

export function RecoveryWords(props: {
  readonly words: readonly string[];
  /** Of what was made, above the words. */
  readonly note: string | null;
  readonly email: string;
  readonly server: string;
  readonly onDone: () => void;
}): ReactNode {
  const { words } = props;
  const { t } = useTranslation();
  const [isChecking, setChecking] = useState(false);
  const [error, setError] = useState<CallError | null>(null);
  const print = (): void => {
    setError(null);
    app.call('window.print', {}).catch((thrown: unknown) => setError(toCallError(thrown)));
  };
  if (isChecking) return <WordCheck words={words} onBack={() => setChecking(false)} onDone={props.onDone} />;
  return (
    <WelcomeFrame
      key="words"
      title={t('words.title')}
      about={t('words.text')}
      actions={
        <>
          <Button onPress={print}>
            <Printer size={16} aria-hidden="true" />
            {t('words.print')}
          </Button>
          <Button kind="primary" onPress={() => setChecking(true)}>
            {t('words.noted')}
          </Button>
        </>
      }
    >
      {props.note !== null && <Banner kind="good">{props.note}</Banner>}
      <Words words={words} />
      <Banner kind="warning">{t('words.warning')}</Banner>
      {error !== null && <ErrorNote error={error} />}
      <Sheet {...props} />
    </WelcomeFrame>
  );
}

function Words({ words }: { readonly words: readonly string[] }): ReactNode {
  return (
    <ol className="words">
      {words.map((word, index) => (
        <li key={index}>
          <span className="words-number figures soft">{index + 1}</span>
          {word}
        </li>
      ))}
    </ol>
  );
}

function Sheet(props: {
  readonly words: readonly string[];
  readonly email: string;
  readonly server: string;
}): ReactNode {
  const { t } = useTranslation();
  const format = useFormat();
  const nowMs = useNow();
  return (
    <PrintSheet>
      <h1>{t('sheet.title')}</h1>
      <p>{t('sheet.text')}</p>
      <dl className="sheet-lines">
        <dt>{t('sheet.email')}</dt>
        <dd>{props.email}</dd>
        <dt>{t('sheet.server')}</dt>
        <dd>{props.server}</dd>
        <dt>{t('sheet.date')}</dt>
        <dd>{format.date(nowMs)}</dd>
      </dl>
      <Words words={props.words} />
      <p>{t('sheet.keep')}</p>
    </PrintSheet>
  );
}

function WordCheck(props: {
  readonly words: readonly string[];
  readonly onBack: () => void;
  readonly onDone: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const [asked] = useState(() =>
    positionsToAsk(props.words.length, (bound) => evenChoice(bound, drawFromSystem)),
  );
  const [answers, setAnswers] = useState<readonly string[]>(() => asked.map(() => ''));
  const [wrong, setWrong] = useState<readonly number[]>([]);
  const check = (): void => {
    const found = wrongPositions(props.words, asked, answers);
    setWrong(found);
    if (found.length === 0) props.onDone();
  };
  return (
    <WelcomeFrame
      key="check"
      title={t('words.checkTitle')}
      about={t('words.checkText')}
      actions={
        <>
          <Button onPress={props.onBack}>{t('words.again')}</Button>
          <Button kind="primary" type="submit" form="word-check">
            {t('words.check')}
          </Button>
        </>
      }
    >
      <Form
        id="word-check"
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          check();
        }}
      >
        {asked.map((position, index) => (
          <TextField
            key={position}
            label={t('words.number', { number: position + 1 })}
            value={answers[index] ?? ''}
            onChange={(value) => {
              setAnswers(answers.map((old, at) => (at === index ? value : old)));
              setWrong(wrong.filter((one) => one !== position));
            }}
            autoComplete="off"
            error={wrong.includes(position) ? t('words.wrong') : null}
          />
        ))}
      </Form>
    </WelcomeFrame>
  );
}

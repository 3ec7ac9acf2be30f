/** From nothing to a folder that syncs: a new account, a further device, a lost password, or an account of before. */
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { Form } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { AppInfo } from '../../../protocol/app.ts';
import { app, engine } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { Progress, progressPart } from '../../kit/progress.tsx';
import { ErrorNote } from '../../kit/states.tsx';
import { sayingOf } from '../../language/error-text.ts';
import { readStatus } from '../../store/engine-store.ts';
import { useCall } from '../../store/use-call.ts';
import { useStore } from '../../store/use-store.ts';
import type { LegacyOffer } from '../../../protocol/legacy.ts';
import { FormerStep, LostStep } from './claim-steps.tsx';
import {
  isEmail,
  isOldPassword,
  isOnServer,
  oldProofOf,
  phraseWords,
  stepOf,
  stepsOf,
  withoutSecrets,
  type Draft,
  type Step,
} from './draft.ts';
import { RecoveryWords } from './recovery-words.tsx';
import { AccountStep, BeginStep, FolderStep, ServerStep } from './steps.tsx';
import { WelcomeFrame } from './welcome-frame.tsx';

const RECOVERY_WORDS = 24;

export function WelcomeView({
  info,
  onDone,
}: {
  readonly info: AppInfo;
  readonly onDone: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const former = useStore((state) => state.formerAccount);
  const hasAccount = useStore((state) => (state.status?.account ?? null) !== null);
  const [draft, setDraft] = useState<Draft>(() => ({
    mode: former === null ? 'create' : 'sign-in',
    serverKind: 'address',
    address: former?.server ?? '',
    email: former?.email ?? '',
    password: '',
    phrase: '',
    invite: '',
    proof: 'password',
    oldPassword: '',
    code: '',
    folder: info.defaultFolder,
    deviceName: former?.deviceName ?? info.deviceName,
  }));
  const [step, setStep] = useState<Step>('begin');
  const [faults, setFaults] = useState<Partial<Record<keyof Draft, string>>>({});
  const [words, setWords] = useState<readonly string[] | null>(null);
  const [server, setServer] = useState('');
  const [offer, setOffer] = useState<LegacyOffer | null>(null);
  const service = offer?.service ?? t('welcome.olderService');
  const steps = stepsOf(draft.mode);

  const change = (part: Partial<Draft>): void => {
    setDraft((old) => ({ ...old, ...part }));
    setFaults({});
  };

  const finish = useCall(async (options) => {
    const address = isOnServer(draft) ? draft.address.trim() : (await app.call('server.local', {})).url;
    const device = {
      server: address,
      email: draft.email.trim(),
      folder: draft.folder.trim(),
      deviceName: draft.deviceName.trim(),
    };
    if (draft.mode === 'create') {
      const invite = draft.invite.trim();
      const made = await engine.call(
        'signup',
        { ...device, password: draft.password, ...(invite === '' ? {} : { invite }) },
        options,
      );
      setServer(address);
      setWords(made.recoveryPhrase.split(' '));
    } else if (draft.mode === 'claim') {
      const { password } = draft;
      const made = await engine.call('claim', { ...device, ...oldProofOf(draft), password }, options);
      setServer(address);
      setWords(made.recoveryPhrase.split(' '));
    } else if (draft.mode === 'sign-in') {
      await engine.call('login', { ...device, password: draft.password }, options);
    } else {
      const phrase = phraseWords(draft.phrase).join(' ');
      await engine.call('recover', { ...device, phrase, newPassword: draft.password }, options);
    }
    setDraft(withoutSecrets);
    await readStatus();
    if (draft.mode !== 'create' && draft.mode !== 'claim') onDone();
  });

  // Told where it can be mended, before anybody thinks of a new password.
  const ask = useCall(async (options, about: 'offer' | 'proof') => {
    const where = { server: draft.address.trim() };
    if (about === 'proof') {
      await engine.call(
        'claim.prove',
        { ...where, email: draft.email.trim(), ...oldProofOf(draft) },
        options,
      );
      return;
    }
    const found = await engine.call('claim.offer', where, options);
    setOffer(found);
    setDraft((old) => ({ ...old, proof: found.passwords ? old.proof : 'code' }));
  });

  // Somebody signed in by the command line meanwhile: there is nothing left to ask.
  const isOwn = finish.isRunning || words !== null;
  useEffect(() => {
    if (hasAccount && !isOwn) onDone();
  }, [hasAccount, isOwn, onDone]);

  if (words !== null) {
    return (
      <RecoveryWords
        words={words}
        note={draft.mode === 'claim' ? t('welcome.madeAnew', { service }) : null}
        email={draft.email.trim()}
        server={server}
        onDone={() => {
          setWords(null);
          onDone();
        }}
      />
    );
  }
  if (finish.isRunning) return <Working draft={draft} progress={finish.progress} onCancel={finish.cancel} />;

  const missing = (): Partial<Record<keyof Draft, string>> => {
    const need = t('welcome.needed');
    if (step === 'server' && isOnServer(draft) && draft.address.trim() === '') return { address: need };
    if (step === 'former') {
      if (!isEmail(draft.email)) return { email: t('welcome.needEmail') };
      if (draft.proof === 'password' && draft.oldPassword === '') return { oldPassword: need };
      if (draft.proof === 'code' && draft.code.trim() === '') return { code: need };
    }
    if (step === 'account') {
      if (draft.mode !== 'claim' && !isEmail(draft.email)) return { email: t('welcome.needEmail') };
      if (draft.mode === 'recover' && phraseWords(draft.phrase).length !== RECOVERY_WORDS)
        return { phrase: t('welcome.needWords', { count: phraseWords(draft.phrase).length }) };
      if (draft.password === '') return { password: need };
      if (draft.mode !== 'sign-in' && draft.password.length < 8) return { password: t('welcome.tooShort') };
      if (isOldPassword(draft)) return { password: t('welcome.sameAsOld') };
    }
    if (step === 'folder') {
      if (draft.folder.trim() === '') return { folder: need };
      if (draft.deviceName.trim() === '') return { deviceName: need };
    }
    return {};
  };
  const go = (to: Step): void => {
    setFaults({});
    ask.clearError();
    setStep(to);
  };
  const next = async (): Promise<void> => {
    const found = missing();
    setFaults(found);
    if (Object.keys(found).length > 0) return;
    if (draft.mode === 'claim') {
      if (step === 'server' && !(await ask.run('offer'))) return;
      if (step === 'former' && !(await ask.run('proof'))) return;
    }
    const following = steps[steps.indexOf(step) + 1];
    if (following !== undefined) go(following);
    else void finish.run();
  };
  const back = (): void => {
    const before = steps[steps.indexOf(step) - 1];
    if (before !== undefined) go(before);
  };
  // What went wrong stands at the step that can mend it.
  const { error } = finish;
  const errorStep = error === null ? null : stepOf(error, draft.mode);
  const shown = ask.error ?? (errorStep === step ? error : null);
  const asksInvite =
    error !== null && ['invite', 'taken'].includes(sayingOf(error) ?? '') && draft.mode === 'create';
  const props = { draft, change, faults };
  return (
    <ErrorStep error={errorStep} onGo={go}>
      <WelcomeFrame
        key={step}
        title={t(`welcome.${step}Title`, { service })}
        about={t(`welcome.${step}Text`, { service })}
        progress={
          <span className="soft small figures">
            {t('welcome.step', { number: steps.indexOf(step) + 1, total: steps.length })}
          </span>
        }
        actions={
          <>
            {step !== 'begin' && <Button onPress={back}>{t('kit.back')}</Button>}
            <Button kind="primary" type="submit" form="welcome">
              {step === 'folder' ? t(`welcome.finish.${draft.mode}`) : t('kit.next')}
            </Button>
          </>
        }
      >
        {shown !== null && <ErrorNote error={shown} />}
        {ask.isRunning && (
          <p role="status" className="small soft">
            {t('kit.loading')}
          </p>
        )}
        <Form
          id="welcome"
          onSubmit={(event) => {
            event.preventDefault();
            void next();
          }}
        >
          {step === 'begin' && <BeginStep {...props} />}
          {step === 'server' && <ServerStep {...props} />}
          {step === 'former' && <FormerStep {...props} passwords={offer?.passwords ?? true} />}
          {step === 'lost' && <LostStep service={service} />}
          {step === 'account' && <AccountStep {...props} asksInvite={asksInvite || draft.invite !== ''} />}
          {step === 'folder' && <FolderStep {...props} />}
        </Form>
      </WelcomeFrame>
    </ErrorStep>
  );
}

/** Leads to the step of an error once, when it has come; a person may then go where they like. */
function ErrorStep(props: {
  readonly error: Step | null;
  readonly onGo: (step: Step) => void;
  readonly children: ReactNode;
}): ReactNode {
  const { error, onGo } = props;
  const go = useRef(onGo);
  useEffect(() => {
    go.current = onGo;
  });
  useEffect(() => {
    if (error !== null) go.current(error);
  }, [error]);
  return props.children;
}

function Working(props: {
  readonly draft: Draft;
  readonly progress: ReturnType<typeof useCall>['progress'];
  readonly onCancel: () => void;
}): ReactNode {
  const { draft, progress } = props;
  const { t } = useTranslation();
  return (
    <WelcomeFrame
      title={t(`working.${draft.mode}`)}
      about={t('working.text')}
      actions={<Button onPress={props.onCancel}>{t('kit.cancel')}</Button>}
    >
      <Progress label={t('working.label')} isLabelHidden part={progressPart(progress)} />
    </WelcomeFrame>
  );
}

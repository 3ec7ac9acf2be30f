/** The ignore rules of a folder, with what a draft would change before it is saved. */
import { useEffect, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { engine } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { Select } from '../../kit/choice.tsx';
import { visibleName } from '../../kit/path-name.ts';
import { Banner, EmptyState, ErrorNote, ErrorState, LoadingState } from '../../kit/states.tsx';
import { TextField } from '../../kit/text-field.tsx';
import { toast } from '../../kit/toast.tsx';
import { useCall } from '../../store/use-call.ts';
import { useLoad } from '../../store/use-load.ts';
import { useStore } from '../../store/use-store.ts';
import { IgnorePreview } from './ignore-preview.tsx';
import { IgnoreTest } from './ignore-test.tsx';
import { Section } from './section.tsx';

/** Somebody is still typing. */
const REST_MS = 400;

export function IgnorePage(): ReactNode {
  const { t } = useTranslation();
  const pairs = useStore((state) => state.status?.pairs) ?? [];
  const [chosen, setChosen] = useState<string | null>(null);
  const pair = pairs.find((one) => one.id === chosen) ?? pairs[0];
  return (
    <Section title={t('settings.ignore.title')} about={t('settings.ignore.about')}>
      {pair === undefined ? (
        <EmptyState title={t('settings.folders.none')}>{t('settings.folders.noneAbout')}</EmptyState>
      ) : (
        <>
          {pairs.length > 1 && (
            <Select
              label={t('settings.ignore.folder')}
              value={pair.id}
              onChange={setChosen}
              options={pairs.map((one) => ({ value: one.id, label: visibleName(one.folder) }))}
            />
          )}
          <RulesOf key={pair.id} pair={pair.id} folder={pair.folder} />
        </>
      )}
    </Section>
  );
}

function RulesOf({ pair, folder }: { readonly pair: string; readonly folder: string }): ReactNode {
  const { data, error, reload } = useLoad(pair, (signal) =>
    engine.call('ignore.rules', { pair }, { signal }),
  );
  if (data === null) return error === null ? <LoadingState /> : <ErrorState error={error} onRetry={reload} />;
  return (
    <Editor
      key={data.text}
      pair={pair}
      folder={folder}
      saved={data.text}
      builtIn={data.builtIn}
      onSaved={reload}
    />
  );
}

function Editor(props: {
  readonly pair: string;
  readonly folder: string;
  readonly saved: string;
  readonly builtIn: readonly string[];
  readonly onSaved: () => void;
}): ReactNode {
  const { pair, folder, saved, builtIn, onSaved } = props;
  const { t } = useTranslation();
  const [text, setText] = useState(saved);
  const draft = useRested(text);
  const save = useCall(async (options) => {
    await engine.call('ignore.setRules', { pair, text, was: saved }, options);
    toast(t('settings.ignore.saved'));
    onSaved();
  });
  const isChanged = text !== saved;
  return (
    <div className="stack">
      <div className="card stack">
        <TextField
          label={t('settings.ignore.rules')}
          about={t('settings.ignore.rulesAbout')}
          value={text}
          onChange={setText}
          isLong
          isFixed
        />
        <div className="row">
          <Button
            kind="primary"
            isDisabled={!isChanged}
            isPending={save.isRunning}
            onPress={() => void save.run()}
          >
            {t('settings.ignore.save')}
          </Button>
          <Button kind="quiet" isDisabled={!isChanged} onPress={() => setText(saved)}>
            {t('settings.ignore.undo')}
          </Button>
        </div>
        {save.error !== null && (
          <>
            <ErrorNote error={save.error} />
            {save.error.code === 'exists' && (
              <Button onPress={onSaved}>{t('settings.ignore.readAgain')}</Button>
            )}
          </>
        )}
      </div>
      {draft !== saved && <IgnorePreview pair={pair} text={draft} />}
      <Banner>{t('settings.ignore.safe')}</Banner>
      <IgnoreTest folder={folder} text={draft} />
      <p className="soft small">
        {t('settings.ignore.builtIn')} <code className="fixed">{builtIn.join('  ')}</code>
      </p>
    </div>
  );
}

/** The value as it was when nothing changed for a while. */
function useRested(value: string): string {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setRested(value), REST_MS);
    return () => window.clearTimeout(timer);
  }, [value]);
  return rested;
}

/** How long a password would stand. The dictionaries are large, so they come when a password is first typed. */
import { useEffect, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import './password-meter.css';

const LEVELS = 4;
type Score = 0 | 1 | 2 | 3 | 4;
/** What a vault should have at least. */
const LEAST_SCORE = 3;
type Check = (password: string) => Score;

let loading: Promise<Check> | null = null;

async function load(): Promise<Check> {
  const [core, common, english, french] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
    import('@zxcvbn-ts/language-en'),
    import('@zxcvbn-ts/language-fr'),
  ]);
  const meter = new core.ZxcvbnFactory({
    dictionary: { ...common.dictionary, ...english.dictionary, ...french.dictionary },
    graphs: common.adjacencyGraphs,
    translations: english.translations,
  });
  // A longer one is strong, and would only cost time.
  return (password) => meter.check(password.slice(0, 100)).score;
}

/** Null until it is known. */
function usePasswordScore(password: string): Score | null {
  const [known, setKnown] = useState<{ readonly password: string; readonly score: Score } | null>(null);
  useEffect(() => {
    if (password === '') return;
    let isCurrent = true;
    loading ??= load();
    loading.then(
      (check) => isCurrent && setKnown({ password, score: check(password) }),
      () => undefined,
    );
    return () => {
      isCurrent = false;
    };
  }, [password]);
  return known?.password === password ? known.score : null;
}

export function PasswordMeter({ password }: { readonly password: string }): ReactNode {
  const { t } = useTranslation();
  const score = usePasswordScore(password);
  if (password === '') return null;
  return (
    <div className="meter" data-score={score ?? undefined}>
      <div className="meter-bars" aria-hidden="true">
        {Array.from({ length: LEVELS }, (_, index) => (
          <span
            key={index}
            className="meter-bar"
            data-on={score !== null && index < Math.max(1, score) ? '' : undefined}
          />
        ))}
      </div>
      <p className="small" role="status">
        {score === null ? t('meter.thinking') : t(`meter.scores.${score}`)}
        {score !== null && score < LEAST_SCORE && ` ${t('meter.advice')}`}
      </p>
    </div>
  );
}

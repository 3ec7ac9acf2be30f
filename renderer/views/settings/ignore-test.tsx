import { useEffect, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { engine } from '../../bridge/bridge.ts';
import { visibleName } from '../../kit/path-name.ts';
import { ErrorNote } from '../../kit/states.tsx';
import { TextField } from '../../kit/text-field.tsx';
import { useLoad } from '../../store/use-load.ts';

const REST_MS = 300;

/** Whether one path is left out by the draft, and which rule does it. */
export function IgnoreTest({ folder, text }: { readonly folder: string; readonly text: string }): ReactNode {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  const [path, setPath] = useState('');
  useEffect(() => {
    const timer = window.setTimeout(() => setPath(typed.trim()), REST_MS);
    return () => window.clearTimeout(timer);
  }, [typed]);
  return (
    <div className="card stack">
      <TextField
        label={t('settings.ignore.test')}
        about={t('settings.ignore.testAbout')}
        placeholder={t('settings.ignore.testExample')}
        value={typed}
        onChange={setTyped}
        isFixed
      />
      {path !== '' && <Verdict path={`${folder}/${path.replace(/^\/+/u, '')}`} text={text} />}
    </div>
  );
}

function Verdict({ path, text }: { readonly path: string; readonly text: string }): ReactNode {
  const { t } = useTranslation();
  const { data, error } = useLoad(`${path} ${text}`, (signal) =>
    engine.call('ignore.test', { path, text }, { signal }),
  );
  if (error !== null) return <ErrorNote error={error} />;
  if (data === null) return null;
  const { ignored, rule } = data;
  const by =
    rule === null
      ? t('settings.ignore.noRule')
      : t(rule.file === null ? 'settings.ignore.byBuiltIn' : 'settings.ignore.byRule', {
          pattern: visibleName(rule.pattern),
          file: visibleName(rule.file ?? ''),
        });
  return (
    <p role="status" className="verdict" data-ignored={ignored ? '' : undefined}>
      <strong>{t(ignored ? 'settings.ignore.isIgnored' : 'settings.ignore.isSynced')}</strong> {by}
    </p>
  );
}

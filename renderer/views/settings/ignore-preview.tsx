import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { ControlResult } from '../../../protocol/control.ts';
import { engine } from '../../bridge/bridge.ts';
import { PathText } from '../../kit/path-text.tsx';
import { ErrorNote, LoadingState } from '../../kit/states.tsx';
import { useLoad } from '../../store/use-load.ts';

type Preview = ControlResult<'ignore.preview'>;

/** What the draft would leave out and let in on this disk. */
export function IgnorePreview({ pair, text }: { readonly pair: string; readonly text: string }): ReactNode {
  const { t } = useTranslation();
  const { data, error } = useLoad(`${pair} ${text}`, (signal) =>
    engine.call('ignore.preview', { pair, text, limit: 8 }, { signal }),
  );
  return (
    <section className="card stack" aria-label={t('settings.ignore.preview')}>
      <h3>{t('settings.ignore.preview')}</h3>
      {data === null && error === null && <LoadingState />}
      {error !== null && <ErrorNote error={error} />}
      {data !== null && (
        <div className="pair-of-fields" role="status">
          <Changed
            title={t('settings.ignore.leftOut', { count: data.newlyIgnored.files })}
            changed={data.newlyIgnored}
          />
          <Changed
            title={t('settings.ignore.letIn', { count: data.noLongerIgnored.files })}
            changed={data.noLongerIgnored}
          />
        </div>
      )}
      {data?.complete === false && <p className="soft small">{t('settings.ignore.incomplete')}</p>}
    </section>
  );
}

function Changed({
  title,
  changed,
}: {
  readonly title: string;
  readonly changed: Preview['newlyIgnored'];
}): ReactNode {
  const { t } = useTranslation();
  return (
    <div className="changed">
      <p className="changed-title">{title}</p>
      {changed.paths.length > 0 && (
        <ul className="changed-paths small">
          {changed.paths.map((path) => (
            <li key={path}>
              <PathText path={path} />
            </li>
          ))}
        </ul>
      )}
      {changed.files > 0 && changed.paths.length < changed.files && (
        <p className="soft small">{t('settings.ignore.andMore')}</p>
      )}
    </div>
  );
}

/** What a mass deletion would take: how many files, where they were deleted, and the first of them by name. */
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { engine } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { PathText } from '../../kit/path-text.tsx';
import { ErrorNote } from '../../kit/states.tsx';
import { useLoad } from '../../store/use-load.ts';
import { useNow } from '../../store/use-now.ts';

const FIRST_SHOWN = 4;

export function Removals(props: {
  readonly issue: number;
  /** All that were told, from the start. */
  readonly isOpen?: boolean;
}): ReactNode {
  const { t } = useTranslation();
  const [isOpened, setOpened] = useState(false);
  // Asked again now and then: more may have been deleted meanwhile.
  const { data, error } = useLoad(
    `removals ${props.issue}`,
    (signal) => engine.call('issues.removals', { id: props.issue }, { signal }),
    useNow(),
  );
  if (data === null) return error === null ? null : <ErrorNote error={error} />;
  const isOpen = props.isOpen === true || isOpened;
  const shown = isOpen ? data.paths : data.paths.slice(0, FIRST_SHOWN);
  const rest = data.files - shown.length;
  const about = t(`removals.${data.deleted}`, { count: data.files });
  return (
    <div className="removals">
      <p>{about}</p>
      {/* A list that scrolls has to be reached by who has no mouse. */}
      <ul aria-label={about} {...(isOpen ? { tabIndex: 0 } : {})}>
        {shown.map((path) => (
          <li key={path}>
            <PathText path={path} />
          </li>
        ))}
        {rest > 0 && <li className="soft">{t('removals.more', { count: rest })}</li>}
      </ul>
      {!isOpen && data.paths.length > shown.length && (
        <Button kind="quiet" size="small" onPress={() => setOpened(true)}>
          {t('removals.open', { count: data.paths.length })}
        </Button>
      )}
    </div>
  );
}

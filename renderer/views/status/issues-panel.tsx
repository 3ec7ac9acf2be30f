/** Everything that is not in sync, why, and a button for each way out. */
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { TriangleAlert, Info } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { engine, toCallError } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { ConfirmDialog } from '../../kit/dialog.tsx';
import { PathText } from '../../kit/path-text.tsx';
import { toast } from '../../kit/toast.tsx';
import { errorText, issueReason, issueTitle, wayAbout, wayLabel } from '../../language/error-text.ts';
import { useFormat } from '../../language/format.ts';
import type { Issue } from '../../store/engine-state.ts';
import { readStatus } from '../../store/engine-store.ts';
import { useStore } from '../../store/use-store.ts';
import { Removals } from './removals.tsx';
import { asksFirst, groupIssues, removesSomething, type IssueGroup } from './issue-groups.ts';
import './issues-panel.css';

const FIRST_SHOWN = 4;
const SHOWN_MORE = 25;
const MASS_DELETION = 'mass-deletion';

interface Choice {
  readonly issues: readonly Issue[];
  readonly way: string;
}

export function IssuesPanel({ issueToShow }: { readonly issueToShow: number | null }): ReactNode {
  const { t, i18n } = useTranslation();
  const issues = useStore((state) => state.issues);
  const groups = useMemo(() => groupIssues(issues), [issues]);
  const [asked, setAsked] = useState<Choice | null>(null);

  const resolve = async ({ issues: chosen, way }: Choice): Promise<void> => {
    // The device gives up what it was; the window then begins at signing in.
    if (way === 'login-again') await engine.call('logout', {});
    else for (const issue of chosen) await engine.call('issues.resolve', { id: issue.id, way });
    await readStatus();
  };
  const choose = (choice: Choice): void => {
    if (asksFirst(choice.way)) {
      setAsked(choice);
      return;
    }
    resolve(choice).catch((error: unknown) => {
      const text = errorText(t, i18n.language, toCallError(error));
      toast(`${text.title} ${text.hint}`, 'error');
    });
  };

  if (issues.length === 0) return null;
  return (
    <section className="stack" aria-label={t('issuesPanel.title')}>
      {groups.map((group) => (
        <Group key={group.code} group={group} issueToShow={issueToShow} onChoose={choose} />
      ))}
      {asked !== null && (
        <ConfirmDialog
          isOpen
          onClose={() => setAsked(null)}
          title={wayLabel(t, asked.way)}
          confirmLabel={wayLabel(t, asked.way)}
          isDanger={removesSomething(asked.way)}
          onConfirm={() => resolve(asked)}
        >
          <p>{wayAbout(t, asked.way)}</p>
          <ul className="issue-asked">
            {asked.issues.map((issue) => (
              <li key={issue.id}>
                <Where issue={issue} />
                {issue.code === MASS_DELETION && <Removals issue={issue.id} isOpen />}
              </li>
            ))}
          </ul>
        </ConfirmDialog>
      )}
    </section>
  );
}

function Group(props: {
  readonly group: IssueGroup;
  readonly issueToShow: number | null;
  readonly onChoose: (choice: Choice) => void;
}): ReactNode {
  const { group, issueToShow, onChoose } = props;
  const { t } = useTranslation();
  const format = useFormat();
  const wanted = group.issues.findIndex((issue) => issue.id === issueToShow);
  const [asked, setShown] = useState(FIRST_SHOWN);
  const shown = Math.max(asked, wanted + 1);
  const [first] = group.issues;
  if (first === undefined) return null;
  const isNotice = first.ways.length === 1 && first.ways[0] === 'dismiss';
  const Icon = isNotice ? Info : TriangleAlert;
  const rest = group.issues.length - shown;
  return (
    <article className="card issue-group" aria-label={issueTitle(t, group.code)}>
      <header className="issue-head">
        <Icon size={20} className="issue-icon" data-notice={isNotice ? '' : undefined} aria-hidden="true" />
        <div className="issue-words">
          <h2>
            {issueTitle(t, group.code)}
            {group.issues.length > 1 && (
              <span className="soft figures"> · {format.number(group.issues.length)}</span>
            )}
          </h2>
          <p className="soft">{issueReason(t, first)}</p>
        </div>
        {group.issues.length > 1 && first.ways.includes('retry') && (
          <Button size="small" onPress={() => onChoose({ issues: group.issues, way: 'retry' })}>
            {t('issuesPanel.retryAll')}
          </Button>
        )}
      </header>
      <ul className="issue-list">
        {group.issues.slice(0, shown).map((issue) => (
          <IssueLine
            key={issue.id}
            issue={issue}
            isAlone={group.issues.length === 1}
            isWanted={issue.id === issueToShow}
            onChoose={onChoose}
          />
        ))}
      </ul>
      {rest > 0 && (
        <div className="row issue-more">
          <Button kind="quiet" size="small" onPress={() => setShown(shown + SHOWN_MORE)}>
            {t('issuesPanel.more', { count: rest })}
          </Button>
        </div>
      )}
    </article>
  );
}

function IssueLine(props: {
  readonly issue: Issue;
  readonly isAlone: boolean;
  readonly isWanted: boolean;
  readonly onChoose: (choice: Choice) => void;
}): ReactNode {
  const { issue, isAlone, isWanted, onChoose } = props;
  const { t } = useTranslation();
  const line = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (!isWanted) return;
    line.current?.scrollIntoView({ block: 'center' });
    line.current?.focus({ preventScroll: true });
  }, [isWanted]);
  // Beside others of its kind the group's own button tries them all again.
  const ways = isAlone ? issue.ways : issue.ways.filter((way) => way !== 'retry');
  return (
    <li ref={line} className="issue-line" tabIndex={-1} data-wanted={isWanted ? '' : undefined}>
      <div className="issue-where">
        <Where issue={issue} />
        {issue.code === MASS_DELETION && <Removals issue={issue.id} />}
      </div>
      {ways.length > 0 && (
        <div className="row">
          {ways.map((way) => (
            <Button
              key={way}
              size="small"
              label={issue.path === '' ? wayLabel(t, way) : `${wayLabel(t, way)}: ${issue.path}`}
              onPress={() => onChoose({ issues: [issue], way })}
            >
              {wayLabel(t, way)}
            </Button>
          ))}
        </div>
      )}
    </li>
  );
}

/** The path, or the folder when it concerns all of it; nothing for what concerns the account. */
function Where({ issue }: { readonly issue: Issue }): ReactNode {
  const folder = useStore((state) => state.status?.pairs.find((pair) => pair.id === issue.pair)?.folder);
  const where = issue.path !== '' ? issue.path : (folder ?? '');
  return where === '' ? null : <PathText path={where} />;
}

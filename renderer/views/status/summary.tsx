/** The state in one sentence, the figures under it, and what can be done about it. */
import type { ReactNode } from 'react';
import {
  ArrowDown,
  ArrowUp,
  Check,
  ChevronDown,
  CirclePause,
  CloudOff,
  Folder,
  FolderOpen,
  HardDrive,
  Pause,
  Play,
  RefreshCw,
  TriangleAlert,
} from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Status } from '../../../protocol/control-shapes.ts';
import { pauseEnd, pauseSpans, type PauseSpan } from '../../../protocol/pause-span.ts';
import { app, engine, toCallError } from '../../bridge/bridge.ts';
import { Button } from '../../kit/button.tsx';
import { MenuButton } from '../../kit/menu.tsx';
import { splitPath } from '../../kit/path-name.ts';
import { toast } from '../../kit/toast.tsx';
import { errorText } from '../../language/error-text.ts';
import { useFormat } from '../../language/format.ts';
import { useNow } from '../../store/use-now.ts';
import { useStore } from '../../store/use-store.ts';
import { headlineOf, type Headline } from './headline.ts';
import './summary.css';

const looks = {
  'no-folder': { icon: Folder, tone: 'plain' },
  idle: { icon: Check, tone: 'good' },
  looking: { icon: RefreshCw, tone: 'busy' },
  syncing: { icon: RefreshCw, tone: 'busy' },
  paused: { icon: CirclePause, tone: 'plain' },
  offline: { icon: CloudOff, tone: 'warning' },
  attention: { icon: TriangleAlert, tone: 'warning' },
  quota: { icon: HardDrive, tone: 'warning' },
} as const satisfies Record<Headline, unknown>;

const DAY_MS = 86_400_000;

export function Summary({ status }: { readonly status: Status }): ReactNode {
  const { t } = useTranslation();
  const issueCount = useStore((state) => state.issueCount);
  const headline = headlineOf(status);
  const { icon: Icon, tone } = looks[headline];
  const count = headline === 'attention' ? issueCount : status.pending.files;
  return (
    <header className="summary">
      <span className="summary-icon" data-tone={tone} aria-hidden="true">
        <Icon size={26} strokeWidth={2.2} />
      </span>
      <div className="summary-words">
        <h1>
          {headline === 'paused' && status.pausedUntilMs !== null ? (
            <PausedUntil endMs={status.pausedUntilMs} />
          ) : (
            t(`status.headline.${headline}`, { count })
          )}
        </h1>
        <Figures status={status} headline={headline} />
      </div>
      <Actions status={status} />
    </header>
  );
}

function Figures({ status, headline }: { readonly status: Status; readonly headline: Headline }): ReactNode {
  const { t } = useTranslation();
  const format = useFormat();
  const { pending, transfer, secondsLeft } = status;
  const waiting = (): string => {
    const { files: count } = pending;
    // Removals and renames have no bytes.
    if (pending.bytes === 0) return t('status.waitingFiles', { count });
    const bytes = format.bytes(pending.bytes);
    // How many files is what the headline says.
    return headline === 'syncing' ? t('status.toGo', { bytes }) : t('status.waiting', { count, bytes });
  };
  const parts: ReactNode[] = [];
  if (headline === 'idle') parts.push(t('status.folders', { count: status.pairs.length }));
  else if (headline === 'no-folder') parts.push(t('status.noFolder'));
  if (pending.files > 0) parts.push(waiting());
  else if (headline === 'paused') parts.push(t('status.pausedText'));
  if (headline === 'syncing' && secondsLeft !== null)
    parts.push(t('status.left', { time: format.duration(secondsLeft) }));
  if (transfer.upBytesPerSecond > 0)
    parts.push(
      <span className="summary-rate">
        <ArrowUp size={14} aria-label={t('status.up')} role="img" />
        {format.bytesPerSecond(transfer.upBytesPerSecond)}
      </span>,
    );
  if (transfer.downBytesPerSecond > 0)
    parts.push(
      <span className="summary-rate">
        <ArrowDown size={14} aria-label={t('status.down')} role="img" />
        {format.bytesPerSecond(transfer.downBytesPerSecond)}
      </span>,
    );
  if (parts.length === 0) return null;
  return (
    <p className="summary-figures soft figures">
      {parts.map((part, index) => (
        <span key={index}>{part}</span>
      ))}
    </p>
  );
}

/** A time of the next day needs no date. */
function PausedUntil({ endMs }: { readonly endMs: number }): ReactNode {
  const { t } = useTranslation();
  const format = useFormat();
  const isNear = endMs - useNow() < DAY_MS;
  return t('status.pausedUntil', { time: isNear ? format.time(endMs) : format.dateTime(endMs) });
}

const pauseFor = (span: PauseSpan): Promise<unknown> =>
  engine.call('pause', { untilMs: pauseEnd(span, Date.now()) });

function Actions({ status }: { readonly status: Status }): ReactNode {
  const { t, i18n } = useTranslation();
  const tell = (error: unknown): void => {
    const text = errorText(t, i18n.language, toCallError(error));
    toast(`${text.title} ${text.hint}`, 'error');
  };
  const open = (path: string): void => void app.call('path.open', { path }).catch(tell);
  const pause = (span: PauseSpan): void => void pauseFor(span).catch(tell);
  const resume = (): void => void engine.call('resume', {}).catch(tell);
  const [first] = status.pairs;
  return (
    <div className="row summary-actions">
      {status.pairs.length === 1 && first !== undefined && (
        <Button onPress={() => open(first.folder)}>
          <FolderOpen size={16} aria-hidden="true" />
          {t('status.openFolder')}
        </Button>
      )}
      {status.pairs.length > 1 && (
        <MenuButton
          label={t('status.openFolder')}
          trigger={
            <Button>
              <FolderOpen size={16} aria-hidden="true" />
              {t('status.openFolder')}
              <ChevronDown size={14} aria-hidden="true" />
            </Button>
          }
          entries={status.pairs.map((pair) => ({
            id: pair.id,
            label: splitPath(pair.folder).name,
            icon: <Folder size={16} aria-hidden="true" />,
            onAction: () => open(pair.folder),
          }))}
        />
      )}
      {status.state === 'paused' ? (
        <Button kind="primary" onPress={resume}>
          <Play size={16} aria-hidden="true" />
          {t('status.resume')}
        </Button>
      ) : (
        <MenuButton
          label={t('pause.title')}
          trigger={
            <Button>
              <Pause size={16} aria-hidden="true" />
              {t('pause.title')}
              <ChevronDown size={14} aria-hidden="true" />
            </Button>
          }
          entries={pauseSpans.map((span) => ({
            id: span,
            label: t(`pause.${span}`),
            onAction: () => pause(span),
          }))}
        />
      )}
    </div>
  );
}

/** What the tray shows, as a function of what is known. Every action of the icon is in its menu. */
import type { EngineProcess, UpdateState } from '../protocol/app.ts';
import type { Status } from '../protocol/control-shapes.ts';
import { pauseSpans, type PauseSpan } from '../protocol/pause-span.ts';
import type { RecentFile } from './recent-files.ts';
import type { Translate } from './texts.ts';
import type { TrayIcon } from './tray-icons.ts';

export interface TrayFacts {
  /** Null while no engine answers. */
  readonly status: Status | null;
  readonly engine: EngineProcess;
  readonly update: UpdateState;
  readonly recent: readonly RecentFile[];
  /** The list of devices changed since the person last looked. */
  readonly hasDeviceNews: boolean;
}

export type TrayAction =
  | {
      readonly do:
        'open' | 'settings' | 'issues' | 'devices' | 'resume' | 'restart-engine' | 'install-update' | 'quit';
    }
  | { readonly do: 'open-folder' | 'open-file' | 'reveal'; readonly path: string }
  | { readonly do: 'pause'; readonly until: PauseSpan };

export type TrayItem =
  | { readonly kind: 'separator' }
  | { readonly kind: 'text'; readonly label: string }
  | { readonly kind: 'action'; readonly label: string; readonly action: TrayAction }
  | { readonly kind: 'menu'; readonly label: string; readonly items: readonly TrayItem[] };

export interface TrayModel {
  readonly icon: TrayIcon;
  readonly tooltip: string;
  readonly items: readonly TrayItem[];
}

const LONGEST_LABEL = 60;

export function trayModel(facts: TrayFacts, text: Translate): TrayModel {
  const icon = iconOf(facts);
  const line = lineOf(facts, icon, text);
  return { icon, tooltip: `Coffre – ${line}`, items: itemsOf(facts, line, text) };
}

function iconOf({ status, engine, hasDeviceNews }: TrayFacts): TrayIcon {
  if (engine.state === 'failed') return 'failed';
  if (status === null) return 'syncing';
  // News of a device must not be missed, but what stops syncing comes first.
  const isQuiet = status.state === 'idle' || status.state === 'syncing' || status.state === 'paused';
  return hasDeviceNews && isQuiet ? 'notice' : status.state;
}

function lineOf({ status, engine }: TrayFacts, icon: TrayIcon, text: Translate): string {
  if (engine.state === 'failed') return text('state.failed');
  if (status === null) return text('state.starting');
  if (icon === 'notice') return text('state.notice');
  if (status.state === 'attention') return text('state.attention', { count: status.issueCount });
  if (status.state === 'signed-out' && status.account === null) return text('state.welcome');
  if (status.state === 'syncing' && status.pending.files > 0) {
    return text('state.syncingFiles', { count: status.pending.files });
  }
  return text(`state.${status.state}`);
}

function itemsOf(facts: TrayFacts, line: string, text: Translate): TrayItem[] {
  const { status, engine, update } = facts;
  const action = (key: string, does: TrayAction, values?: Record<string, number>): TrayItem => ({
    kind: 'action',
    label: text(`menu.${key}`, values),
    action: does,
  });
  const separator: TrayItem = { kind: 'separator' };
  const isSetUp = status?.account !== null && status?.state !== 'signed-out';
  const canPause = status !== null && isSetUp && status.state !== 'locked';
  return [
    { kind: 'text', label: line },
    ...(engine.state === 'failed' ? [action('restartEngine', { do: 'restart-engine' })] : []),
    ...(facts.hasDeviceNews ? [action('devices', { do: 'devices' })] : []),
    ...(status !== null && status.issueCount > 0
      ? [action('issues', { do: 'issues' }, { count: status.issueCount })]
      : []),
    ...(status?.state === 'locked' ? [action('unlock', { do: 'open' })] : []),
    ...(status?.state === 'signed-out' ? [action('signIn', { do: 'open' })] : []),
    separator,
    action('open', { do: 'open' }),
    ...folderItems(status, text),
    ...(status !== null && status.pairs.length > 0 ? [recentItems(facts.recent, text)] : []),
    separator,
    ...(canPause
      ? status.state === 'paused'
        ? [action('resume', { do: 'resume' })]
        : [pauseItems(text)]
      : []),
    action('settings', { do: 'settings' }),
    ...(update.state === 'ready' ? [action('installUpdate', { do: 'install-update' })] : []),
    separator,
    action('quit', { do: 'quit' }),
  ];
}

function folderItems(status: Status | null, text: Translate): TrayItem[] {
  const pairs = status?.pairs ?? [];
  const [first, ...others] = pairs;
  if (first === undefined) return [];
  if (others.length === 0) {
    return [
      { kind: 'action', label: text('menu.openFolder'), action: { do: 'open-folder', path: first.folder } },
    ];
  }
  const items = pairs.map(({ folder }): TrayItem => ({
    kind: 'action',
    label: shown(folder),
    action: { do: 'open-folder', path: folder },
  }));
  return [{ kind: 'menu', label: text('menu.openFolders'), items }];
}

function recentItems(recent: readonly RecentFile[], text: Translate): TrayItem {
  const items = recent.map(({ name, path }): TrayItem => ({
    kind: 'menu',
    label: shown(name),
    items: [
      { kind: 'action', label: text('menu.openFile'), action: { do: 'open-file', path } },
      { kind: 'action', label: text('menu.show'), action: { do: 'reveal', path } },
    ],
  }));
  const none: TrayItem = { kind: 'text', label: text('menu.noRecent') };
  return { kind: 'menu', label: text('menu.recent'), items: items.length > 0 ? items : [none] };
}

function pauseItems(text: Translate): TrayItem {
  return {
    kind: 'menu',
    label: text('pause.title'),
    items: pauseSpans.map((until) => ({
      kind: 'action',
      label: text(`pause.${until}`),
      action: { do: 'pause', until },
    })),
  };
}

/**
 * A name as a menu can hold it: shortened in the middle, without characters that turn the direction of the text
 * or break the line, and with the ampersand that menus swallow.
 */
export function shown(name: string): string {
  const plain = name.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '�');
  const points = Array.from(plain);
  const half = Math.floor((LONGEST_LABEL - 1) / 2);
  const short =
    points.length <= LONGEST_LABEL
      ? plain
      : `${points.slice(0, half).join('')}…${points.slice(-half).join('')}`;
  return short.replaceAll('&', '&&');
}

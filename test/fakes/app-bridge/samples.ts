/** What an app in good health answers; each scene changes what it is about. */
import type { AppInfo } from '../../../protocol/app.ts';
import type { ActivityRow, Status } from '../../../protocol/control-shapes.ts';
import type { AppScript } from './app-bridge.ts';

/** Everything in the samples is a while before this. */
export const NOW_MS = Date.UTC(2026, 4, 12, 14, 30);
const MINUTE_MS = 60_000;

export function sampleApp(part: Partial<AppInfo> = {}): AppInfo {
  return {
    version: '0.1.0',
    platform: 'linux',
    systemLanguage: 'en-GB',
    language: 'en',
    keychain: 'os',
    tray: true,
    canStartAtLogin: true,
    defaultFolder: '/home/camille/Coffre',
    deviceName: 'Laptop',
    update: { state: 'idle', version: null, message: null },
    engine: { state: 'running', error: null },
    settings: {
      language: 'system',
      theme: 'system',
      startAtLogin: true,
      notifications: true,
      autoUpdate: true,
    },
    ...part,
  };
}

export function sampleStatus(part: Partial<Status> = {}): Status {
  return {
    state: 'idle',
    pending: { files: 0, bytes: 0 },
    secondsLeft: null,
    pausedUntilMs: null,
    transfer: { upBytesPerSecond: 0, downBytesPerSecond: 0 },
    quota: { usedBytes: 38_400_000_000, limitBytes: 100_000_000_000 },
    issues: [],
    issueCount: 0,
    pairs: [
      { id: 'p1', folder: '/home/camille/Coffre', vault: 'Files', seq: 4182, path: '/', paused: null },
      { id: 'p2', folder: '/home/camille/Photos', vault: 'Photos', seq: 911, path: '/', paused: null },
    ],
    account: {
      email: 'camille@example.org',
      server: 'https://coffre.example.org',
      device: 'd1',
      deviceName: 'Laptop',
    },
    lastProvenRestorableMs: NOW_MS - 26 * 60 * MINUTE_MS,
    notices: [],
    engine: { version: '0.1.0', pid: 4242, startedAtMs: NOW_MS - 300 * MINUTE_MS },
    counters: {},
    ...part,
  };
}

const work = [
  ['Thesis/chapter 3.odt', 'upload', 'edited-here', 482_113],
  ['Thesis/figures/phase diagram.svg', 'upload', 'created-here', 88_410],
  ['Recipes/Tarte au citron.md', 'download', 'edited-elsewhere', 3_204],
  ['Photos/2026/May', 'make-folder', 'created-elsewhere', 0],
  ['Photos/2026/May/IMG_2041.jpg', 'download', 'created-elsewhere', 4_218_882],
  ['Invoices/2026-04.pdf', 'move-remote', 'moved-here', 0],
  ['Notes/old list.txt', 'trash', 'deleted-here', 0],
  ['Notes/plan (conflict, Desktop, 2026-05-11).md', 'conflict', 'both-edited', 1_882],
] as const;

export function sampleActivity(rowCount: number, newestId = rowCount): ActivityRow[] {
  return Array.from({ length: rowCount }, (_, index) => {
    const [path, action, reason, bytes] = work[index % work.length]!;
    return {
      id: newestId - index,
      atMs: NOW_MS - index * 7 * MINUTE_MS,
      pair: 'p1',
      path: index < work.length ? path : path.replace(/(\.\w+)?$/, ` ${index}$1`),
      action,
      reason,
      bytes,
    };
  });
}

/** `activity.list` over rows, newest first. */
export function pagesOf(rows: readonly ActivityRow[]): AppScript {
  return {
    'activity.list': ({ limit, cursor }: { limit: number; cursor: string | null }) => {
      const from = cursor === null ? 0 : Number(cursor);
      const end = from + limit;
      return { rows: rows.slice(from, end), nextCursor: end < rows.length ? String(end) : null };
    },
  };
}

export function sampleScript(app: Partial<AppInfo> = {}, status: Partial<Status> = {}): AppScript {
  const full = sampleStatus(status);
  return {
    'app.info': () => sampleApp(app),
    'app.settings': (change: Partial<AppInfo['settings']>) => ({ ...sampleApp(app).settings, ...change }),
    status: () => full,
    'issues.list': () => ({ issues: full.issues, nextCursor: null }),
    ...pagesOf(sampleActivity(40)),
    quota: () => ({
      usedBytes: 38_400_000_000,
      limitBytes: 100_000_000_000,
      liveBytes: 33_100_000_000,
      uncommittedBytes: 0,
      retainedBytes: 9_700_000_000,
      returnsAtMs: null,
    }),
    'path.open': () => ({}),
    'link.open': () => ({}),
    pause: () => ({ state: 'paused' }),
    resume: () => ({ state: 'idle' }),
    'issues.resolve': ({ id }: { id: number }) => ({ id }),
  };
}

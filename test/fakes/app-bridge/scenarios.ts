/** The states that every view has to bear, each made from the ordinary world. */
import type { ControlError } from '../../../protocol/control.ts';
import { file, folder, NOW_MS, ordinaryWorld } from './people.ts';
import type { Issue, World } from './world.ts';

/** 255 bytes each: no space to break at, right-to-left, and signs beyond the first plane. */
const LONG_NAMES = [
  `${'a'.repeat(251)}.pdf`,
  `${'مجلد-'.repeat(27)}x.txt`,
  `${'👩‍👩‍👧‍👦'.repeat(10)}.jpg`,
  `abc\u202Egnp.exe`,
  `${'Ünïcödé '.repeat(20).trim()}.md`,
] as const;

const unreachable: ControlError = {
  code: 'server-unreachable',
  message: 'the server cannot be reached',
  hint: 'Check the connection; it is tried again by itself.',
};
const failed: ControlError = {
  code: 'failed',
  message: 'the engine could not read its records',
  hint: 'Start Coffre again.',
};

const changes = {
  ordinary: () => undefined,
  empty: (world) => {
    world.activity = [];
    world.vaults = new Map([['Files', []]]);
    world.versions = [];
    world.changedDays = [];
    world.ignoreText = '';
    world.trash = [];
    world.devices = world.devices.slice(0, 1);
    world.quota = {
      ...world.quota,
      usedBytes: 0,
      liveBytes: 0,
      trashBytes: 0,
      uncommittedBytes: 0,
      retainedBytes: 0,
    };
    world.status = {
      ...world.status,
      quota: { usedBytes: 0, limitBytes: 100_000_000_000 },
      pairs: world.status.pairs.slice(0, 1),
      lastProvenRestorableMs: null,
      lastProvenWithWordsMs: null,
    };
  },
  loading: (world) => {
    world.trouble['*'] = 'never';
  },
  error: (world) => {
    world.trouble['*'] = failed;
  },
  offline: (world) => {
    world.status = { ...world.status, state: 'offline', pending: { files: 3, bytes: 9_400_000 } };
    for (const method of ['versions', 'quota', 'devices.list', 'trash.empty', 'restore', 'timeline'])
      world.trouble[method] = unreachable;
  },
  syncing: (world) => {
    world.status = {
      ...world.status,
      state: 'syncing',
      pending: { files: 1_204, bytes: 3_640_000_000 },
      secondsLeft: 570,
      transfer: { upBytesPerSecond: 6_410_000, downBytesPerSecond: 220_000 },
    };
  },
  full: (world) => {
    world.activity = manyRows(10_000, 20_000);
    world.issues = manyIssues(500);
    world.status = { ...world.status, state: 'attention' };
    const many = Array.from({ length: 2_000 }, (_, index) =>
      file(`Document ${String(index + 1).padStart(4, '0')}.pdf`, 10_000 + index * 37, index / 10),
    );
    world.vaults = new Map([...world.vaults, ['Files', [folder('Archive', many), ...many.slice(0, 900)]]]);
    const [deleted] = world.trash;
    if (deleted !== undefined) {
      world.trash = Array.from({ length: 600 }, (_, index) => ({
        ...deleted,
        id: `t-${index}`,
        name: `Deleted ${index + 1}`,
        path: `/Deleted ${index + 1}`,
      }));
    }
    const [laptop] = world.devices;
    if (laptop !== undefined) {
      world.devices = Array.from({ length: 40 }, (_, index) => ({
        ...laptop,
        id: `d-${index}`,
        name: index === 0 ? 'Laptop' : `Device ${index + 1}`,
        current: index === 0,
      }));
    }
  },
  'long-names': (world) => {
    world.vaults = new Map([
      [
        'Files',
        [
          folder('b'.repeat(255), [folder('c'.repeat(255), [])]),
          ...LONG_NAMES.map((name) => file(name, 12_345, 2)),
        ],
      ],
      ['V'.repeat(255), []],
    ]);
    world.activity = LONG_NAMES.map((name, index) => ({
      id: 100 - index,
      atMs: NOW_MS - index * 60_000,
      pair: 'pair-files',
      path: `/${'b'.repeat(255)}/${name}`,
      action: 'upload',
      reason: 'edited-here',
      bytes: 12_345,
    }));
    world.issues = LONG_NAMES.map((name, index) =>
      issue(index + 1, 'name-clash', `/${'b'.repeat(255)}/${name}`, ['retry']),
    );
    world.trash = world.trash.map((entry, index) => ({
      ...entry,
      name: LONG_NAMES[index] ?? entry.name,
      path: `/${LONG_NAMES[index] ?? entry.name}`,
    }));
    world.devices = world.devices.map((device) => ({ ...device, name: 'D'.repeat(100) }));
    world.status = {
      ...world.status,
      state: 'attention',
      pairs: world.status.pairs.map((pair) => ({
        ...pair,
        folder: `/home/claire/${'f'.repeat(255)}`,
        vault: 'V'.repeat(255),
      })),
      account: {
        email: `${'e'.repeat(240)}@example.org`,
        server: `https://${'s'.repeat(200)}.example.org`,
        device: 'd1f0a2',
        deviceName: 'D'.repeat(100),
      },
    };
  },
  locked: (world) => {
    world.status = { ...world.status, state: 'locked' };
    world.app = { ...world.app, keychain: 'passphrase' };
    const locked: ControlError = {
      code: 'locked',
      message: 'this device is locked',
      hint: 'Unlock it with your password.',
    };
    for (const method of [
      'ls',
      'versions',
      'trash.list',
      'devices.list',
      'quota',
      'issues.list',
      'activity.list',
    ])
      world.trouble[method] = locked;
  },
  'engine-failed': (world) => {
    const error: ControlError = {
      code: 'home-damaged',
      message: 'the records of this device cannot be opened',
      hint: 'Start again; if that does not help, sign in again.',
    };
    world.app = { ...world.app, engine: { state: 'failed', error } };
    world.trouble['*'] = { code: 'engine-not-running', message: 'the engine is not running', hint: '' };
  },
  'signed-out': (world) => {
    world.status = { ...world.status, state: 'signed-out', account: null, pairs: [] };
    world.activity = [];
  },
  'signed-out-elsewhere': (world) => {
    world.status = { ...world.status, state: 'signed-out' };
  },
  paused: (world) => {
    world.status = {
      ...world.status,
      state: 'paused',
      // Eight in the morning after, in Paris.
      pausedUntilMs: Date.UTC(2026, 9, 16, 6),
      pending: { files: 12, bytes: 48_000_000 },
    };
  },
  quota: (world) => {
    world.issues = [issue(1, 'quota', '', ['retry'])];
    world.status = {
      ...world.status,
      state: 'quota',
      pending: { files: 31, bytes: 8_200_000_000 },
      quota: { usedBytes: 100_000_000_000, limitBytes: 100_000_000_000 },
    };
    world.quota = {
      ...world.quota,
      usedBytes: 100_000_000_000,
      liveBytes: 100_000_000_000,
      retainedBytes: 100_000_000_000,
      returnsAtMs: NOW_MS + 6 * 24 * 3_600_000,
    };
  },
  'new-device': (world) => {
    world.status = {
      ...world.status,
      notices: [
        {
          atMs: NOW_MS - 120_000,
          code: 'device-added',
          message: 'A new device joined your account: Studio desktop. If this was not you, revoke it.',
        },
      ],
    };
  },
  conflicts: (world) => {
    const copy = '/Thesis/Chapters/02 Method (conflict, Studio desktop, 2026-10-15).docx';
    world.issues = [
      issue(5, 'conflict', copy, ['keep-both', 'keep-original', 'keep-copy']),
      issue(1, 'name-clash', '/Thesis/bibliography.bib', ['retry']),
      issue(2, 'changing', '/Thesis/Data/measurements.parquet', ['retry']),
      issue(3, 'unreadable', '/Administration/Scan.pdf', ['retry', 'ignore']),
      issue(4, 'not-supported', '/Thesis/Data/pipe', ['ignore', 'dismiss']),
    ];
    world.status = { ...world.status, state: 'attention', pending: { files: 4, bytes: 1_804_000_000 } };
    world.activity = [
      {
        id: 5_000,
        atMs: NOW_MS - 60_000,
        pair: 'pair-files',
        path: copy,
        action: 'conflict',
        reason: 'edited-elsewhere',
        bytes: 412_900,
      },
      ...world.activity,
    ];
  },
  'mass-deletion': (world) => {
    world.issues = [issue(1, 'mass-deletion', '', ['delete', 'restore'])];
    world.removals = {
      files: 1_830,
      paths: Array.from({ length: 100 }, (_, index) => `Photos/2025 Brittany/IMG_${2211 + index}.jpg`),
      deleted: 'here',
    };
    world.status = { ...world.status, state: 'attention', pending: { files: 1_830, bytes: 0 } };
  },
} satisfies Record<string, (world: World) => void>;

export type Scenario = keyof typeof changes;
export const scenarios = Object.keys(changes) as Scenario[];

export function makeWorld(scenario: Scenario): World {
  const world = ordinaryWorld();
  changes[scenario](world);
  return world;
}

export function manyRows(count: number, newestId: number): World['activity'] {
  return Array.from({ length: count }, (_, index) => ({
    id: newestId - index,
    atMs: NOW_MS - index * 1_000,
    pair: 'pair-files',
    path: `/Photos/Import/IMG_${String(newestId - index).padStart(5, '0')}.jpg`,
    action: index % 5 === 0 ? 'download' : 'upload',
    reason: index % 5 === 0 ? 'created-elsewhere' : 'edited-here',
    bytes: 2_000_000 + ((index * 7919) % 3_000_000),
  }));
}

function manyIssues(count: number): Issue[] {
  const codes = ['unreadable', 'changing', 'invalid-name', 'name-clash', 'permission'];
  return Array.from({ length: count }, (_, index) =>
    issue(
      index + 1,
      codes[index % codes.length] ?? 'unreadable',
      `/Archive/Folder ${index % 9}/File ${index}.dat`,
      ['retry'],
    ),
  );
}

function issue(id: number, code: string, path: string, ways: string[]): Issue {
  return {
    id,
    code,
    path,
    reason: `The engine says so (${code}).`,
    ways,
    pair: 'pair-files',
    sinceMs: NOW_MS - id * 90_000,
  };
}

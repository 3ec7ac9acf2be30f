/** An ordinary account: a person with three devices, two linked folders, and a thesis in the first of them. */
import type { Device, TreeItem, World } from './world.ts';
import type { ActivityRow } from '../../../protocol/control-shapes.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
export const NOW_MS = Date.UTC(2026, 9, 15, 13, 42);

export const file = (name: string, size: number, daysAgo: number): TreeItem => ({
  name,
  type: 'file',
  size,
  mtimeMs: NOW_MS - Math.round(daysAgo * DAY),
  selected: true,
  children: [],
});
export const folder = (name: string, children: TreeItem[], selected = true): TreeItem => ({
  name,
  type: 'folder',
  size: 0,
  mtimeMs: NOW_MS - DAY,
  selected,
  children,
});

const filesVault = (): TreeItem[] => [
  folder('Administration', [
    file('Health insurance 2026.pdf', 412_318, 31),
    file('Lease - rue des Martyrs.pdf', 1_204_551, 212),
    folder('Taxes', [file('2024.pdf', 388_120, 480), file('2025.pdf', 402_771, 122)]),
  ]),
  folder('Photos', [
    folder('2025 Brittany', [
      file('IMG_2211.jpg', 4_310_221, 430),
      file('IMG_2212.jpg', 4_552_010, 430),
      file('IMG_2213.jpg', 3_998_450, 430),
    ]),
    folder('2026 Lisbon', [file('IMG_3187.jpg', 5_120_448, 96), file('IMG_3188.jpg', 4_870_120, 96)], false),
  ]),
  folder('Thesis', [
    folder('Chapters', [
      file('01 Introduction.docx', 184_220, 12),
      file('02 Method.docx', 412_900, 3),
      file('03 Results.docx', 903_114, 0.1),
    ]),
    folder('Data', [file('interviews.csv', 2_300_118, 40), file('measurements.parquet', 1_804_220_118, 21)]),
    file('Bibliography.bib', 96_312, 2),
    file('Thesis.pdf', 8_412_003, 0.05),
  ]),
  file('Budget 2026.ods', 58_204, 0.3),
  file('Recipes.md', 12_480, 17),
];

const devices = (): Device[] => [
  { id: 'd1f0a2', name: 'Laptop', current: true, revoked: false, lastHeardMs: NOW_MS - 12_000 },
  { id: '77c31b', name: 'Studio desktop', current: false, revoked: false, lastHeardMs: NOW_MS - 4 * HOUR },
  { id: 'b09e4d', name: 'Old netbook', current: false, revoked: false, lastHeardMs: NOW_MS - 43 * DAY },
  { id: '3aa910', name: 'Work PC', current: false, revoked: true, lastHeardMs: NOW_MS - 150 * DAY },
];

const activity = (): ActivityRow[] =>
  (
    [
      ['/Thesis/Thesis.pdf', 'upload', 'edited-here', 8_412_003, 3],
      ['/Thesis/Chapters/03 Results.docx', 'upload', 'edited-here', 903_114, 4],
      ['/Budget 2026.ods', 'download', 'edited-elsewhere', 58_204, 26],
      ['/Administration/Taxes/2025.pdf', 'move', 'moved-elsewhere', 0, 61],
      ['/Thesis/Figures', 'make-folder', 'created-elsewhere', 0, 62],
      ['/Photos/2026 Lisbon', 'remove', 'deselected', 0, 190],
      ['/Old drafts', 'trash', 'deleted-here', 0, 300],
    ] as const
  ).map(([path, action, reason, bytes, minutesAgo], index) => ({
    id: 4_212 - index,
    atMs: NOW_MS - minutesAgo * MINUTE,
    pair: 'pair-files',
    path,
    action,
    reason,
    bytes,
  }));

export function ordinaryWorld(): World {
  return {
    nowMs: NOW_MS,
    app: {
      version: '0.1.0',
      platform: 'linux',
      systemLanguage: 'en',
      language: 'en',
      keychain: 'os',
      tray: true,
      canStartAtLogin: true,
      defaultFolder: '/home/claire/Coffre',
      deviceName: 'Laptop',
      links: [],
      update: { state: 'idle', version: null, message: null },
      engine: { state: 'running', error: null },
      settings: {
        language: 'system',
        theme: 'system',
        startAtLogin: true,
        notifications: true,
        autoUpdate: true,
      },
    },
    status: {
      state: 'idle',
      pending: { files: 0, bytes: 0 },
      secondsLeft: null,
      pausedUntilMs: null,
      transfer: { upBytesPerSecond: 0, downBytesPerSecond: 0 },
      quota: {
        usedBytes: 31_420_000_000,
        limitBytes: 100_000_000_000,
        liveBytes: 31_300_000_000,
        retainedBytes: 6_800_000_000,
        trashBytes: 2_400_000_000,
      },
      issues: [],
      issueCount: 0,
      pairs: [
        {
          id: 'pair-files',
          folder: '/home/claire/Coffre',
          vault: 'Files',
          seq: 1_204,
          path: '/',
          paused: null,
        },
        {
          id: 'pair-music',
          folder: '/home/claire/Music',
          vault: 'Music',
          seq: 87,
          path: '/',
          paused: null,
        },
      ],
      account: {
        email: 'claire@example.org',
        server: 'https://coffre.example.org',
        device: 'd1f0a2',
        deviceName: 'Laptop',
      },
      lastProvenRestorableMs: NOW_MS - 9 * HOUR,
      lastProvenWithWordsMs: null,
      notices: [],
      engine: { version: '0.1.0', pid: 4120, startedAtMs: NOW_MS - 6 * HOUR },
      counters: { scans: 12, commits: 41 },
    },
    issues: [],
    removals: null,
    activity: activity(),
    vaults: new Map([
      ['Files', filesVault()],
      [
        'Music',
        [folder('Recordings', [file('Rehearsal.flac', 212_004_118, 8)]), file('Playlist.m3u', 2_118, 19)],
      ],
    ]),
    versions: [
      version(9, 1_204, 0.05, 8_412_003, 'Laptop', true),
      version(8, 1_190, 1.2, 8_390_440, 'Studio desktop'),
      version(7, 1_101, 4, 8_120_777, 'Studio desktop'),
      version(5, 1_002, 11, 7_402_118, 'Laptop'),
      version(3, 870, 23, 6_988_020, 'Laptop'),
    ],
    trash: [
      {
        id: 't-1',
        name: 'Old drafts',
        type: 'folder',
        size: 0,
        path: '/Old drafts',
        vault: 'Files',
        deletedAtMs: NOW_MS - 5 * HOUR,
      },
      {
        id: 't-2',
        name: 'Scan0003.pdf',
        type: 'file',
        size: 2_204_117,
        path: '/Administration/Scan0003.pdf',
        vault: 'Files',
        deletedAtMs: NOW_MS - 6 * DAY,
      },
      {
        id: 't-3',
        name: 'demo take 2.flac',
        type: 'file',
        size: 48_118_004,
        path: null,
        vault: 'Music',
        deletedAtMs: NOW_MS - 21 * DAY,
      },
    ],
    devices: devices(),
    quota: {
      usedBytes: 31_420_000_000,
      limitBytes: 100_000_000_000,
      liveBytes: 31_300_000_000,
      trashBytes: 2_400_000_000,
      uncommittedBytes: 120_000_000,
      retainedBytes: 6_800_000_000,
      returnsAtMs: null,
    },
    changedDays: [
      [29, 212],
      [28, 14],
      [26, 3],
      [23, 41],
      [22, 18],
      [21, 26],
      [19, 7],
      [17, 64],
      [16, 33],
      [14, 9],
      [12, 22],
      [11, 38],
      [8, 120],
      [6, 17],
      [4, 29],
      [3, 11],
      [2, 46],
      [1, 8],
      [0, 12],
    ],
    ignoreText: '# What other programs leave behind\n*.tmp\nnode_modules\n',
    config: {
      'device-name': 'Laptop',
      'upload-limit': 0,
      'download-limit': 0,
      'scan-interval': 300,
      'local-trash-days': 7,
      'local-trash-bytes': 5_000_000_000,
    },
    password: 'correct horse battery staple',
    // The hash of a sentence: an account with these words does not exist.
    phrase:
      'dirt present wool tuition illness echo maple grain whale food awesome miracle ' +
      'slice buffalo fabric puppy keep use alley search vivid winner forward kingdom',
    trouble: {},
  };
}

function version(
  number: number,
  seq: number,
  daysAgo: number,
  size: number,
  deviceName: string,
  current = false,
): World['versions'][number] {
  const atMs = NOW_MS - Math.round(daysAgo * DAY);
  return {
    version: number,
    seq,
    receivedAtMs: atMs,
    size,
    mtimeMs: atMs - 20_000,
    path: 'Files:/Thesis/Thesis.pdf',
    deviceName,
    current,
  };
}

// Who may import whom. The table of ARCHITECTURE.md, as rules: a room may import what its row names and nothing
// else of ours. Type-only imports count. Tests and benches are outside the table.

const OURS = '^(protocol|programs|sync-engine|cloud|cli|electron|renderer|build|bench|test)/';
const TESTS = '(\\.test\\.tsx?$|[/-]acceptance\\.ts$|^test/|^bench/|^vitest\\.config\\.ts$)';
const ROOMS = [
  'plan',
  'crypto',
  'local-fs',
  'manifest',
  'remote',
  'account',
  'transfer',
  'workers',
  'engine',
  'control',
  'client',
  'host',
];

/** `from` may import its own files and `allowed`, and nothing else of ours. */
const room = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from, pathNot: TESTS },
  to: { path: OURS, pathNot: [from, ...allowed] },
});

const engineRoom = (name) => `^sync-engine/${name}/`;

/** Only files matching `owners` may import the outside package. */
const owner = (packageName, owners, comment) => ({
  name: `owner-of-${packageName}`,
  comment,
  severity: 'error',
  from: { path: OURS, pathNot: [TESTS, ...owners] },
  to: { path: `node_modules/(@types/)?${packageName}/` },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    room('protocol-is-a-leaf', '^protocol/', [], 'Both ends of every wire import it, so it imports neither.'),

    room(
      'plan-sees-ids-only',
      engineRoom('plan'),
      ['^protocol/ids\\.ts$'],
      'The planner is a pure function of three trees; whatever else it could see, it could depend on.',
    ),
    {
      name: 'plan-is-pure',
      comment: 'No I/O, clock, randomness or async in the planner: it is fuzzed, and replayed from a seed.',
      severity: 'error',
      from: { path: engineRoom('plan'), pathNot: TESTS },
      to: { dependencyTypes: ['core', 'npm', 'npm-dev'] },
    },

    room(
      'crypto-sees-protocol',
      engineRoom('crypto'),
      ['^protocol/'],
      'Bytes in, bytes out: what seals must be readable without knowing what is sealed.',
    ),
    {
      name: 'crypto-node-modules',
      comment: 'No file, socket or clock belongs in crypto; of Node it needs node:crypto.',
      severity: 'error',
      from: { path: engineRoom('crypto'), pathNot: TESTS },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    },
    {
      name: 'crypto-packages',
      comment: 'Every package here sees keys, so the list is short and changing it is a decision.',
      severity: 'error',
      from: { path: engineRoom('crypto'), pathNot: TESTS },
      to: {
        path: 'node_modules/',
        pathNot: 'node_modules/(tweetnacl|@serenity-kit/opaque|@scure/bip39|hash-wasm|@types/node)/',
      },
    },

    room(
      'local-fs-sees-trees',
      engineRoom('local-fs'),
      ['^sync-engine/plan/tree\\.ts$', '^protocol/'],
      'The disk is observed and changed here; what to do about it is decided elsewhere.',
    ),
    room(
      'manifest-sees-trees',
      engineRoom('manifest'),
      [engineRoom('plan'), '^protocol/'],
      'The manifest stores observations; it neither plans nor seals.',
    ),
    room(
      'remote-sees-protocol',
      engineRoom('remote'),
      ['^protocol/', engineRoom('crypto')],
      'What talks to the server takes sealed bytes and knows nothing else.',
    ),
    {
      name: 'remote-never-crypto',
      comment: 'Whoever holds the socket must not hold a key: then plaintext cannot be sent by mistake.',
      severity: 'error',
      from: { path: engineRoom('remote'), pathNot: TESTS },
      to: { path: engineRoom('crypto') },
    },
    room(
      'account-sees-keys-and-server',
      engineRoom('account'),
      [engineRoom('crypto'), engineRoom('remote'), '^protocol/'],
      'Who the person is and which keys a device holds; it knows no tree and no file of theirs.',
    ),
    room(
      'transfer-sees-ports',
      engineRoom('transfer'),
      [engineRoom('crypto'), engineRoom('local-fs'), engineRoom('remote'), '^protocol/'],
      'It moves bytes between the disk and the server through crypto; trees and the manifest are the engine’s.',
    ),
    room(
      'workers-sees-jobs',
      engineRoom('workers'),
      [engineRoom('transfer'), engineRoom('local-fs'), engineRoom('crypto'), '^protocol/'],
      'It runs jobs that other rooms define, and decides nothing.',
    ),
    room(
      'engine-sees-the-rooms-below',
      engineRoom('engine'),
      ['plan', 'crypto', 'local-fs', 'manifest', 'remote', 'account', 'transfer', 'workers']
        .map(engineRoom)
        .concat('^protocol/'),
      'The engine steers; who asks it to (control, client, a program) is above it.',
    ),
    room(
      'control-sees-the-engine',
      engineRoom('control'),
      [engineRoom('engine'), '^protocol/'],
      'Control translates requests to the engine and must not reach around it.',
    ),
    room(
      'client-sees-protocol',
      engineRoom('client'),
      ['^protocol/'],
      'The client lives in other processes: with it must come none of the engine.',
    ),
    room(
      'host-sees-the-engine-program',
      engineRoom('host'),
      ['^sync-engine/[^/]+/', '^protocol/'],
      'The process of one device: it opens the home, joins account, engine and control, and decides nothing else.',
    ),
    {
      name: 'nothing-imports-the-host',
      comment: 'The host joins the rooms; a room that needs it is joined to all the others.',
      severity: 'error',
      from: { path: OURS, pathNot: [TESTS, engineRoom('host'), '^sync-engine/main\\.ts$'] },
      to: { path: engineRoom('host') },
    },
    {
      name: 'sync-engine-main-stays-home',
      comment: 'A composition root may use its whole program, and no other.',
      severity: 'error',
      from: { path: '^sync-engine/[^/]+\\.ts$', pathNot: TESTS },
      to: { path: OURS, pathNot: '^(sync-engine|protocol)/' },
    },
    {
      name: 'no-room-outside-the-table',
      comment: 'A new room gets a row in the table before it gets an import.',
      severity: 'error',
      from: { path: '^sync-engine/[^/]+/', pathNot: [TESTS, `^sync-engine/(${ROOMS.join('|')})/`] },
      to: { path: OURS },
    },

    room(
      'programs-see-protocol',
      '^programs/',
      ['^protocol/'],
      'It starts programs of this build as processes, and imports none of them.',
    ),
    room(
      'cli-sees-the-client',
      '^cli/',
      [engineRoom('client'), '^programs/', '^protocol/'],
      'The command line drives a running engine through the control API, exactly as the app does.',
    ),
    room(
      'electron-sees-the-client',
      '^electron/',
      [engineRoom('client'), '^programs/', '^protocol/', '^renderer/locales/[a-z]+\\.json$'],
      'The app drives a running engine through the control API, exactly as the command line does. Of the window it takes words alone, so that an issue is called the same everywhere.',
    ),
    room(
      'renderer-sees-protocol',
      '^renderer/',
      ['^protocol/'],
      'The window shows state; it has no other way in.',
    ),
    room(
      'cloud-sees-protocol',
      '^cloud/',
      ['^protocol/'],
      'The server must not be able to know a tree, a name or a key, so it has no code that does.',
    ),

    owner(
      'chokidar',
      ['^sync-engine/local-fs/chokidar-watcher[^/]*\\.ts$'],
      'Watcher events are hints, understood in one place.',
    ),
    owner(
      'better-sqlite3',
      ['^sync-engine/manifest/', '^sync-engine/account/engine-lock\\.ts$', '^cloud/store/embedded/'],
      'Only the manifest and the embedded store know SQL; the engine lock borrows its file lock.',
    ),
    owner(
      'pg',
      ['^cloud/store/postgres/'],
      'Only this store speaks to PostgreSQL, and knows the password to it.',
    ),
    owner('aws4fetch', ['^cloud/store/s3/'], 'Who signs for the S3 store holds its keys.'),
    owner('@rgrove/parse-xml', ['^cloud/store/s3/'], 'Only an S3 store speaks XML.'),
    owner('electron', ['^electron/'], 'What the runtime can do is reached from one room.'),
    owner('tweetnacl', ['^sync-engine/crypto/'], 'Signing and key wrapping happen in crypto only.'),

    {
      name: 'no-cycles',
      comment: 'Files that import each other, even for types only, are one file in disguise.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'nothing-imports-tests',
      comment: 'What ships must work without the tests.',
      severity: 'error',
      from: { path: OURS, pathNot: TESTS },
      to: { path: TESTS },
    },
    {
      name: 'nothing-imports-a-main',
      comment: 'A composition root is started, never imported.',
      severity: 'error',
      from: { path: OURS, pathNot: TESTS },
      to: { path: '^(sync-engine|cloud|cli|electron|renderer)/main\\.tsx?$' },
    },
    {
      name: 'no-development-packages-in-programs',
      comment:
        'An installed Coffre has no development packages; the app is bundled, and its window brings its own.',
      severity: 'error',
      from: { path: '^(protocol|programs|sync-engine|cloud|cli)/', pathNot: TESTS },
      to: {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['type-only'],
        pathNot: 'node_modules/@types/',
      },
    },
    {
      name: 'declared-packages-only',
      comment: 'A package that is not in package.json is there by accident and may be gone tomorrow.',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['unknown', 'undetermined', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'everything-resolves',
      comment: 'An import that points nowhere fails at the worst moment.',
      severity: 'error',
      from: { path: OURS },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|dist\\.[^/]*|coverage|\\.cache|docs|bin|build/stand-in)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
    },
  },
};

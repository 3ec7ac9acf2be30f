/**
 * Loaded before a program of Coffre (`node --import`), it stands in front of every call that changes something for
 * good: of the file system, of SQLite and of `sync`. Each has a name, made of the place in the code that asks for
 * it, `room/file function: call`. The program itself knows nothing of this
 * (docs/decisions/0032-fail-points-from-outside.md).
 *
 * In the folder named by COFFRE_TEST_STEPS every name that was met is written to `met`. Where the file `armed` has
 * one of them, the process is killed there, before the call is made or after: `before NAME` or `after NAME`.
 */
import childProcess from 'node:child_process';
import fs from 'node:fs';
import promises from 'node:fs/promises';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import path from 'node:path';

type Call = (this: unknown, ...args: never[]) => unknown;
type Calls = Record<string, Call>;

const place = process.env['COFFRE_TEST_STEPS'] ?? '';
const [met, armed, killed] = ['met', 'armed', 'killed'].map((name) => path.join(place, name)) as [
  string,
  string,
  string,
];
const { readFileSync, writeSync, openSync } = fs;
const append = openSync(met, 'a');
const known = new Set<string>();
/** Files and functions that carry out what another place in the code asks for. */
const CARRIER =
  /\/manifest\/|\/(?:node-disk|inside|place|subtree|durable-file|database|staging|worker|thread)$|^cloud\/data-dir$/;
const CARRIERS = new Set([
  '',
  'unlessDiskFails',
  'works',
  'receive',
  'writeAll',
  'flushFolder',
  'makeIfMissing',
  'unlessPlaceGone',
]);
const FRAME =
  /at (?:async )?(?:new )?(?:(\S+)(?: \[as [^\]]+\])? )?\(?file:\/\/\S*\/((?:sync-engine|cloud)\/\S+)\.ts:/;

/** Where in the code of the program this is asked for, `room/file function`; null when nowhere in it. */
function whereAsked(): string | null {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 40;
  const lines = (new Error().stack ?? '').split('\n');
  Error.stackTraceLimit = limit;
  let carrier: string | null = null;
  let file: string | null = null;
  for (const line of lines) {
    const [, called = '', found] = FRAME.exec(line) ?? [];
    if (found === undefined) continue;
    const name = called.replace(/^.*\.|<anonymous>/g, '');
    if (CARRIER.test(found)) carrier ??= `${found} ${name}`;
    else if (CARRIERS.has(name)) file ??= found;
    else return file === null || file === found ? `${found} ${name}` : file;
  }
  return file ?? carrier;
}

function isArmed(side: string, name: string): boolean {
  try {
    return readFileSync(armed, 'utf8') === `${side} ${name}`;
  } catch {
    return false;
  }
}

function look(side: 'before' | 'after', name: string): void {
  if (!known.has(name)) {
    known.add(name);
    writeSync(append, `${name}\n`);
  }
  if (!isArmed(side, name)) return;
  writeSync(openSync(killed, 'a'), `${side} ${name}\n`);
  process.kill(process.pid, 'SIGKILL');
  // Nothing more is done by this thread.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function around<T>(what: string, call: () => T): T {
  const where = whereAsked();
  if (where === null) return call();
  const name = `${where}: ${what}`;
  look('before', name);
  const result = call();
  if (result instanceof Promise) {
    return result.then((value: unknown) => {
      look('after', name);
      return value;
    }) as T;
  }
  look('after', name);
  return result;
}

function stand(
  calls: object,
  names: readonly string[],
  isMeant: (args: readonly unknown[]) => boolean = () => true,
) {
  for (const name of names) {
    const original = (calls as Calls)[name];
    if (original === undefined) throw new Error(`there is no ${name}`);
    (calls as Calls)[name] = function (...args) {
      if (!isMeant(args)) return original.apply(this, args);
      const target =
        name === 'rename' ? ` ${path.basename(String(args[1]))}`.replace(/ [0-9a-f]{64}$/, '') : '';
      return around(name.replace(/Sync$/, '') + target, () => original.apply(this, args));
    };
  }
}

const creates = ([, flags]: readonly unknown[]): boolean =>
  typeof flags === 'number' ? (flags & fs.constants.O_CREAT) !== 0 : /^[wa]/.test(String(flags));
const CHANGES = ['rename', 'link', 'unlink', 'rmdir', 'mkdir', 'symlink', 'chmod', 'lutimes'];
stand(
  fs,
  [...CHANGES, 'fsync', 'ftruncate', 'write'].map((name) => `${name}Sync`),
);
stand(fs, ['openSync'], creates);
stand(promises, [...CHANGES, 'rm', 'writeFile', 'copyFile']);
stand(promises, ['open'], creates);
stand(childProcess, ['spawnSync'], ([program]) => program === 'sync');
syncBuiltinESMExports();

const handle = await promises.open(import.meta.filename);
stand(Object.getPrototypeOf(handle) as object, ['writeFile', 'writev', 'sync', 'datasync']);
await handle.close();

// SQLite: what makes a change lasting is the end of a transaction, or a statement outside one.

interface Statement {
  readonly reader: boolean;
  run: Call;
}
interface Database {
  readonly name: string;
  readonly memory: boolean;
  readonly inTransaction: boolean;
}

/** Who wrote in the transaction that is open. */
const writers = new WeakMap<Database, Set<string>>();

function lasting<T>(database: Database, sql: string, call: () => T): T {
  if (database.memory || database.name.endsWith('lock')) return call();
  if (/^\s*(?:BEGIN|ROLLBACK|SAVEPOINT|RELEASE)/i.test(sql)) {
    writers.delete(database);
    return call();
  }
  const ends = /^\s*COMMIT/i.test(sql);
  if (database.inTransaction && !ends) {
    const where = whereAsked();
    if (where?.startsWith('cloud/') === true)
      writers.set(database, (writers.get(database) ?? new Set<string>()).add(where));
    return call();
  }
  if (whereAsked()?.startsWith('cloud/store/embedded/database') !== true)
    return around(ends ? 'commit' : 'row', call);
  // A server's transaction is ended for many at once, by none of them.
  const names = [...(writers.get(database) ?? [])].map((writer) => `${writer}: commit`);
  writers.delete(database);
  for (const name of names) look('before', name);
  const result = call();
  for (const name of names) look('after', name);
  return result;
}

const Sqlite = createRequire(import.meta.url)('better-sqlite3') as { readonly prototype: Calls };
const { prepare, exec, pragma } = Sqlite.prototype as Record<'prepare' | 'exec' | 'pragma', Call>;
Sqlite.prototype['prepare'] = function (this: Database, ...args: never[]) {
  const statement = prepare.apply(this, args) as Statement;
  if (statement.reader) return statement;
  const { run } = statement;
  const sql = String(args[0]);
  statement.run = (...values) => lasting(this, sql, () => run.apply(statement, values));
  return statement;
} as Call;
Sqlite.prototype['exec'] = function (this: Database, ...args: never[]) {
  return lasting(this, String(args[0]), () => exec.apply(this, args));
} as Call;
Sqlite.prototype['pragma'] = function (this: Database, ...args: never[]) {
  const call = () => pragma.apply(this, args);
  return String(args[0]).startsWith('wal_checkpoint') && !this.memory ? around('checkpoint', call) : call();
} as Call;

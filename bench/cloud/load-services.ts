/**
 * What load tests run against: the server's own process of the built program, embedded (a data directory) or scaled (a
 * real PostgreSQL and a real S3 store, Ceph, on this machine). The services start when the first test wants them and
 * end with `stopServices`.
 */
import { execFileSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listedBlobs } from '../../cloud/store/blob-store.ts';
import { openS3Blobs } from '../../cloud/store/s3/s3-blobs.ts';
import type { S3Config } from '../../cloud/store/s3/s3-config.ts';
import { Ceph } from '../../test/scaled/ceph.ts';
import { cloudAnswer } from '../../test/scaled/cloud-command.ts';
import { flagsOf, makeBucket } from '../../test/scaled/make-bucket.ts';
import { startPostgres, type PostgresServer } from '../../test/scaled/postgres.ts';
import { copyProgram, type Program } from '../program.ts';
import { startServing, stopServer } from '../server-process.ts';

export const LOAD_KINDS = ['embedded', 'scaled'] as const;
export type LoadKind = (typeof LOAD_KINDS)[number];

/** Of one node: two of them share what PostgreSQL allows. */
const CONNECTIONS = 20;

export interface LoadServer {
  readonly address: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Where one or more servers keep everything: empty at first, and gone with `discard`. */
export interface LoadStorage {
  readonly kind: LoadKind;
  /** Of every command of `coffre-cloud`, with `env`. */
  readonly place: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** For `startCloudProcess`; null where a database is in `env`. */
  readonly dataDir: string | null;
  /** @param options of `serve` @param env of its process */
  serve(options?: readonly string[], env?: NodeJS.ProcessEnv): Promise<LoadServer>;
  /** What `coffre-cloud check` says. @throws when something is damaged */
  check(): Promise<Record<string, unknown>>;
  /** Bytes of all packs outside the metadata, as they lie there. */
  packBytes(): Promise<number>;
  /** A question to the database. @throws for an embedded one */
  ask(sql: string): Promise<readonly Record<string, unknown>[]>;
  discard(): void;
}

interface Services {
  readonly folder: string;
  readonly program: Program;
}

let common: Promise<Services> | null = null;
let outside: Promise<{ readonly postgres: PostgresServer; readonly ceph: Ceph }> | null = null;

function services(dist: string | null): Promise<Services> {
  common ??= (async () => {
    const folder = mkdtempSync(join(tmpdir(), 'coffre-load-'));
    process.once('exit', () => {
      rmSync(folder, { recursive: true, force: true });
    });
    return { folder, program: await copyProgram(join(folder, 'program'), dist) };
  })();
  return common;
}

/** The built program that is measured. */
export async function loadProgram(dist: string | null): Promise<Program> {
  return (await services(dist)).program;
}

export async function loadStorage(kind: LoadKind, dist: string | null): Promise<LoadStorage> {
  const { folder, program } = await services(dist);
  return kind === 'embedded' ? embedded(folder, program) : scaled(folder, program);
}

export async function stopServices(): Promise<void> {
  const running = outside;
  outside = null;
  if (running === null) return;
  const { postgres, ceph } = await running;
  await postgres.stop();
  await ceph.stop();
}

function embedded(folder: string, program: Program): LoadStorage {
  const data = mkdtempSync(join(folder, 'data-'));
  const place = ['--data', data];
  return {
    kind: 'embedded',
    place,
    env: {},
    dataDir: data,
    serve: (options = [], env = {}) => serve(program, [...place, ...options], env),
    check: () => cloudAnswer(['check', ...place]),
    packBytes: () => Promise.resolve(bytesBelow(join(data, 'blobs'))),
    ask: () => Promise.reject(new Error('there is no PostgreSQL')),
    discard: () => {
      rmSync(data, { recursive: true, force: true });
    },
  };
}

async function scaled(folder: string, program: Program): Promise<LoadStorage> {
  outside ??= (async () => {
    installPackages();
    const postgres = await startPostgres();
    // As an operator's would: a commit is on the disk when it is acknowledged.
    for (const setting of ['fsync', 'full_page_writes'])
      await postgres.ask(postgres.url, `ALTER SYSTEM SET ${setting} = on`);
    await postgres.ask(postgres.url, 'SELECT pg_reload_conf()');
    return { postgres, ceph: await Ceph.start(join(folder, 'ceph')) };
  })();
  const { postgres, ceph } = await outside;
  const bucket = await makeBucket(ceph.service);
  const database = await postgres.database();
  const env = { COFFRE_DATABASE_URL: database };
  const place = flagsOf(bucket);
  const own = ['--database-connections', String(CONNECTIONS), '--drain-grace', '0'];
  return {
    kind: 'scaled',
    place,
    env,
    dataDir: null,
    serve: (options = [], more = {}) => serve(program, [...place, ...own, ...options], { ...env, ...more }),
    check: () => cloudAnswer(['check', ...place], env),
    packBytes: () => bytesIn(bucket),
    ask: (sql) => postgres.ask(database, sql),
    discard: () => undefined,
  };
}

/** As the suite `scaled` does. @throws when something is missing after that */
function installPackages(): void {
  const script = `import { ensureSystemPackages } from './build/system-packages.mjs';
    process.exitCode = ensureSystemPackages((suite) => suite === 'scaled').size;`;
  const args = ['--input-type=module', '--eval', script];
  execFileSync(process.execPath, args, { cwd: join(import.meta.dirname, '../..'), stdio: 'inherit' });
}

async function serve(
  program: Program,
  options: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<LoadServer> {
  const { child, address } = await startServing(program.cloud, options, env);
  return { address, pid: pidOf(child), stop: () => stopServer(child) };
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('the server did not start');
  return pid;
}

function bytesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

async function bytesIn(bucket: S3Config): Promise<number> {
  const blobs = openS3Blobs(bucket);
  try {
    let sum = 0;
    for await (const { size } of listedBlobs(blobs)) sum += size;
    return sum;
  } finally {
    await blobs.close();
  }
}

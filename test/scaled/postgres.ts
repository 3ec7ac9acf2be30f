/**
 * A real PostgreSQL server of its own on a temporary folder and a free port of this machine. It never runs as root, so
 * a test that does gives it to another user. It ends with this process, however that ends.
 */
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { freePorts } from './ceph.ts';

/** Where distributions put what is not in the path: a folder for each version. */
const PROGRAM_FOLDERS = ['/usr/lib/postgresql', '/usr/pgsql'];
const READY = 'database system is ready to accept connections';
const SETTINGS = `
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 100
fsync = off
full_page_writes = off
deadlock_timeout = 100ms
shared_buffers = 64MB
`;

export interface PostgresServer {
  /** With the database that is always there. */
  readonly url: string;
  /** A new empty database. */
  readonly database: () => Promise<string>;
  /** One statement as the owner of everything. */
  readonly ask: (url: string, sql: string) => Promise<readonly Record<string, unknown>[]>;
  /** Resolves with the next lines of its log up to one with this text in it. */
  readonly logUntil: (text: string) => Promise<readonly string[]>;
  /** Ends it in the way of a crash; `start` begins again on what it left. */
  readonly kill: () => Promise<void>;
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export async function startPostgres(): Promise<PostgresServer> {
  const place = mkdtempSync(join(tmpdir(), 'coffre-postgres-'));
  const owner = unprivileged();
  if (owner !== null) chownSync(place, owner.uid, owner.gid);
  const data = join(place, 'data');
  const as = owner ?? {};
  execFileSync(
    postgresProgram('initdb'),
    ['-D', data, '-U', 'coffre', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'],
    { ...as, cwd: place, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  writeFileSync(join(data, 'postgresql.auto.conf'), SETTINGS);
  const [port = 0] = await freePorts(1);
  const url = (name: string): string => `postgres://coffre@127.0.0.1:${port}/${name}`;
  let running: Running | null = null;
  const start = async (): Promise<void> => {
    running = await run(data, port, as);
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    await running?.end(signal);
    running = null;
  };
  await start();
  return {
    url: url('postgres'),
    logUntil: (text) => running?.logUntil(text) ?? Promise.reject(new Error('it does not run')),
    database: () => freshDatabase(url('postgres')),
    ask: askDatabase,
    kill: () => end('SIGQUIT'),
    start,
    async stop() {
      await end('SIGINT');
      rmSync(place, { recursive: true, force: true });
    },
  };
}

/** One statement as the owner of everything. */
export async function askDatabase(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** A new empty database. @param server the address of another one there */
export async function freshDatabase(server: string): Promise<string> {
  const name = `coffre_${randomBytes(8).toString('hex')}`;
  await askDatabase(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

interface Running {
  readonly logUntil: (text: string) => Promise<readonly string[]>;
  readonly end: (signal: NodeJS.Signals) => Promise<void>;
}

/** Under a shell that ends it once its own input ends, which it does with this process. */
async function run(data: string, port: number, as: { uid?: number; gid?: number }): Promise<Running> {
  const script = '"$0" -D "$1" -p "$2" & server=$!; echo $server; read _; kill -QUIT $server; wait $server';
  const child = spawn('sh', ['-c', script, postgresProgram('postgres'), data, String(port)], {
    ...as,
    cwd: data,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  const pid = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>;
  const log = createInterface({ input: child.stderr });
  const logUntil = (text: string): Promise<readonly string[]> =>
    new Promise((resolve) => {
      const lines: string[] = [];
      const take = (line: string): void => {
        lines.push(line);
        if (!line.includes(text)) return;
        log.off('line', take);
        resolve(lines);
      };
      log.on('line', take);
    });
  const ended = exited.then(() => Promise.reject(new Error(`PostgreSQL ended before it was ready`)));
  await Promise.race([logUntil(READY), ended]);
  ended.catch(() => undefined);
  const [server] = await pid;
  return {
    logUntil,
    async end(signal) {
      process.kill(Number(server), signal);
      child.stdin.end();
      await exited;
    },
  };
}

/** Whom the server runs as when this process is root; null for this process's own user. */
function unprivileged(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const line = /^(?:postgres|nobody):[^:]*:(\d+):(\d+):/m.exec(
    readFileSync('/etc/passwd', 'utf8').split('\n').sort(postgresFirst).join('\n'),
  );
  return { uid: Number(line?.[1] ?? 65_534), gid: Number(line?.[2] ?? 65_534) };
}

const postgresFirst = (a: string, b: string): number =>
  Number(b.startsWith('postgres:')) - Number(a.startsWith('postgres:'));

/** The newest that is installed. */
export function postgresProgram(name: string): string {
  const folders = PROGRAM_FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder) =>
    readdirSync(folder)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(folder, version, 'bin')),
  );
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file)) ?? name;
}

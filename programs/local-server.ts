/** The account server of this build, on loopback alone and with its data in the home. */
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PersonError } from '../protocol/errors.ts';
import type { ProgramEnd, ProgramProcess, StartProgram } from './program.ts';

/** How to run it. */
export interface ServerProgram {
  readonly start: StartProgram;
  /** Its main file. */
  readonly entry: string;
  readonly env: NodeJS.ProcessEnv;
}

export interface LocalServer {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Resolves when it has gone, whoever ended it. */
  readonly ended: Promise<ProgramEnd>;
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
/** What bin/coffre-cloud sets, for the same reason. */
const GIVES_BACK = { MALLOC_MMAP_THRESHOLD_: '131072' };

/** Resolves when it takes requests. `port` 0 picks one. @throws PersonError('failed') with what it said last */
export async function startLocalServer(
  program: ServerProgram,
  dataFolder: string,
  port: number,
): Promise<LocalServer> {
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const args = ['serve', '--data', dataFolder, '--listen', `${HOST}:${port}`, '--signup', 'open'];
  const child = program.start({ entry: program.entry, args, env: { ...GIVES_BACK, ...program.env } });
  const url = await Promise.race([listening(child), child.ended]);
  if (typeof url !== 'string') {
    const why = url.lastWords.split('\n').at(-1) ?? '';
    throw new PersonError('failed', `the server did not start: ${why}`, `Its data is in ${dataFolder}.`);
  }
  return {
    url,
    ended: child.ended,
    stop: async () => {
      child.stop();
      await child.ended;
    },
  };
}

function listening(child: ProgramProcess): Promise<string> {
  return new Promise((resolve) => {
    child.onLine((line) => {
      const [, url] = /^listening on (\S+)/.exec(line) ?? [];
      if (url !== undefined) resolve(url);
    });
  });
}

function dataFolderOf(home: string): string {
  return path.join(home, 'server');
}

/** Remembers the port, which is how an account of this home is known to be on this home's server. */
function portFileOf(home: string): string {
  return path.join(home, 'server-port');
}

/**
 * Starts the server of a home, at the port it had when that is free. One that runs already is found.
 * @throws PersonError('failed')
 */
export async function startServerOf(program: ServerProgram, home: string): Promise<LocalServer> {
  const port = await rememberedPort(home);
  const data = dataFolderOf(home);
  let server: LocalServer;
  try {
    server = await startLocalServer(program, data, port ?? 0);
  } catch (error) {
    if (!(error instanceof PersonError) || port === null) throw error;
    // Left over from a program that crashed it holds its data, so that a second one could not start either.
    const running = await runningAt(port);
    try {
      server = await startLocalServer(program, data, 0);
    } catch {
      if (running === null) throw error;
      return running;
    }
  }
  await writeFile(portFileOf(home), `${new URL(server.url).port}\n`, { mode: 0o600 });
  return server;
}

/** Whether an account at that address is on the server of this home. */
export async function isServerOf(home: string, address: string): Promise<boolean> {
  const url = new URL(address);
  if (url.hostname !== HOST) return false;
  const port = await rememberedPort(home);
  if (port !== null) return Number(url.port) === port;
  // A home of before the port was remembered.
  return stat(dataFolderOf(home)).then(
    () => true,
    () => false,
  );
}

async function rememberedPort(home: string): Promise<number | null> {
  const text = await readFile(portFileOf(home), 'utf8').catch(() => '');
  const port = Number(text.trim());
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : null;
}

async function runningAt(port: number): Promise<LocalServer | null> {
  const url = `http://${HOST}:${port}`;
  try {
    const answer = await fetch(`${url}/v1/server`, { signal: AbortSignal.timeout(2000) });
    const { name } = (await answer.json()) as { name?: unknown };
    if (name !== 'coffre-cloud') return null;
  } catch {
    return null;
  }
  // Not of this program's making, so not its to end.
  return { url, ended: new Promise(() => undefined), stop: () => Promise.resolve() };
}

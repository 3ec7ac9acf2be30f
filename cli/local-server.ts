/** The account server of this build as a process of its own, for `npm start` and the demonstration. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { PersonError } from '../protocol/errors.ts';
import type { EngineProgram } from '../sync-engine/client/connect.ts';

export interface LocalServer {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Rejects when the server ends by itself. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
}

/** Resolves when it takes requests. `port` 0 picks one. @throws PersonError('failed') with what it said last */
export async function startLocalServer(
  program: EngineProgram,
  dataFolder: string,
  port: number,
): Promise<LocalServer> {
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const name = import.meta.url.endsWith('.ts') ? '../cloud/main.ts' : '../cloud/main.js';
  const entry = fileURLToPath(new URL(name, import.meta.url));
  const args = [entry, 'serve', '--data', dataFolder, '--listen', `127.0.0.1:${port}`, '--signup', 'open'];
  // A group of its own: Ctrl-C must reach the engine first, so that nothing is cut off on its way.
  const child = spawn(program.node, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let lastWords = '';
  child.stderr.on('data', (text: Buffer) => (lastWords = (lastWords + text.toString()).slice(-2000)));
  const ended = once(child, 'exit').then(() => undefined);
  const url = await Promise.race([listening(child), ended]);
  if (url === undefined) {
    const why = lastWords.trim().split('\n').at(-1) ?? '';
    throw new PersonError('failed', `the server did not start: ${why}`, `Its data is in ${dataFolder}.`);
  }
  let stopping = false;
  const failed = ended.then((): never => {
    if (stopping) return new Promise<never>(() => undefined) as never;
    throw new PersonError('failed', `the server ended: ${lastWords.trim()}`, 'Run npm start again.');
  });
  failed.catch(() => undefined); // told to whoever races it
  return {
    url,
    failed,
    stop: async () => {
      stopping = true;
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function listening(child: ChildProcess): Promise<string | undefined> {
  if (child.stdout === null) return undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    const [, url] = /^listening on (\S+)/.exec(line) ?? [];
    if (url !== undefined) {
      child.stdout.resume();
      return url;
    }
  }
  return undefined;
}

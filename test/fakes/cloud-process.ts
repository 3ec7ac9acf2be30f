/** The real account server as a process of its own, on a free port of this machine. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Those that run: none outlives this process. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

const MAIN = join(import.meta.dirname, '../../cloud/main.ts');

export interface CloudProcess {
  /** What it printed: an address clients understand. */
  readonly address: string;
  /** Kills it at once, as a crash would. */
  kill(): Promise<void>;
  /** Ends it in good order. */
  stop(): Promise<void>;
  /** Asks it to end, and waits for nothing. */
  signal(name: NodeJS.Signals): void;
  /** How it ended: by itself, with a code, or by a signal. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/**
 * @param dataDir null when the environment names a database
 * @param listen `HOST:PORT`; port 0 picks one
 * @param log a file that its standard error is added to
 */
export async function startCloudProcess(
  dataDir: string | null,
  {
    listen = '127.0.0.1:0',
    options = [],
    env = {},
    log,
  }: { listen?: string; options?: readonly string[]; env?: NodeJS.ProcessEnv; log?: string } = {},
): Promise<CloudProcess> {
  const data = dataDir === null ? [] : ['--data', dataDir];
  // Where no load balancer looks, nobody waits for it.
  const grace = options.includes('--drain-grace') ? [] : ['--drain-grace', '0'];
  const args = [MAIN, 'serve', ...data, '--listen', listen, ...grace, ...options];
  const errors = log === undefined ? 'inherit' : openSync(log, 'a');
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', errors],
    env: { ...process.env, ...env },
  });
  if (errors !== 'inherit') closeSync(errors);
  const { stdout } = child;
  if (stdout === null) throw new Error('its stdout is a pipe');
  running.add(child);
  const exited = once(child, 'exit').finally(() => running.delete(child));
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  const address = await new Promise<string>((resolve, reject) => {
    createInterface({ input: stdout }).on('line', (line) => {
      const match = /^listening on (\S+)$/.exec(line);
      if (match?.[1] !== undefined) resolve(match[1]);
    });
    exited.then(
      ([code]) => reject(new Error(`the server ended with ${String(code)} before it listened`)),
      reject,
    );
  });
  return {
    address,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    signal: (name) => void child.kill(name),
    ended: exited.then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals),
  };
}

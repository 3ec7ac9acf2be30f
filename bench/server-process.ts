/** The built account server as a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { profilingFlags } from './device.ts';

const STOP_MS = 15_000;

export function startServer(
  program: string,
  data: string,
  profiles: string | null,
): Promise<{ child: ChildProcess; address: string }> {
  const flags = profiles === null ? [] : profilingFlags(join(profiles, 'server'));
  return startServing(program, ['--data', data], { NODE_OPTIONS: flags.join(' ') });
}

/** @param options of `serve`, beside where it listens */
export async function startServing(
  program: string,
  options: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ child: ChildProcess; address: string }> {
  const child = spawn(program, ['serve', '--listen', '127.0.0.1:0', ...options], {
    env: { ...process.env, COFFRE_NODE: process.execPath, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const killed = (): void => void child.kill('SIGKILL');
  process.once('exit', killed);
  child.once('exit', () => process.off('exit', killed));
  const address = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const match = /^listening on (\S+)$/.exec(line);
      if (match?.[1] !== undefined) resolve(match[1]);
    });
    child.once('exit', (code) => {
      reject(new Error(`the server ended with ${code} before it listened`));
    });
  });
  return { child, address };
}

export async function stopServer(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await exited;
  clearTimeout(timer);
}

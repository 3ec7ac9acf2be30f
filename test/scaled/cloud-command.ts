/** One command of `coffre-cloud`, as a process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const MAIN = join(import.meta.dirname, '../../cloud/main.ts');

export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function cloudCommand(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<CommandResult> {
  const env = { ...process.env, ...environment };
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const ended = once(child, 'close') as Promise<[number]>;
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, out, err };
}

/** What it printed, for what must succeed. */
export async function cloudAnswer(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<Record<string, unknown>> {
  const { code, out, err } = await cloudCommand([...args, '--json'], environment);
  if (code !== 0) throw new Error(`coffre-cloud ${args[0] ?? ''} ended with ${code}: ${out}${err}`);
  return JSON.parse(out) as Record<string, unknown>;
}

/** As told until a line is the `count`-th on stderr: then it is killed. Null when it ended before. */
export async function killedAtLine(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  count: number,
): Promise<{ readonly code: number | null; readonly lines: readonly string[] }> {
  const env = { ...process.env, ...environment };
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'ignore', 'pipe'], env });
  const ended = once(child, 'close') as Promise<[number | null]>;
  const lines: string[] = [];
  let rest = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (told: string) => {
    const parts = (rest + told).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
    if (lines.length >= count) child.kill('SIGKILL');
  });
  const [code] = await ended;
  return { code, lines };
}

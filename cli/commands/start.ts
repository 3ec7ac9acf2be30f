import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { z } from 'zod';
import { PersonError } from '../../protocol/errors.ts';
import { connectIfRunning, stopEngine } from '../../sync-engine/client/client.ts';
import { ENGINE_FLAGS, engineEnv } from '../../sync-engine/client/engine-program.ts';
import { command, flag } from '../command.ts';
import type { CommandContext } from '../context.ts';

export const start = command({
  name: 'start',
  about: 'runs the engine',
  options: [['--foreground', 'in this terminal, until Ctrl-C']],
  input: z.object({ foreground: flag }),
  examples: ['coffre start', 'coffre start --foreground'],
  run: async (context, input) => {
    if (input.foreground) return runInForeground(context);
    const engine = await context.engine();
    let status = await context.callOn(engine, 'status', {});
    if (status.state === 'locked' && (await context.unlock(engine))) {
      status = await context.callOn(engine, 'status', {});
    }
    if (status.state === 'signed-out' && status.account === null) await refuseToRun(context);
    const { pid } = status.engine;
    const locked = status.state === 'locked' ? ['It is locked: run coffre unlock.'] : [];
    return {
      json: { pid, state: status.state },
      text: [`The engine runs (process ${pid}).`, ...locked],
    };
  },
});

/** An engine without a device is of no use: the reason is told by what needs one. */
async function refuseToRun(context: CommandContext): Promise<never> {
  try {
    await context.call('pairs.list', {});
  } finally {
    await stopEngine(context.endpoint);
  }
  throw new PersonError(
    'not-set-up',
    'there is no account on this device',
    'Run coffre signup, or coffre login for an account you have.',
  );
}

/** The engine takes the environment as it is: a service manager hands the password over that way. */
async function runInForeground(context: CommandContext): Promise<null> {
  const running = await connectIfRunning(context.endpoint);
  if (running !== null) {
    await running.close();
    throw new PersonError('engine-running', 'the engine runs already', 'Run coffre stop first.');
  }
  const { engine, env, signal } = context.terminal;
  const child = spawn(engine.node, [...ENGINE_FLAGS, engine.entry], {
    env: engineEnv(env, context.home),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const end = () => child.kill('SIGTERM');
  if (signal.aborted) end();
  signal.addEventListener('abort', end);
  const [code] = (await once(child, 'exit')) as [number | null];
  signal.removeEventListener('abort', end);
  if (code === 0 || signal.aborted) return null;
  throw new PersonError('failed', 'the engine ended with an error', 'What it said is above.');
}

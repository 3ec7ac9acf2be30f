/** A worker thread: runs jobs on the real disk. Several may be under way, each going on where it awaits. */
import { parentPort } from 'node:worker_threads';
import type { VaultId } from '../../protocol/ids.ts';
import { secureRandom } from '../crypto/random.ts';
import { VaultKeys } from '../crypto/vault-keys.ts';
import { DiskError } from '../local-fs/disk.ts';
import { NodeDisk } from '../local-fs/node-disk.ts';
import { PackMemory } from '../transfer/pack-memory.ts';
import { IdleHeap } from './idle-heap.ts';
import { JOBS, type JobContext } from './jobs.ts';
import { TaskFlags, type FromWorker, type JobFailure, type ToWorker } from './messages.ts';

/** Ends a job whose reason the control thread has: an abort, or a hook that threw. */
class Stopped extends Error {
  override readonly name = 'Stopped';
}

if (parentPort === null) throw new Error('worker.ts is started as a thread');
const port = parentPort;
const disk = new NodeDisk();
const keyrings = new Map<VaultId, VaultKeys>();
const questions = new Map<number, { answer: (value: unknown) => void; refuse: (error: Error) => void }>();
let lastQuestion = 0;
/** Without work for so long, what the work left is given back. */
const TIDY_MS = 10_000;
const heap = new IdleHeap();
const memory = new PackMemory();
let running = 0;
let tidying: NodeJS.Timeout | undefined;

function send(message: FromWorker, move: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, move);
}

port.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'keys':
      learn(message.vault, message.epochs);
      return;
    case 'start':
      void runJob(message);
      return;
    case 'answer':
      questions.get(message.question)?.answer(message.value);
      questions.delete(message.question);
      return;
    case 'refused':
      questions.get(message.question)?.refuse(new Stopped());
      questions.delete(message.question);
      return;
    case 'stop':
      for (const keys of keyrings.values()) keys.wipe();
      process.exit(); // this thread
  }
});

function learn(vault: VaultId, epochs: readonly (readonly [number, Uint8Array])[]): void {
  const keys = keyrings.get(vault);
  if (keys === undefined) keyrings.set(vault, new VaultKeys(vault, epochs));
  else {
    for (const [epoch, key] of epochs) {
      // The first names chunks for the life of the vault; a later one may have had another key, in a log that is gone.
      if (epoch === 0) keys.add(epoch, key);
      else keys.replace(epoch, key);
    }
  }
  for (const [, key] of epochs) key.fill(0); // the keyring has its own copy
}

async function runJob(start: Extract<ToWorker, { kind: 'start' }>): Promise<void> {
  const { task } = start;
  running += 1;
  clearTimeout(tidying);
  const flags = new TaskFlags(start.flags);
  const context: JobContext = {
    disk,
    random: secureRandom,
    memory,
    stop: {
      isAborted: () => flags.aborted,
      throwIfAborted: () => {
        if (flags.aborted) throw new Stopped();
      },
    },
    keys: (vault) => {
      const keys = keyrings.get(vault);
      if (keys === undefined) throw new Error('a sealing job needs keys');
      return keys;
    },
  };
  try {
    const job = JOBS[start.job];
    const hooks = stubs(task, start.hooks, job, flags);
    const value: unknown = await job.run(context, start.request as never, hooks as never);
    send({ kind: 'done', task, value });
  } catch (error) {
    send({ kind: 'failed', task, failure: failureOf(error) });
  }
  running -= 1;
  if (running === 0) tidying = setTimeout(tidy, TIDY_MS).unref();
}

function tidy(): void {
  heap.tidy(memory.clear());
}

interface HookWays {
  readonly tells: readonly string[];
  readonly gives?: readonly string[];
}

/** The hooks as the job calls them. */
function stubs(
  task: number,
  names: readonly string[],
  { tells, gives = [] }: HookWays,
  flags: TaskFlags,
): Record<string, (...args: unknown[]) => unknown> {
  let told = 0;
  const tell = (hook: string, args: unknown[]) => {
    flags.waitForRoom(told);
    told += 1;
    send({ kind: 'tell', task, hook, args });
  };
  const ask = (hook: string, args: unknown[]) =>
    new Promise<unknown>((answer, refuse) => {
      lastQuestion += 1;
      questions.set(lastQuestion, { answer, refuse });
      const move = gives.includes(hook) ? buffersOf(args[0]) : [];
      send({ kind: 'ask', task, question: lastQuestion, hook, args }, move);
    });
  return Object.fromEntries(
    names.map((name) => {
      const call = tells.includes(name) ? tell : ask;
      return [name, (...args: unknown[]) => call(name, args)];
    }),
  );
}

function buffersOf(given: unknown): ArrayBuffer[] {
  const bytes: unknown = typeof given === 'object' && given !== null && 'bytes' in given ? given.bytes : null;
  return bytes instanceof Uint8Array && bytes.buffer instanceof ArrayBuffer ? [bytes.buffer] : [];
}

function failureOf(error: unknown): JobFailure {
  if (error instanceof Stopped) return { kind: 'stopped' };
  if (error instanceof DiskError) {
    return { kind: 'disk', code: error.code, call: error.message.replace(`: ${error.code}`, '') };
  }
  return { kind: 'broken', error: error instanceof Error ? error : new Error(String(error)) };
}

/** Finds the engine of a home and starts it when it does not run. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { controlErrorSchema } from '../../protocol/control.ts';
import { controlEndpoint, makePrivateFolder } from '../../protocol/control-endpoint.ts';
import { PersonError } from '../../protocol/errors.ts';
import { connectIfRunning, type ControlClient } from './client.ts';
import { ENGINE_FLAGS, engineEnv, type EngineProgram } from './engine-program.ts';

const POLL_MS = 25;
/** A machine under load may take this long to start a process and open a large manifest. */
const STARTING_MS = 60_000;
/** Two clients may start two engines at once; the one that loses leaves the other this long to open its socket. */
const OTHER_ENGINE_MS = 10_000;

export interface ConnectOptions {
  /** Absolute. */
  readonly home: string;
  readonly program: EngineProgram;
  readonly env: NodeJS.ProcessEnv;
  /** Bounds the wait; 60 s unless given. */
  readonly startingMs?: number;
}

/**
 * Resolves once the engine answers. The engine it starts outlives this process; its stderr goes to the
 * endpoint's error file, and the last line of it is the error when the engine ends before it answers.
 * @throws PersonError
 */
export async function connectEngine(options: ConnectOptions): Promise<ControlClient> {
  const endpoint = controlEndpoint(options.home);
  const running = await connectIfRunning(endpoint);
  if (running !== null) return running;

  await mkdir(options.home, { recursive: true, mode: 0o700 });
  await makePrivateFolder(endpoint.folder);
  const end = await startDetached(options, endpoint.errorFile);
  let deadline = performance.now() + (options.startingMs ?? STARTING_MS);
  let waitsForOther = false;
  while (performance.now() < deadline) {
    const client = await connectIfRunning(endpoint);
    if (client !== null) return client;
    if (end.reached && !waitsForOther) {
      const error = await earlyEnd(endpoint.errorFile, end.error);
      if (error.code !== 'engine-running') throw error;
      waitsForOther = true;
      deadline = performance.now() + OTHER_ENGINE_MS;
    }
    await (end.reached ? delay(POLL_MS) : Promise.race([delay(POLL_MS), end.promise]));
  }
  throw new PersonError(
    'engine-not-running',
    'the engine was started but does not answer',
    `Run coffre start --foreground to see why; what it wrote last is in ${endpoint.errorFile}.`,
  );
}

/** The end of the engine's process, when it comes while this one looks. */
interface EngineEnd {
  reached: boolean;
  /** It could not even be started. */
  error: Error | null;
  readonly promise: Promise<void>;
}

async function startDetached(options: ConnectOptions, errorFile: string): Promise<EngineEnd> {
  // A file, not a pipe: the engine must be able to write after this process has gone.
  const errors = await open(errorFile, 'w', 0o600);
  try {
    const env = engineEnv(options.env, options.home);
    // Clients hand passwords over the socket; in the environment of a long-lived process they would linger.
    delete env['COFFRE_PASSWORD'];
    delete env['COFFRE_NEW_PASSWORD'];
    const child = spawn(options.program.node, [...ENGINE_FLAGS, options.program.entry], {
      cwd: options.home,
      detached: true,
      env,
      stdio: ['ignore', 'ignore', errors.fd],
      windowsHide: true,
    });
    child.unref();
    return endOf(child);
  } finally {
    await errors.close();
  }
}

function endOf(child: ChildProcess): EngineEnd {
  const ended = Promise.withResolvers<undefined>();
  const end: EngineEnd = { reached: false, error: null, promise: ended.promise };
  const onEnd = (error: Error | null) => {
    end.reached = true;
    end.error = error;
    ended.resolve(undefined);
  };
  child.once('exit', () => onEnd(null));
  child.once('error', onEnd);
  return end;
}

async function earlyEnd(errorFile: string, failedToStart: Error | null): Promise<PersonError> {
  const text = failedToStart?.message ?? (await readFile(errorFile, 'utf8').catch(() => ''));
  const last = text.trimEnd().split('\n').at(-1) ?? '';
  return errorOfLine(last);
}

/** The engine's last words: `{"error":{code,message,hint}}`, or whatever a crash left. */
function errorOfLine(line: string): PersonError {
  try {
    const { error } = JSON.parse(line) as { error: unknown };
    const told = controlErrorSchema.parse(error);
    return new PersonError(told.code, told.message, told.hint);
  } catch {
    return new PersonError(
      'engine-not-running',
      `the engine ended as it started${line === '' ? '' : `: ${line.slice(0, 500)}`}`,
      'Run coffre start --foreground to see all it says.',
    );
  }
}

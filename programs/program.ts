/** A program of this build as a process beside the one that starts it. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface ProgramEnd {
  /** Null after a signal. */
  readonly code: number | null;
  /** The end of what it wrote on stderr; empty when nothing. */
  readonly lastWords: string;
}

export interface ProgramProcess {
  /** Undefined while it has not begun. */
  readonly pid: number | undefined;
  /** Calls the listener for each line it writes on stdout from now on. */
  onLine(listener: (line: string) => void): void;
  /** Asks it to end in good order. */
  stop(): void;
  /** Ends it at once. */
  kill(): void;
  /** Resolves when it has gone, also when it could not even be started. */
  readonly ended: Promise<ProgramEnd>;
}

interface ProgramRequest {
  /** Its main file. */
  readonly entry: string;
  readonly args?: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}
export type StartProgram = (request: ProgramRequest) => ProgramProcess;

const LAST_WORDS = 2000;

/** Keeps the end of a stream of text, as the last words of a process. */
export class LastWords {
  #text = '';

  add(bytes: Buffer): void {
    this.#text = (this.#text + bytes.toString()).slice(-LAST_WORDS);
  }

  get text(): string {
    return this.#text.trim();
  }

  get lastLine(): string {
    return this.text.split('\n').at(-1) ?? '';
  }
}

/** Runs programs on the given Node. */
export function onNode(node: string): StartProgram {
  return ({ entry, args = [], env }) => {
    const child = spawn(node, [entry, ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: Ctrl-C reaches the starter alone, which ends things in their order.
      detached: true,
      windowsHide: true,
    });
    const words = new LastWords();
    child.stderr.on('data', (bytes: Buffer) => words.add(bytes));
    const lines = createInterface({ input: child.stdout });
    return {
      pid: child.pid,
      onLine: (listener) => void lines.on('line', listener),
      stop: () => void child.kill('SIGTERM'),
      kill: () => void child.kill('SIGKILL'),
      ended: new Promise((resolve) => {
        child.once('close', (code) => resolve({ code, lastWords: words.text }));
        child.once('error', (error) => resolve({ code: null, lastWords: error.message }));
      }),
    };
  };
}

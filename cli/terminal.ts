/** What a command sees of the process that runs it; a test gives its own. */
import type { Readable, Writable } from 'node:stream';
import type { EngineProgram } from '../sync-engine/client/engine-program.ts';

export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean | undefined };
  readonly stdout: Writable & { readonly isTTY?: boolean | undefined };
  readonly stderr: Writable & { readonly isTTY?: boolean | undefined };
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** How to run the engine. */
  readonly engine: EngineProgram;
  /** The main file of this program. */
  readonly entry: string;
  /** Aborts on Ctrl-C and on a polite kill. */
  readonly signal: AbortSignal;
}

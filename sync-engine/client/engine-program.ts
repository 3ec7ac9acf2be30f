/** What the engine runs on, and how much memory it is let hold that it does not need. */
import { fileURLToPath } from 'node:url';

/** How to run the engine. */
export interface EngineProgram {
  /** The Node that runs it. */
  readonly node: string;
  /** Its main file. */
  readonly entry: string;
}

/** The engine of this build (or of these sources), on `COFFRE_NODE` or on the Node that runs this. */
export function engineProgram(env: NodeJS.ProcessEnv): EngineProgram {
  const name = import.meta.url.endsWith('.ts') ? '../main.ts' : '../main.js';
  const chosen = env['COFFRE_NODE'];
  return {
    node: chosen !== undefined && chosen !== '' ? chosen : process.execPath,
    entry: fileURLToPath(new URL(name, import.meta.url)),
  };
}

/**
 * MiB of one half of V8's young generation. It grows to four times as much while there is much to sync, and the time
 * its collections take less often then is not worth it.
 */
export const ENGINE_FLAGS: readonly string[] = ['--max-semi-space-size=8'];

/**
 * glibc gives each thread a heap, up to eight for a core, and keeps what is freed below the last thing in use. With two
 * of them, and each large buffer mapped on its own, what a first sync needed goes back to the system. Other C
 * libraries do not know the names.
 */
const GIVES_BACK = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '524288' };

/** What a person has set is left. */
export function engineEnv(env: NodeJS.ProcessEnv, home: string): NodeJS.ProcessEnv {
  return { ...GIVES_BACK, ...env, COFFRE_HOME: home };
}

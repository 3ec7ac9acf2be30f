/** The account server of this build (or of these sources), on the Node that runs the engine. */
import { fileURLToPath } from 'node:url';
import type { ServerProgram } from '../programs/local-server.ts';
import { onNode } from '../programs/program.ts';
import type { EngineProgram } from '../sync-engine/client/engine-program.ts';

export function serverProgram(engine: EngineProgram, env: NodeJS.ProcessEnv): ServerProgram {
  const name = import.meta.url.endsWith('.ts') ? '../cloud/main.ts' : '../cloud/main.js';
  return { start: onNode(engine.node), entry: fileURLToPath(new URL(name, import.meta.url)), env };
}

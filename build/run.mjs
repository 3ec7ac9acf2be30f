// Runs a script or (--tool) an installed tool on Node 24, whatever Node the system has.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { BootstrapError, ensureInstalled, root, runMain, runOnNode24, toolArguments } from './bootstrap.mjs';

await runMain(() => {
  const [first, ...rest] = process.argv.slice(2);
  if (first === undefined)
    throw new BootstrapError('Usage: node build/run.mjs (SCRIPT | --tool NAME) [ARGUMENT...]');
  ensureInstalled();
  if (first === '--tool') return runOnNode24(toolArguments(rest[0], rest.slice(1)), { cwd: root });
  if (!existsSync(path.join(root, first))) throw new BootstrapError(`${first} is missing in this checkout.`);
  return runOnNode24([path.join(root, first), ...rest]);
});

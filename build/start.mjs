// `npm start`: from a fresh checkout to a running Coffre in one command.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { BootstrapError, runMain, runOnNode24 } from './bootstrap.mjs';
import { distFolder, ensureBuilt } from './build.mjs';

await runMain(() => {
  ensureBuilt();
  const entry = path.join(distFolder, 'cli', 'start.js');
  if (!existsSync(entry)) {
    throw new BootstrapError(
      'cli/start.ts is missing in this checkout; bin/coffre and bin/coffre-cloud are built.',
    );
  }
  return runOnNode24([entry, ...process.argv.slice(2)]);
});

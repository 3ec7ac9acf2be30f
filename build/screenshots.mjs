// `npm run screenshots [NAME...]`: builds, then takes the pictures of the window (test/window/screenshots.ts).
import path from 'node:path';
import { root, runMain, runOnNode24 } from './bootstrap.mjs';
import { ensureBuilt } from './build.mjs';

await runMain(() => {
  ensureBuilt();
  return runOnNode24([path.join(root, 'test', 'window', 'screenshots.ts'), ...process.argv.slice(2)]);
});

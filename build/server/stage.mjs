// The account server as a folder that any Node 24 of this kind of machine runs:
//   node build/server/stage.mjs FOLDER      then: node FOLDER/cloud/main.js serve ...
// The image (Dockerfile) is made of it.
import { cpSync, existsSync } from 'node:fs';
import path from 'node:path';
import { BootstrapError, root, runMain } from '../bootstrap.mjs';
import { ensureBuilt } from '../build.mjs';
import { stagePrograms } from '../package/stage.mjs';

await runMain(() => {
  const [folder] = process.argv.slice(2);
  if (folder === undefined || existsSync(folder))
    throw new BootstrapError('Name a folder that is not there yet: node build/server/stage.mjs FOLDER');
  ensureBuilt();
  stagePrograms({ folder: path.resolve(folder), platform: process.platform, archs: [process.arch] });
  cpSync(path.join(root, 'LICENSE'), path.join(folder, 'LICENSE.txt'));
  return 0;
});

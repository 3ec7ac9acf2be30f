// What the stock runtime does with `electron [-r MODULE]... FILE_OR_FOLDER [ARGUMENT...]`, and a runtime taken out
// of a packaged app does not: load that app. Packed into default_app.asar by build/electron-runtime.mjs.
const { app } = require('electron');
const { existsSync, readFileSync, statSync } = require('node:fs');
const Module = require('node:module');
const path = require('node:path');

const required = [];
let target = null;
const given = process.argv.slice(1);
for (let at = 0; at < given.length && target === null; at += 1) {
  if (given[at] === '-r' || given[at] === '--require') {
    at += 1;
    required.push(given[at]);
  } else if (!given[at].startsWith('-')) {
    target = path.resolve(given[at]);
  }
}

if (target === null) {
  process.stdout.write(`Electron ${process.versions.electron}, and no app is named.\n`);
  app.exit(2);
} else {
  const folder = statSync(target).isDirectory() ? target : path.dirname(target);
  const manifest = path.join(folder, 'package.json');
  if (existsSync(manifest)) {
    const { name, productName, version } = JSON.parse(readFileSync(manifest, 'utf8'));
    app.setName(productName ?? name);
    app.setVersion(version);
  }
  app.setAppPath(folder);
  process.defaultApp = true;
  const require = Module.createRequire(path.join(process.cwd(), 'start'));
  for (const module of required) require(module);
  require(target);
}

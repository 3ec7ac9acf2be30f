// Bundles the desktop app into a folder: renderer/ for the window, electron/main.cjs and electron/preload.cjs.
// Runs on Node 24, from build.mjs. CommonJS, because a sandboxed preload script can be nothing else, and because
// the runtime that the end-to-end tests use (Electron 25) starts no ES module.
//   node build/bundle.mjs OUT_FOLDER
import { cpSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { build } from 'vite';
import { collectLicences } from './licences.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
/** Chromium and Node of the oldest runtime that has to run it. */
const TARGETS = { window: 'chrome114', main: 'node18' };
/** Loaded at run time from the package itself. */
const outside = ['electron', 'electron-updater', ...builtinModules, /^node:/];

export async function bundleApp(outFolder) {
  await build({
    configFile: false,
    root: path.join(root, 'renderer'),
    base: './',
    logLevel: 'warn',
    plugins: [react()],
    build: {
      outDir: path.join(outFolder, 'renderer'),
      emptyOutDir: true,
      target: TARGETS.window,
      // The policy of the window allows no inline script and no data: address but for images.
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
      sourcemap: false,
    },
  });
  writeFileSync(path.join(outFolder, 'renderer', 'licences.json'), JSON.stringify(collectLicences()));
  for (const name of ['main', 'preload']) {
    await build({
      configFile: false,
      root,
      logLevel: 'warn',
      build: {
        outDir: path.join(outFolder, 'electron'),
        emptyOutDir: false,
        target: TARGETS.main,
        minify: false,
        sourcemap: false,
        ssr: true,
        lib: {
          entry: path.join(root, 'electron', `${name}.ts`),
          formats: ['cjs'],
          fileName: () => `${name}.cjs`,
        },
        rolldownOptions: { external: outside },
      },
      ssr: { noExternal: true, external: ['electron', 'electron-updater'] },
    });
  }
  cpSync(path.join(root, 'electron', 'assets'), path.join(outFolder, 'electron', 'assets'), {
    recursive: true,
  });
}

if (process.argv[2] !== undefined) await bundleApp(path.resolve(process.argv[2]));

// `npm start`: from a fresh checkout to a running Coffre in one command. Where there is a display it opens the app;
// elsewhere, and with --terminal, --demo or what the terminal flow asks for, it stays in the terminal.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { environment, node24, runInForeground, runMain, runOnNode24 } from './bootstrap.mjs';
import { distFolder, ensureBuilt } from './build.mjs';
import { releasedElectron } from './electron-runtime.mjs';

/** Chromium's own switch: without it it does not run as root on Linux. Never given unasked. */
const NO_SANDBOX = '--no-sandbox';
const MAC_BINARY = 'Electron.app/Contents/MacOS/Electron';

await runMain(() => {
  ensureBuilt();
  const args = process.argv.slice(2);
  const forApp = args.filter((argument) => argument === NO_SANDBOX || argument.startsWith('coffre://'));
  const wantsTerminal = args.length > forApp.length;
  const electron = wantsTerminal || !hasDisplay() ? null : electronBinary(args);
  if (electron === null) {
    return runOnNode24([
      path.join(distFolder, 'cli', 'start.js'),
      ...args.filter((one) => one !== NO_SANDBOX),
    ]);
  }
  // The engine runs on the Node of this checkout.
  const env = environment({ COFFRE_NODE: process.env.COFFRE_NODE ?? node24 });
  delete env.ELECTRON_RUN_AS_NODE;
  return runInForeground(electron, [path.join(distFolder, 'electron', 'main.cjs'), ...forApp], { env });
});

function hasDisplay() {
  if (process.platform === 'darwin' || process.platform === 'win32') return true;
  return [process.env.DISPLAY, process.env.WAYLAND_DISPLAY].some((name) => name !== undefined && name !== '');
}

/** Null, with the reason told, when the app cannot be started here. */
function electronBinary(args) {
  const instead = (why) => {
    process.stderr.write(`${why} Coffre starts in the terminal instead.\n`);
    return null;
  };
  if (process.platform === 'linux' && process.getuid?.() === 0 && !args.includes(NO_SANDBOX)) {
    return instead(`The app does not run as root without \`npm start -- ${NO_SANDBOX}\`.`);
  }
  const given = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  if (given !== undefined && given !== '') {
    const binary = path.join(
      given,
      { win32: 'electron.exe', darwin: MAC_BINARY }[process.platform] ?? 'electron',
    );
    return existsSync(binary)
      ? binary
      : instead(`ELECTRON_OVERRIDE_DIST_PATH has no ${path.basename(binary)}.`);
  }
  const released = releasedElectron();
  if (released !== null) return released.binary;
  return instead('Electron could not be fetched: check the connection to its releases and try again.');
}

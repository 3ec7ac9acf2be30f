// Draws the icons that are committed from their sources in build/icons: node build/run.mjs build/icons.mjs
// With --check it compares instead, and fails when one is not of the present sources.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Resvg } from '@resvg/resvg-js';
import { root } from './bootstrap.mjs';
import { icnsFile, icoFile } from './icons/containers.mjs';
import { trayIcon, trayPalettes, trayStates } from './icons/tray.mjs';

const LINUX_SIZES = [16, 24, 32, 48, 64, 128, 256, 512];
const WINDOWS_SIZES = [16, 20, 24, 32, 40, 48, 64, 128, 256];
const MAC_SIZES = [16, 32, 64, 128, 256, 512, 1024];
/** What a panel of each density wants; the number is in the name as nativeImage looks for it. */
const PANEL_SCALES = { '': 22, '@1.5x': 33, '@2x': 44, '@3x': 66 };
const WINDOWS_TRAY_SIZES = [16, 20, 24, 32, 40, 48];
const MENU_BAR_SCALES = { '': 16, '@2x': 32 };

const files = { ...appIcons(), ...trayIcons() };
const check = process.argv.includes('--check');
let differing = 0;
for (const [name, bytes] of Object.entries(files)) {
  const file = path.join(root, name);
  if (!check) {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  } else if (!existsSync(file) || !readFileSync(file).equals(bytes)) {
    process.stderr.write(`${name} is not of the present sources: run node build/run.mjs build/icons.mjs\n`);
    differing += 1;
  }
}
process.stdout.write(`${Object.keys(files).length} files, ${differing} differ\n`);
process.exitCode = differing === 0 ? 0 : 1;

function appIcons() {
  const large = readFileSync(path.join(root, 'build', 'icons', 'app.svg'), 'utf8');
  const small = readFileSync(path.join(root, 'build', 'icons', 'app-small.svg'), 'utf8');
  const draw = (size) => ({ size, png: png(size <= 32 ? small : large, size) });
  const made = {
    // Of the window, and of notifications.
    'electron/assets/icon.png': draw(256).png,
    'build/icons/app.ico': icoFile(WINDOWS_SIZES.map(draw)),
    'build/icons/app.icns': icnsFile(MAC_SIZES.map(draw)),
  };
  for (const size of LINUX_SIZES) made[`build/icons/linux/${size}x${size}.png`] = draw(size).png;
  return made;
}

function trayIcons() {
  const made = {};
  for (const state of trayStates) {
    for (const palette of Object.keys(trayPalettes)) {
      const svg = trayIcon(state, palette);
      const isTemplate = palette === 'template';
      // macOS takes an image for a template by the end of its name.
      const name = `electron/assets/tray/${state}-${isTemplate ? 'Template' : palette}`;
      for (const [scale, size] of Object.entries(isTemplate ? MENU_BAR_SCALES : PANEL_SCALES)) {
        made[`${name}${scale}.png`] = png(svg, size);
      }
      if (!isTemplate) {
        made[`${name}.ico`] = icoFile(WINDOWS_TRAY_SIZES.map((size) => ({ size, png: png(svg, size) })));
      }
    }
  }
  return made;
}

function png(svg, size) {
  return new Resvg(svg, { fitTo: { mode: 'width', value: size }, font: { loadSystemFonts: false } })
    .render()
    .asPng();
}

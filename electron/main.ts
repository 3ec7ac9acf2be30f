/** The desktop app: composition root. Bundled to CommonJS, so nothing here awaits at the top. */
import path from 'node:path';
import { app, BrowserWindow } from 'electron';

async function open(): Promise<void> {
  await app.whenReady();
  const window = new BrowserWindow({
    webPreferences: {
      preload: path.join(__dirname, 'preload.cjs'),
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
    },
  });
  await window.loadFile(path.join(__dirname, '..', 'renderer', 'index.html'));
}

void open();

/** What the app itself answers to its window. */
import { homedir, hostname } from 'node:os';
import path from 'node:path';
import { app, dialog, shell } from 'electron';
import type { AppInfo, AppSettings } from '../protocol/app.ts';
import { PersonError } from '../protocol/errors.ts';
import { PROGRAM_VERSION } from '../protocol/version.ts';
import type { AppFile } from './app-file.ts';
import type { AppHandlers } from './bridge.ts';
import type { EngineLink } from './engine-link.ts';
import type { EngineSupervisor } from './engine-supervisor.ts';
import type { Keychain } from './keychain.ts';
import { linkAddress, namedLinks } from './links.ts';
import { openingOf } from './open-path.ts';
import type { ServerKeeper } from './server-keeper.ts';
import type { Texts } from './texts.ts';
import type { Updater } from './updater.ts';
import type { AppWindow } from './window.ts';

export interface AppHandlerParts {
  readonly file: AppFile;
  readonly engine: EngineLink;
  readonly supervisor: EngineSupervisor;
  readonly server: ServerKeeper;
  readonly keychain: Keychain;
  readonly texts: Texts;
  readonly updater: Updater;
  readonly window: () => AppWindow;
  readonly hasTray: () => boolean;
  readonly canStartAtLogin: boolean;
  readonly settingsChanged: (settings: AppSettings) => Promise<void>;
  /** `install`: the new version is started afterwards. */
  readonly quit: (install: boolean) => void;
}

export function appHandlers(parts: AppHandlerParts): AppHandlers {
  const { file, engine, supervisor, updater } = parts;
  return {
    'app.info': async (): Promise<AppInfo> => ({
      version: PROGRAM_VERSION,
      platform: process.platform,
      systemLanguage: app.getLocale(),
      language: parts.texts.language,
      keychain: (await parts.keychain.isSafe()) ? 'os' : 'passphrase',
      tray: parts.hasTray(),
      canStartAtLogin: parts.canStartAtLogin,
      defaultFolder: path.join(homedir(), 'Coffre'),
      deviceName: hostname(),
      links: namedLinks(),
      update: updater.state,
      engine: supervisor.state,
      settings: file.settings,
    }),
    'app.settings': async (changes) => {
      const settings = file.change(changes);
      await parts.settingsChanged(settings);
      return settings;
    },
    'folder.choose': async ({ current }) => {
      const { texts } = parts;
      const options: Electron.OpenDialogOptions = {
        title: texts.text('dialog.chooseFolder'),
        buttonLabel: texts.text('dialog.choose'),
        properties: ['openDirectory', 'createDirectory'],
        ...(current === undefined ? {} : { defaultPath: current }),
      };
      const over = parts.window().native;
      const { canceled, filePaths } = await (over === null
        ? dialog.showOpenDialog(options)
        : dialog.showOpenDialog(over, options));
      return { folder: canceled ? null : (filePaths[0] ?? null) };
    },
    'path.open': async (request) => {
      await openPath(engine, request.path, request.reveal);
      return {};
    },
    'server.local': async () => ({ url: await parts.server.ensure() }),
    'link.open': async ({ link }) => {
      await shell.openExternal(linkAddress(link));
      return {};
    },
    'window.print': () => {
      const contents = parts.window().native?.webContents;
      return new Promise((resolve) => {
        if (contents === undefined) resolve({ printed: false });
        else contents.print({ printBackground: false }, (printed) => resolve({ printed }));
      });
    },
    'engine.restart': () => supervisor.restart(),
    'update.check': () => updater.check(),
    'update.install': () => {
      updater.requireReady();
      parts.quit(true);
      return {};
    },
    'app.quit': () => {
      parts.quit(false);
      return {};
    },
  };
}

/** @throws PersonError bad-input, not-found, failed */
export async function openPath(engine: EngineLink, wanted: string, reveal: boolean): Promise<void> {
  const { pairs } = await engine.call('pairs.list', {});
  const opening = await openingOf(
    pairs.map((pair) => pair.folder),
    wanted,
    reveal,
  );
  if (opening.kind === 'reveal') {
    shell.showItemInFolder(opening.path);
    return;
  }
  const why = await shell.openPath(opening.path);
  if (why !== '') {
    throw new PersonError('failed', 'no program of this system opens it', 'Open it in your file manager.');
  }
}

/**
 * The desktop app: composition root. Bundled to CommonJS and without an await at the top, because a sandboxed
 * preload script can be nothing else and Electron 25, which the tests run on, starts no ES module.
 */
import path from 'node:path';
import { app, Menu, nativeTheme, powerMonitor, safeStorage } from 'electron';
import { onNode } from '../programs/program.ts';
import type { AppEventData, AppEventName, AppSettings } from '../protocol/app.ts';
import { controlEndpoint, homeFolder, makePrivateFolder } from '../protocol/control-endpoint.ts';
import type { Status } from '../protocol/control-shapes.ts';
import { PersonError } from '../protocol/errors.ts';
import { pauseEnd } from '../protocol/pause-span.ts';
import { connectIfRunning } from '../sync-engine/client/client.ts';
import { engineEnv } from '../sync-engine/client/engine-program.ts';
import { AppFile } from './app-file.ts';
import { appHandlers, openPath } from './app-handlers.ts';
import { HIDDEN_FLAG, setXdgAutostart, stableProgram } from './autostart.ts';
import { Bridge } from './bridge.ts';
import { LINK_SCHEME, linkAmong } from './deep-link.ts';
import { EngineLink } from './engine-link.ts';
import { EngineSupervisor } from './engine-supervisor.ts';
import { EventRelay } from './event-relay.ts';
import { Keychain } from './keychain.ts';
import { NoticeModel } from './notice-model.ts';
import { Notifications } from './notifications.ts';
import { placesOf } from './places.ts';
import { RecentFiles } from './recent-files.ts';
import { ServerKeeper } from './server-keeper.ts';
import { languageOf, Texts } from './texts.ts';
import { TrayIconView } from './tray.ts';
import { trayModel, type TrayAction } from './tray-model.ts';
import { Unlocking } from './unlocking.ts';
import { Updater } from './updater.ts';
import { inUtilityProcess } from './utility-program.ts';
import { AppWindow, registerScheme } from './window.ts';

/** Engine and server end in good order within this, or the app ends without them. */
const QUITTING_MS = 40_000;

const home = homeFolder(process.env);
app.setName('Coffre');
// One app a home: the lock of the single instance lies in this folder, as does what Chromium keeps.
app.setPath('userData', path.join(home, 'app'));
registerScheme();

if (app.requestSingleInstanceLock()) start();
else app.quit(); // the first one gets the arguments and shows itself

function start(): void {
  const file = AppFile.open(home);
  nativeTheme.themeSource = file.settings.theme;
  // From the first moment on: what comes while it starts is kept.
  const asked: string[][] = [process.argv];
  let serve: ((args: readonly string[]) => void) | null = null;
  const hear = (args: string[]): void => {
    if (serve === null) asked.push(args);
    else serve(args);
  };
  app.on('second-instance', (_, args) => hear(args));
  app.on('open-url', (event, url) => {
    event.preventDefault();
    hear([url]);
  });
  app.on('window-all-closed', () => undefined); // it lives in the tray
  void app.whenReady().then(async () => {
    serve = await run(file);
    for (const args of asked) serve(args);
  });
}

/** Resolves to what a start (this one, and each further one) does with its arguments. */
async function run(file: AppFile): Promise<(args: readonly string[]) => void> {
  const places = placesOf(__dirname);
  const texts = new Texts(languageOf(file.settings.language, app.getLocale()));
  const keychain = new Keychain(safeStorage, file);
  const recent = new RecentFiles();
  let isQuitting = false;

  // The engine and the server.
  const node = process.env['COFFRE_NODE'];
  const isOnNode = node !== undefined && node !== '';
  const env: NodeJS.ProcessEnv = { ...process.env, COFFRE_HOME: home };
  // Passwords go over the socket; in the environment of a process that lives long they would linger.
  delete env['COFFRE_PASSWORD'];
  delete env['COFFRE_NEW_PASSWORD'];
  const link = new EngineLink();
  const unlocking = new Unlocking(keychain);
  const supervisor = new EngineSupervisor(
    {
      connect: async () => {
        await makePrivateFolder(controlEndpoint(home).folder);
        return connectIfRunning(controlEndpoint(home));
      },
      start: () =>
        (isOnNode ? onNode(node) : inUtilityProcess('coffre-engine'))({
          entry: places.engine,
          env: engineEnv(env, home),
        }),
      sleep,
      nowMs: () => performance.now(),
    },
    {
      changed: (state) => {
        link.processChanged(state);
        tell('engine', state);
        const notice = notices.engineChanged(state);
        if (notice !== null) notifications.show(notice);
        tray.update();
      },
      connected: async (client) => {
        await link.connected(client, (locked) => unlocking.unlock(locked));
        void afterConnecting().catch(onDefect);
      },
      gone: () => {
        link.gone();
        tray.update();
      },
    },
  );
  const server = new ServerKeeper({
    home,
    program: {
      start: isOnNode ? onNode(node) : inUtilityProcess('coffre-server'),
      entry: places.server,
      env,
    },
    onAddress: () => void followServer().catch(onDefect),
  });

  async function afterConnecting(): Promise<void> {
    const { status } = link;
    if (status === null) return;
    if (status.account !== null) void server.keepFor(status.account.server).catch(onDefect);
    if (status.account !== null) {
      const { rows } = await link.call('activity.list', { limit: 100 }).catch(() => ({ rows: [] }));
      recent.add(rows);
    }
    await followServer();
    tray.update();
  }

  /** The port of the embedded server had been taken: the account has moved to another one. */
  async function followServer(): Promise<void> {
    const address = link.status?.account?.server;
    const isOpen = link.status !== null && link.status.state !== 'locked';
    if (address === undefined || !isOpen || !server.isMovedFrom(address)) return;
    await link.call('server.set', { server: await server.ensure() }).catch((error: unknown) => {
      if (!(error instanceof PersonError)) throw error; // the status goes on saying that it is offline
    });
  }

  // What the person sees.
  const notices = new NoticeModel(texts.text, (issue) => texts.issue(issue));
  const notifications: Notifications = new Notifications(
    () => file.settings.notifications && !window.isFocused && !isQuitting,
    ({ destination }) => navigate(destination),
  );
  const updater = new Updater({
    isPackaged: app.isPackaged,
    resources: process.resourcesPath,
    env: process.env,
    isAutomatic: () => file.settings.autoUpdate,
    changed: (state) => {
      tell('update', state);
      tray.update();
    },
  });
  const tray: TrayIconView = new TrayIconView({
    assets: places.assets,
    model: () =>
      trayModel(
        {
          status: link.status,
          engine: supervisor.state,
          update: updater.state,
          recent: recent.list(link.status?.pairs ?? []),
          hasDeviceNews: notices.hasDeviceNews(link.status),
        },
        texts.text,
      ),
    act: (action) => void act(action).catch(reportFailure),
    hostChanged: () => undefined,
  });
  const program = stableProgram(app.isPackaged, process.execPath, process.env);
  const bridge: Bridge = new Bridge({
    engine: link,
    keyForEnrolment: () => keychain.forEnrolment(),
    done: (method, params) => unlocking.done(method, params),
    sendProgress: (progress) => tell('progress', progress),
    onDefect,
    handlers: appHandlers({
      file,
      engine: link,
      supervisor,
      server,
      keychain,
      texts,
      updater,
      window: () => window,
      hasTray: () => tray.isThere,
      canStartAtLogin: program !== null,
      settingsChanged,
      quit,
    }),
  });
  const window: AppWindow = new AppWindow({
    places,
    icon: path.join(places.assets, 'icon.png'),
    devTools: !app.isPackaged,
    answer: (raw) => bridge.answer(raw),
    shown: () => {
      notices.seen(link.status);
      tray.update();
    },
    reloaded: () => bridge.abandon(),
    sessionEnds: () => quit(false),
  });
  const relay = new EventRelay((event) => window.send(event.event, event.data));
  link.onEvent((event) => {
    relay.push(event);
    if (event.event === 'activity') recent.add(event.data.rows);
    if (event.event === 'status') statusChanged(event.data);
    tray.update();
  });

  let account: string | null = null;
  function statusChanged(status: Status): void {
    const now = status.account?.device ?? null;
    if (now !== account) {
      recent.clear();
      account = now;
      if (status.account !== null) void server.keepFor(status.account.server).catch(onDefect);
    }
    for (const notice of notices.statusChanged(status)) notifications.show(notice);
    if (window.isFocused) notices.seen(status);
  }

  function tell<E extends AppEventName>(event: E, data: AppEventData<E>): void {
    window.send(event, data);
  }

  function navigate(destination: AppEventData<'navigate'>): void {
    window.show();
    window.send('navigate', destination, true);
  }

  async function act(action: TrayAction): Promise<void> {
    const view = { view: 'status', page: null, issue: null } as const;
    switch (action.do) {
      case 'open':
        window.show();
        return;
      case 'settings':
        navigate({ ...view, view: 'settings' });
        return;
      case 'devices':
        navigate({ ...view, view: 'settings', page: 'devices' });
        return;
      case 'issues':
        navigate({ ...view, issue: link.status?.issues[0]?.id ?? null });
        return;
      case 'open-folder':
      case 'open-file':
        return openPath(link, action.path, false);
      case 'reveal':
        return openPath(link, action.path, true);
      case 'pause':
        await link.call('pause', { untilMs: pauseEnd(action.until, Date.now()) });
        return;
      case 'resume':
        await link.call('resume', {});
        return;
      case 'restart-engine':
        supervisor.restart();
        return;
      case 'install-update':
        quit(true);
        return;
      case 'quit':
        quit(false);
        return;
    }
  }

  /** A menu has no place for an answer: the window shows how things stand. */
  function reportFailure(error: unknown): void {
    if (!(error instanceof PersonError)) onDefect(error);
    window.show();
  }

  async function settingsChanged(settings: AppSettings): Promise<void> {
    nativeTheme.themeSource = settings.theme;
    await texts.speak(languageOf(settings.language, app.getLocale()));
    if (program !== null) setStartAtLogin(program, settings.startAtLogin);
    tell('settings', settings);
    tray.update();
  }

  // The end.
  let isInstalling = false;
  function quit(install: boolean): void {
    isInstalling = install;
    app.quit();
  }
  let hasEnded = false;
  app.on('before-quit', (event) => {
    if (hasEnded) return;
    event.preventDefault();
    if (isQuitting) return;
    isQuitting = true;
    window.letGo();
    void end().then(() => {
      hasEnded = true;
      if (isInstalling) updater.install();
      else app.quit();
    });
  });

  /** The engine first: its last requests still need the server. */
  async function end(): Promise<void> {
    const late = new AbortController();
    const inOrder = supervisor.stop().then(() => server.stop());
    await Promise.race([inOrder.catch(onDefect), sleep(QUITTING_MS, late.signal)]);
    late.abort();
    tray.close();
  }

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => quit(false));
  // After a sleep old connections hang, and the disk may have changed unseen.
  const nudge = (): void => {
    if (link.status !== null) void link.call('nudge', {}).catch(() => undefined); // it looks by itself, later
  };
  powerMonitor.on('resume', nudge);
  powerMonitor.on('unlock-screen', nudge);
  powerMonitor.on('shutdown', () => quit(false));
  app.on('activate', () => window.show());
  if (app.isPackaged) app.setAsDefaultProtocolClient(LINK_SCHEME);
  setApplicationMenu();
  supervisor.start();
  await tray.open();

  let isFirst = true;
  return (args) => {
    const wasFirst = isFirst;
    isFirst = false;
    const destination = linkAmong(args);
    if (destination !== null) navigate(destination);
    else if (!wasFirst || !args.includes(HIDDEN_FLAG)) window.show();
  };
}

function setStartAtLogin(program: string, on: boolean): void {
  if (process.platform === 'linux') setXdgAutostart(process.env, program, on);
  else app.setLoginItemSettings({ openAtLogin: on, path: program, args: [HIDDEN_FLAG] });
}

/** Only macOS shows one, and there the clipboard's keys are in it. */
function setApplicationMenu(): void {
  const isMac = process.platform === 'darwin';
  Menu.setApplicationMenu(
    isMac
      ? Menu.buildFromTemplate([{ role: 'appMenu' }, { role: 'editMenu' }, { role: 'windowMenu' }])
      : null,
  );
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}

function onDefect(error: unknown): void {
  process.stderr.write(
    `coffre app: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
}

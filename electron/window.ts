/** The window: made when it is first shown, hidden when it is closed, and kept from everything it does not need. */
import { BrowserWindow, ipcMain, nativeTheme, protocol, session, type WebContents } from 'electron';
import { APP_EVENT_CHANNEL, APP_REQUEST_CHANNEL } from '../protocol/app-channels.ts';
import type { BridgeAnswer } from '../protocol/app.ts';
import { APP_SCHEME, isOwnAddress, SECURITY_HEADERS, WINDOW_URL, windowFile } from './content-policy.ts';
import type { Places } from './places.ts';

export interface WindowParts {
  readonly places: Places;
  readonly icon: string;
  /** In a package the developer tools are off. */
  readonly devTools: boolean;
  readonly answer: (raw: unknown) => Promise<BridgeAnswer>;
  readonly shown: () => void;
  readonly reloaded: () => void;
  /** Of Windows: the session ends now. */
  readonly sessionEnds: () => void;
}

const REFUSED: BridgeAnswer = {
  error: { code: 'refused', message: 'only the window of the app may ask', hint: '' },
};

/** Before the app is ready. */
export function registerScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: APP_SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ]);
}

export class AppWindow {
  readonly #parts: WindowParts;
  #window: BrowserWindow | null = null;
  #isQuitting = false;
  #isListening = false;
  #queued: { event: string; data: unknown }[] = [];

  constructor(parts: WindowParts) {
    this.#parts = parts;
    serveFiles(parts.places.renderer);
    denyPermissions();
    ipcMain.handle(APP_REQUEST_CHANNEL, async (event, raw: unknown) => {
      const frame = event.senderFrame;
      const isOurs =
        event.sender === this.#window?.webContents &&
        frame === event.sender.mainFrame &&
        isOwnAddress(frame.url);
      if (!isOurs) return REFUSED;
      const answer = await this.#parts.answer(raw);
      this.#listens();
      return answer;
    });
  }

  get native(): BrowserWindow | null {
    return this.#window;
  }

  get isFocused(): boolean {
    return this.#window?.isFocused() ?? false;
  }

  show(): void {
    const window = (this.#window ??= this.#make());
    if (window.isMinimized()) window.restore();
    // The first time it shows itself once it has drawn.
    if (this.#isListening) window.show();
    window.focus();
  }

  /** To the window, if there is one. `mustArrive`: kept until it listens. */
  send(event: string, data: unknown, mustArrive = false): void {
    if (this.#isListening) this.#window?.webContents.send(APP_EVENT_CHANNEL, { event, data });
    else if (mustArrive) this.#queued.push({ event, data });
  }

  /** From now on closing it closes it. */
  letGo(): void {
    this.#isQuitting = true;
  }

  #make(): BrowserWindow {
    const window = new BrowserWindow({
      title: 'Coffre',
      icon: this.#parts.icon,
      width: 1000,
      height: 700,
      minWidth: 480,
      minHeight: 480,
      show: false,
      autoHideMenuBar: true,
      backgroundColor: nativeTheme.shouldUseDarkColors ? '#16181d' : '#ffffff',
      webPreferences: {
        preload: this.#parts.places.preload,
        contextIsolation: true,
        sandbox: true,
        nodeIntegration: false,
        nodeIntegrationInWorker: false,
        nodeIntegrationInSubFrames: false,
        webSecurity: true,
        webviewTag: false,
        // Its dictionaries would come from a server on the Internet.
        spellcheck: false,
        devTools: this.#parts.devTools,
      },
    });
    window.once('ready-to-show', () => window.show());
    window.on('close', (event) => {
      if (this.#isQuitting) return;
      event.preventDefault();
      window.hide();
    });
    window.on('focus', this.#parts.shown);
    window.on('session-end', this.#parts.sessionEnds);
    confine(window.webContents);
    window.webContents.on('did-start-navigation', ({ isMainFrame, isSameDocument }) => {
      if (!isMainFrame || isSameDocument) return;
      this.#isListening = false;
      this.#parts.reloaded();
    });
    // A renderer that crashes is loaded again; the engine never notices.
    window.webContents.on('render-process-gone', () => {
      if (!this.#isQuitting) window.webContents.reload();
    });
    void window.loadURL(WINDOW_URL);
    return window;
  }

  /** What it asked proves that its listeners stand. */
  #listens(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    const queued = this.#queued;
    this.#queued = [];
    // After the answer, so that the window knows where it stands before it is sent elsewhere.
    setTimeout(() => {
      for (const { event, data } of queued) this.send(event, data);
    }, 0);
  }
}

function serveFiles(folder: string): void {
  // `protocol.handle` exists from Electron 25 on.
  protocol.handle(APP_SCHEME, async (request) => {
    const file = request.method === 'GET' ? await windowFile(folder, request.url) : null;
    if (file === null) return new Response(null, { status: 404, headers: { ...SECURITY_HEADERS } });
    const headers = { ...SECURITY_HEADERS, 'content-type': file.type };
    return new Response(file.bytes as Uint8Array<ArrayBuffer>, { headers });
  });
}

function denyPermissions(): void {
  const { defaultSession } = session;
  // Copying text is all that a page of ours asks for.
  const isHarmless = (permission: string, address: string): boolean =>
    permission === 'clipboard-sanitized-write' && isOwnAddress(address);
  defaultSession.setPermissionRequestHandler((_, permission, done, { requestingUrl }) =>
    done(isHarmless(permission, requestingUrl)),
  );
  defaultSession.setPermissionCheckHandler((_, permission, origin) => isHarmless(permission, origin));
  defaultSession.setDevicePermissionHandler(() => false);
  defaultSession.on('will-download', (event) => event.preventDefault());
  // The window has no business on any network: not even a mistake in the policy above lets it out.
  defaultSession.webRequest.onBeforeRequest((details, done) => {
    done({ cancel: !/^(app|devtools|blob|data):/.test(details.url) });
  });
}

function confine(contents: WebContents): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  contents.on('will-navigate', (event) => event.preventDefault());
  contents.on('will-redirect', (event) => event.preventDefault());
  contents.on('will-frame-navigate', (event) => event.preventDefault());
  contents.on('will-attach-webview', (event) => event.preventDefault());
}

/** The window as a person has it, in a real browser: the built pages behind the app's policy, a scripted engine. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import type { AppEventData } from '../../protocol/app.ts';
import { SECURITY_HEADERS, WINDOW_URL, windowFile } from '../../electron/content-policy.ts';
import { makeWorld, type Scenario } from '../fakes/app-bridge/scenarios.ts';
import { ScriptedBridge } from '../fakes/app-bridge/scripted-bridge.ts';
import type { World } from '../fakes/app-bridge/world.ts';

const PAGES = path.resolve(import.meta.dirname, '../../dist/renderer');
export type Place = Pick<AppEventData<'navigate'>, 'view'> & {
  readonly page?: string;
  readonly issue?: number;
};

export interface Opening {
  readonly scenario?: Scenario;
  readonly language?: 'en' | 'fr';
  readonly theme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
  /** 2 shows what 200 % zoom of a window of this size does. */
  readonly zoom?: number;
  readonly reducedMotion?: boolean;
  readonly change?: (world: World) => void;
}

export interface OpenWindow {
  readonly page: Page;
  readonly bridge: ScriptedBridge;
  /** Errors of the console, of the policy, of the page and of the bridge. Tests expect none. */
  problems(): string[];
  goTo(place: Place): Promise<void>;
  close(): Promise<void>;
}

export class WindowBrowser {
  readonly #browser: Browser;
  readonly #server: Server;

  private constructor(browser: Browser, server: Server) {
    this.#browser = browser;
    this.#server = server;
  }

  static async start(): Promise<WindowBrowser> {
    const server = createServer((request, response) => {
      const name = new URL(request.url ?? '/', 'http://window').pathname;
      // A browser asks for it unbidden; the app does not.
      if (name === '/favicon.ico') return void response.writeHead(204).end();
      void windowFile(PAGES, new URL(name === '/' ? '/index.html' : name, WINDOW_URL).href).then((file) => {
        if (file === null) return response.writeHead(404).end();
        response.writeHead(200, { ...SECURITY_HEADERS, 'content-type': file.type });
        return response.end(file.bytes);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      headless: true,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--font-render-hinting=none',
      ],
    });
    return new WindowBrowser(browser, server);
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async open(opening: Opening = {}): Promise<OpenWindow> {
    const { width = 1000, height = 700, zoom = 1, language = 'en' } = opening;
    const context: BrowserContext = await this.#browser.newContext({
      viewport: { width: Math.round(width / zoom), height: Math.round(height / zoom) },
      deviceScaleFactor: zoom,
      colorScheme: opening.theme ?? 'light',
      reducedMotion: (opening.reducedMotion ?? true) ? 'reduce' : 'no-preference',
      locale: language === 'fr' ? 'fr-FR' : 'en-GB',
      timezoneId: 'Europe/Paris',
    });
    const page = await context.newPage();
    const world = makeWorld(opening.scenario ?? 'ordinary');
    world.app = { ...world.app, language, systemLanguage: language };
    opening.change?.(world);
    const bridge = new ScriptedBridge(world);
    const heard: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') heard.push(message.text());
    });
    page.on('pageerror', (error) => heard.push(String(error)));
    page.on('requestfailed', (request) => heard.push(`not loaded: ${request.url()}`));
    await page.clock.setFixedTime(world.nowMs);
    await bridge.attach(page);
    await page.goto(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`);
    await page.locator('#root > *').first().waitFor();
    return {
      page,
      bridge,
      problems: () => [...heard, ...bridge.faults],
      goTo: async (place) => {
        await bridge.tell('navigate', {
          view: place.view,
          page: place.page ?? null,
          issue: place.issue ?? null,
        });
        await settled(page);
      },
      close: () => context.close(),
    };
  }
}

/**
 * After what the window asked for has come and been shown: nothing is asked any more and nothing changed for a
 * few frames. Where an answer never comes, it is enough that nothing changed for long.
 */
export async function settled(page: Page): Promise<void> {
  await page.evaluate(`new Promise((resolve) => {
    let changedMs = performance.now();
    const observer = new MutationObserver(() => { changedMs = performance.now(); });
    observer.observe(document.body, { childList: true, subtree: true, attributes: true, characterData: true });
    const began = changedMs;
    const look = () => {
      const nowMs = performance.now();
      const isQuiet = nowMs - changedMs >= (globalThis.coffreAsked() > 0 ? 150 : 50);
      if (isQuiet || nowMs - began > 3000) { observer.disconnect(); resolve(); }
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  })`);
}

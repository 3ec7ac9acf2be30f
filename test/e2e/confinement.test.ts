/** What the window could do if it ran somebody else's script: nothing that the person could not undo by closing it. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AppBridge, BridgeRequest } from '../../protocol/app.ts';
import { Desktop } from '../desktop/session.ts';
import { App, askWindow } from './app.ts';

describe('the window with a hostile script in it', () => {
  const place = mkdtempSync(join(tmpdir(), 'coffre-confined-'));
  const seen: string[] = [];
  let outside: Server;
  let address: string;
  let desktop: Desktop;
  let app: App;
  let page: Page;

  beforeAll(async () => {
    outside = createServer((request, response) => {
      seen.push(request.url ?? '');
      response.writeHead(200, { 'access-control-allow-origin': '*', 'content-type': 'text/html' });
      response.end('<script>document.title = "elsewhere"</script>');
    });
    await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(outside.address() as AddressInfo).port}`;
    desktop = await Desktop.begin({ keyring: false });
    mkdirSync(join(place, 'home'));
    app = await App.start(desktop, { home: join(place, 'home') });
    page = await app.window();
    // The app answers, so the page has loaded.
    await app.app('app.info');
  });
  afterAll(async () => {
    await app.kill();
    await desktop.end();
    await new Promise((resolve) => outside.close(resolve));
    rmSync(place, { recursive: true, force: true, maxRetries: 3 });
  });

  it('is sandboxed, isolated and without Node', async () => {
    const settings = await app.electron.evaluate(({ BrowserWindow }) => {
      const [window] = BrowserWindow.getAllWindows();
      const contents = window?.webContents as unknown as { getLastWebPreferences(): Record<string, unknown> };
      return contents.getLastWebPreferences();
    });
    expect(settings).toMatchObject({
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      webviewTag: false,
    });
    const reach = await page.evaluate(() => ({
      names: ['require', 'process', 'module', 'Buffer', 'global', 'ipcRenderer', 'electron'].filter(
        (name) => name in globalThis,
      ),
      bridge: Object.keys((globalThis as unknown as { readonly coffre: AppBridge }).coffre).sort(),
    }));
    expect(reach).toMatchObject({ names: [], bridge: ['onEvent', 'request'] });
  });

  it('has a policy that begins with nothing, and no script of its own making runs', async () => {
    const policy = await page.evaluate(async () => {
      const answer = await fetch(location.href);
      return answer.headers.get('content-security-policy') ?? '';
    });
    expect(policy).toMatch(/^default-src 'none'; /);
    expect(policy).not.toMatch(/unsafe-eval|script-src[^;]*unsafe-inline|https?:|\*/);
    const ran = await page.evaluate(async () => {
      const marks = globalThis as unknown as Record<string, unknown>;
      const refusals = new Set<string>();
      const bothRefused = new Promise<void>((resolve) => {
        document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
          refusals.add(effectiveDirective);
          if (refusals.has('script-src-elem') && refusals.has('script-src-attr')) resolve();
        });
      });
      const inline = document.createElement('script');
      inline.textContent = 'globalThis.inlineRan = true';
      document.body.append(inline);
      const image = document.createElement('div');
      image.innerHTML = '<img src="x" onerror="globalThis.handlerRan = true">';
      document.body.append(image);
      // In a later turn: what the debugger calls directly is exempt from the policy.
      const evaluated = await new Promise((resolve) => {
        setTimeout(() => {
          try {
            resolve(globalThis.eval('"ran"'));
          } catch (error) {
            resolve((error as Error).name);
          }
        }, 0);
      });
      await bothRefused;
      return { evaluated, inline: marks['inlineRan'], handler: marks['handlerRan'] };
    });
    expect(ran).toEqual({ evaluated: 'EvalError', inline: undefined, handler: undefined });
  });

  it('reads no file and reaches no other origin', async () => {
    const blocked = await page.evaluate(async (other) => {
      const wanted = ['fetch', 'beacon', 'socket', 'image', 'script', 'style'];
      const named = new Map<string, string>();
      const all = new Promise<void>((resolve) => {
        document.addEventListener('securitypolicyviolation', ({ blockedURI, effectiveDirective }) => {
          const name = wanted.find((one) => blockedURI.endsWith(`/${one}`));
          if (name !== undefined) named.set(name, effectiveDirective);
          if (named.size === wanted.length) resolve();
        });
      });
      fetch(`${other}/fetch`).catch(() => undefined);
      navigator.sendBeacon(`${other}/beacon`, 'x');
      try {
        new WebSocket(`${other.replace('http', 'ws')}/socket`);
      } catch {
        // Refused at once, which is announced as well.
      }
      const image = document.createElement('img');
      image.src = `${other}/image`;
      const script = document.createElement('script');
      script.src = `${other}/script`;
      const style = document.createElement('link');
      style.rel = 'stylesheet';
      style.href = `${other}/style`;
      document.body.append(image, script, style);
      await all;
      return Object.fromEntries(named);
    }, address);
    expect(blocked).toEqual({
      fetch: 'connect-src',
      beacon: 'connect-src',
      socket: 'connect-src',
      image: 'img-src',
      script: 'script-src-elem',
      style: 'style-src-elem',
    });
    const files = await page.evaluate(async () => ({
      file: await fetch('file:///etc/passwd').then(
        () => 'reached',
        () => 'refused',
      ),
      above: (await fetch('/../main.cjs')).status,
      encoded: (await fetch('/%2e%2e/electron/main.cjs')).status,
    }));
    expect(files).toEqual({ file: 'refused', above: 404, encoded: 404 });
    expect(seen).toEqual([]);
  });

  it('leads nowhere else and opens no other window', async () => {
    const before = page.url();
    const opened = await page.evaluate((other) => {
      const frame = document.createElement('iframe');
      frame.src = `${other}/frame`;
      document.body.append(frame);
      const link = document.createElement('a');
      link.href = `${other}/link`;
      link.target = '_blank';
      document.body.append(link);
      link.click();
      const form = document.createElement('form');
      form.action = `${other}/form`;
      document.body.append(form);
      form.submit();
      return window.open(`${other}/open`) === null && window.open('file:///etc/passwd') === null;
    }, address);
    expect(opened).toBe(true);
    for (const target of [
      `${address}/away`,
      'file:///etc/passwd',
      'data:text/html,hello',
      'javascript:void(0)',
    ]) {
      await page.evaluate((to) => void (location.href = to), target);
    }
    // Still the same page, which still has its bridge.
    await app.app('app.info');
    expect(page.url()).toBe(before);
    expect(app.electron.windows()).toHaveLength(1);
    expect(seen).toEqual([]);
  });

  it('is answered nothing but the listed methods with parameters of their form', async () => {
    let request = 1;
    const refused = async (to: string, method: unknown, params: unknown): Promise<string> => {
      // What the types would not let through is the point.
      const asked = { to, request: request++, method, params } as unknown as BridgeRequest;
      const answer = (await askWindow(page, asked)) as { error?: { code: string } };
      return answer.error?.code ?? 'answered';
    };
    for (const [to, method, params] of [
      ['app', 'shell.openExternal', { url: 'https://example.org' }],
      ['app', 'constructor', {}],
      ['app', '__proto__', {}],
      ['app', 'toString', {}],
      ['engine', 'hasOwnProperty', {}],
      ['engine', 'hello', { version: 1 }],
      ['engine', 'subscribe', { events: ['status'] }],
      ['engine', 'stop', {}],
      ['elsewhere', 'app.info', {}],
      ['app', 'link.open', { link: 'https://example.org' }],
      ['app', 'path.open', { path: 7 }],
      ['app', 'app.settings', { theme: 'url(http://example.org)' }],
      ['app', 7, {}],
    ] as const) {
      expect(await refused(to, method, params), `${to} ${String(method)}`).toBe('bad-input');
    }
    expect(await refused('app', 'path.open', { path: '/etc/passwd', reveal: false })).not.toBe('answered');
  });

  it('is given no camera, microphone, place or notification', async () => {
    const given = await page.evaluate(async () => ({
      media: await navigator.mediaDevices.getUserMedia({ audio: true, video: true }).then(
        () => 'given',
        () => 'refused',
      ),
      notification: await Notification.requestPermission(),
      place: await new Promise((resolve) =>
        navigator.geolocation.getCurrentPosition(
          () => resolve('given'),
          () => resolve('refused'),
        ),
      ),
    }));
    expect(given).toEqual({ media: 'refused', notification: 'denied', place: 'refused' });
  });
});

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isOwnAddress, SECURITY_HEADERS, WINDOW_URL, windowFile } from './content-policy.ts';

let folder: string;
beforeEach(() => {
  const place = mkdtempSync(path.join(tmpdir(), 'coffre-window-'));
  folder = path.join(place, 'renderer');
  mkdirSync(path.join(folder, 'assets'), { recursive: true });
  writeFileSync(path.join(folder, 'index.html'), '<p>hi');
  writeFileSync(path.join(folder, 'assets', 'a.js'), '1');
  writeFileSync(path.join(place, 'secret.js'), 'secret');
  symlinkSync(path.join(place, 'secret.js'), path.join(folder, 'link.js'));
});
afterEach(() => rmSync(path.dirname(folder), { recursive: true }));

describe('what the window is given', () => {
  it('is a file of its own, with its type', async () => {
    expect((await windowFile(folder, WINDOW_URL))?.type).toContain('text/html');
    expect((await windowFile(folder, 'app://coffre/assets/a.js?v=1#x'))?.type).toContain('javascript');
  });

  it.each([
    'app://coffre/../secret.js',
    'app://coffre/%2e%2e/secret.js',
    'app://coffre/..%2fsecret.js',
    'app://coffre/..%5csecret.js',
    'app://coffre/link.js',
    'app://coffre/',
    'app://coffre/nothing.js',
    'app://other/index.html',
    'file:///etc/passwd',
    'app://coffre/%',
    'app://coffre/a%00.js',
  ])('is never %s', async (address) => {
    expect(await windowFile(folder, address)).toBeNull();
  });

  it('knows its own address from look-alikes', () => {
    expect(isOwnAddress('app://coffre/index.html#/status')).toBe(true);
    for (const other of [
      'app://coffre.evil/',
      'https://coffre/',
      'app://',
      'about:blank',
      'data:text/html,x',
      '',
    ]) {
      expect(isOwnAddress(other), other).toBe(false);
    }
  });

  it('allows no script but its own, no frame, no form, no other origin', () => {
    const policy = SECURITY_HEADERS['content-security-policy']!;
    expect(policy.startsWith("default-src 'none'")).toBe(true);
    const script = /script-src ([^;]*)/.exec(policy)![1];
    expect(script).toBe("'self'");
    expect(policy).not.toMatch(/https?:|\*|unsafe-eval/);
    expect(policy).toMatch(/frame-ancestors 'none'.*|form-action 'none'/);
    expect(policy).toContain("base-uri 'none'");
  });
});

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppFile } from './app-file.ts';

let home: string;
beforeEach(() => void (home = mkdtempSync(path.join(tmpdir(), 'coffre-appfile-'))));
afterEach(() => rmSync(home, { recursive: true }));

describe("the app's own file", () => {
  it('keeps settings and the sealed key over starts, for the owner alone', () => {
    const file = AppFile.open(path.join(home, 'new'));
    expect(file.settings).toMatchObject({ language: 'system', notifications: true });
    file.change({ language: 'fr', theme: undefined });
    file.keepUnlockKey({ backend: 'gnome_libsecret', sealed: 'AA==' });
    const again = AppFile.open(path.join(home, 'new'));
    expect(again.settings).toMatchObject({ language: 'fr', theme: 'system' });
    expect(again.unlockKey?.sealed).toBe('AA==');
    expect(statSync(path.join(home, 'new', 'app.json')).mode & 0o777).toBe(0o600);
  });

  it('sets aside what it cannot read, because a key may be in it', () => {
    writeFileSync(path.join(home, 'app.json'), '{"version":1,"settings":{"language":"kl"}');
    AppFile.open(home).change({ theme: 'dark' });
    const aside = readdirSync(home).find((name) => name.startsWith('app.json.damaged'))!;
    expect(readFileSync(path.join(home, aside), 'utf8')).toContain('kl');
    expect(AppFile.open(home).settings.theme).toBe('dark');
  });
});

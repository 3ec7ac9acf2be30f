import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { autostartFile, execLine, setXdgAutostart, stableProgram } from './autostart.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(path.join(tmpdir(), 'coffre-autostart-'))));
afterEach(() => rmSync(folder, { recursive: true }));

describe('starting with the session', () => {
  it('writes and removes the autostart file', () => {
    const env = { XDG_CONFIG_HOME: folder };
    setXdgAutostart(env, '/opt/Coffre/coffre', true);
    const text = readFileSync(autostartFile(env), 'utf8');
    expect(text).toContain('\nExec=/opt/Coffre/coffre --hidden\n');
    setXdgAutostart(env, '/opt/Coffre/coffre', false);
    expect(existsSync(autostartFile(env))).toBe(false);
    setXdgAutostart(env, '/opt/Coffre/coffre', false);
  });

  it('quotes as the Desktop Entry Specification asks', () => {
    expect(execLine('/home/a b/co"ffre', ['--hidden'])).toBe('"/home/a b/co\\\\"ffre" --hidden');
    expect(execLine('/opt/100%/$x', [])).toBe('"/opt/100%%/\\\\$x"');
  });

  it('is offered only where the program will be found again', () => {
    expect(stableProgram(false, '/x/electron', {})).toBeNull();
    expect(stableProgram(true, '/opt/Coffre/coffre', {})).toBe('/opt/Coffre/coffre');
    expect(stableProgram(true, '/tmp/.mount_x/coffre', { APPIMAGE: '/a/Coffre.AppImage' })).toBe(
      '/a/Coffre.AppImage',
    );
  });
});

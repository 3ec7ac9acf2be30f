/** Starting with the session: an XDG autostart file on Linux; elsewhere Electron's login item. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** Started so, the app shows no window. */
export const HIDDEN_FLAG = '--hidden';

export function autostartFile(env: NodeJS.ProcessEnv): string {
  const config = env['XDG_CONFIG_HOME'];
  const base = config !== undefined && path.isAbsolute(config) ? config : path.join(homedir(), '.config');
  return path.join(base, 'autostart', 'coffre.desktop');
}

/** Quoting of the Desktop Entry Specification: quotes for the argument, backslashes for the string, %% for %. */
export function execLine(program: string, args: readonly string[]): string {
  const quoted = [program, ...args].map((part) =>
    /^[\w@+=:,./-]+$/.test(part) ? part : `"${part.replace(/["`$\\]/g, '\\$&')}"`,
  );
  return quoted.join(' ').replaceAll('\\', '\\\\').replaceAll('%', '%%');
}

function autostartText(program: string): string {
  return [
    '[Desktop Entry]',
    'Type=Application',
    'Name=Coffre',
    'Comment=End-to-end encrypted file sync',
    'Comment[fr]=Synchronisation de fichiers chiffrée de bout en bout',
    `Exec=${execLine(program, [HIDDEN_FLAG])}`,
    'Icon=coffre',
    'Terminal=false',
    'X-GNOME-Autostart-enabled=true',
    '',
  ].join('\n');
}

export function setXdgAutostart(env: NodeJS.ProcessEnv, program: string, on: boolean): void {
  const file = autostartFile(env);
  if (!on) {
    rmSync(file, { force: true });
    return;
  }
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, autostartText(program), { mode: 0o644 });
}

/** The program to start next time: an AppImage is mounted at another place each time and names itself. */
export function stableProgram(isPackaged: boolean, execPath: string, env: NodeJS.ProcessEnv): string | null {
  if (!isPackaged) return null;
  const image = env['APPIMAGE'];
  return image !== undefined && image !== '' ? image : execPath;
}

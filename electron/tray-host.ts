/** Whether this desktop shows tray icons. On Linux that is a program of its own, which may come late or never. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const WATCHER = 'org.kde.StatusNotifierWatcher';
const run = promisify(execFile);
const PATIENCE_MS = 3000;

const QUESTIONS: readonly (readonly [string, readonly string[]])[] = [
  [
    'gdbus',
    [
      ...['call', '--session', '--dest', 'org.freedesktop.DBus', '--object-path', '/org/freedesktop/DBus'],
      ...['--method', 'org.freedesktop.DBus.NameHasOwner', WATCHER],
    ],
  ],
  [
    'dbus-send',
    [
      ...['--session', '--print-reply', '--dest=org.freedesktop.DBus', '/org/freedesktop/DBus'],
      ...['org.freedesktop.DBus.NameHasOwner', `string:${WATCHER}`],
    ],
  ],
];

/** @param ask runs a program and resolves to what it says; rejects when there is no such program or it fails */
export async function hasTrayHost(
  platform: NodeJS.Platform = process.platform,
  ask: (program: string, args: readonly string[]) => Promise<string> = asked,
): Promise<boolean> {
  if (platform !== 'linux') return true;
  for (const [program, args] of QUESTIONS) {
    try {
      return /\btrue\b/.test(await ask(program, args));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return false; // no session bus
    }
  }
  // Neither program is there to ask with. Most desktops have a host.
  return true;
}

async function asked(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(program, [...args], { timeout: PATIENCE_MS });
  return stdout;
}

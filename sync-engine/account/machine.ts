/**
 * Where a home was made. Two engines with one device's keys would sign two histories, so a home that turns up on
 * another machine, or as another folder than it was (a copy, a restored backup), is not used: its device keys
 * may be at work elsewhere. The mark is a hash; it leaves this machine with the home only.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';

export interface MachineMark {
  /** Hash of the operating system's id of this installation; null when it has none. */
  readonly machine: string | null;
  /** Inode of the home folder, in decimal. */
  readonly folder: string;
}

const run = promisify(execFile);

export async function markOf(home: string, readId = readMachineId): Promise<MachineMark> {
  const id = await readId();
  const machine = id === null ? null : createHash('sha256').update(`coffre/machine\0${id}`).digest('hex');
  return { machine, folder: String((await stat(home, { bigint: true })).ino) };
}

/** What either side does not know says nothing. */
export function isSameMachine(made: MachineMark, now: MachineMark): boolean {
  const sameMachine = made.machine === null || now.machine === null || made.machine === now.machine;
  return sameMachine && made.folder === now.folder;
}

async function readMachineId(): Promise<string | null> {
  try {
    switch (process.platform) {
      case 'darwin':
        return (
          /"IOPlatformUUID" = "([^"]+)"/.exec(
            await output('ioreg', ['-rd1', '-c', 'IOPlatformExpertDevice']),
          )?.[1] ?? null
        );
      case 'win32': {
        const key = 'HKLM\\SOFTWARE\\Microsoft\\Cryptography';
        return (
          /MachineGuid\s+REG_SZ\s+(\S+)/.exec(
            await output('reg', ['query', key, '/v', 'MachineGuid']),
          )?.[1] ?? null
        );
      }
      default: {
        const id = (await readFile('/etc/machine-id', 'utf8')).trim();
        return id === '' ? null : id;
      }
    }
  } catch {
    return null; // a container without one, a locked-down system: the folder alone must do
  }
}

async function output(program: string, args: string[]): Promise<string> {
  return (await run(program, args, { timeout: 5000, windowsHide: true })).stdout;
}

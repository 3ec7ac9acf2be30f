/**
 * Where the engine of a home listens, and who may: a unix socket (0600) in a folder of its owner alone (0700),
 * or on Windows a named pipe behind a token file. Both ends check, so that neither a password nor an answer goes
 * to somebody else's socket. Never a TCP port: a page in a browser could reach it.
 */
import { createHash } from 'node:crypto';
import { lstat, mkdir } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { PersonError } from './errors.ts';

export interface ControlEndpoint {
  /** Holds the socket or the token, and what the engine last wrote to stderr. */
  readonly folder: string;
  /** What to connect to. */
  readonly address: string;
  /** Windows only: 256 random bits in hex that `hello` must carry. */
  readonly tokenFile: string | null;
  /** The engine's stderr when a client started it. */
  readonly errorFile: string;
}

/** sun_path holds 104 bytes on macOS and 108 on Linux, the closing zero included. */
const MAX_SOCKET_PATH_BYTES = 103;

/** `COFFRE_HOME`, or the place of the platform for application data. */
export function homeFolder(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): string {
  const chosen = env['COFFRE_HOME'];
  if (chosen !== undefined && chosen !== '') return path.resolve(chosen);
  if (platform === 'darwin') return path.join(homedir(), 'Library', 'Application Support', 'Coffre');
  if (platform === 'win32')
    return path.join(env['LOCALAPPDATA'] ?? path.join(homedir(), 'AppData', 'Local'), 'Coffre');
  const data = env['XDG_DATA_HOME'];
  // The XDG rules have relative values ignored.
  const base = data !== undefined && path.isAbsolute(data) ? data : path.join(homedir(), '.local', 'share');
  return path.join(base, 'coffre');
}

export function controlEndpoint(home: string, platform: NodeJS.Platform = process.platform): ControlEndpoint {
  const name = createHash('sha256').update(home).digest('hex').slice(0, 16);
  if (platform === 'win32') {
    const folder = path.join(home, 'run');
    return {
      folder,
      address: `\\\\.\\pipe\\coffre-${name}`,
      tokenFile: path.join(folder, 'control.token'),
      errorFile: path.join(folder, 'engine.err'),
    };
  }
  let folder = path.join(home, 'run');
  if (Buffer.byteLength(path.join(folder, 'control.sock')) > MAX_SOCKET_PATH_BYTES) {
    folder = path.join(tmpdir(), `coffre-${process.getuid?.() ?? 0}-${name}`);
  }
  return {
    folder,
    address: path.join(folder, 'control.sock'),
    tokenFile: null,
    errorFile: path.join(folder, 'engine.err'),
  };
}

/** Makes the folder (0700) when it is not there, and checks it. @throws PersonError('home-damaged') */
export async function makePrivateFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await checkPrivateFolder(folder);
}

/**
 * A real folder, mine, that nobody else may enter. On Windows the profile's own rights say so.
 * @throws PersonError('home-damaged'), and ENOENT as it comes
 */
export async function checkPrivateFolder(folder: string): Promise<void> {
  const found = await lstat(folder);
  const refuse = (why: string): never => {
    throw new PersonError(
      'home-damaged',
      `the folder of the control socket cannot be trusted: ${why}`,
      `Make ${folder} a folder of your own that only you may enter (mode 0700), or remove it.`,
    );
  };
  if (!found.isDirectory()) refuse('it is not a folder');
  if (process.platform === 'win32') return;
  if (found.uid !== process.getuid?.()) refuse('it belongs to somebody else');
  if ((found.mode & 0o077) !== 0) refuse('others may enter it');
}

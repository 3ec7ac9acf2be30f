/** Opens the socket of a home so that only its owner can reach it. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, unlink, writeFile } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';
import { makePrivateFolder, type ControlEndpoint } from '../../protocol/control-endpoint.ts';
import { PersonError } from '../../protocol/errors.ts';

/**
 * Returns the token that `hello` must carry, null where the file system guards the socket. The caller holds the
 * home's lock: a socket that nobody answers is a leftover. @throws PersonError('engine-running', 'home-damaged')
 */
export async function listenPrivately(server: Server, endpoint: ControlEndpoint): Promise<string | null> {
  await makePrivateFolder(endpoint.folder);
  const token = endpoint.tokenFile === null ? null : await writeToken(endpoint.tokenFile);
  if (token === null) await removeLeftover(endpoint.address);
  try {
    server.listen(endpoint.address);
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw engineRunning();
    throw error;
  }
  // Until here the folder alone keeps others out; the mode is the second door.
  if (token === null) await chmod(endpoint.address, 0o600);
  return token;
}

function engineRunning(): PersonError {
  return new PersonError('engine-running', 'an engine runs on this home already', 'Run coffre stop first.');
}

async function removeLeftover(address: string): Promise<void> {
  const socket = connect(address);
  try {
    await once(socket, 'connect');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    // Anything else that cannot be spoken to (a file, a symlink to nowhere) is removed, never followed.
    await unlink(address);
    return;
  } finally {
    socket.destroy();
  }
  throw engineRunning();
}

async function writeToken(tokenFile: string): Promise<string> {
  const token = randomBytes(32).toString('hex');
  await writeFile(tokenFile, '', { mode: 0o600 });
  // Rights first, secret second: no moment at which somebody else could read it.
  await promisify(execFile)('icacls', [tokenFile, '/inheritance:r', '/grant:r', `${userInfo().username}:F`]);
  await writeFile(tokenFile, token);
  return token;
}

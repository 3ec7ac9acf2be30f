/**
 * Blobs as files: `blobs/ACCOUNT/VAULT/xx/NAME`, written to `incoming/` and renamed once whole and flushed,
 * so a name that exists has all its bytes, also after a loss of power.
 */
import { createHash, randomUUID } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { access, mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { isId16, isId32, type AccountId, type PackName, type VaultId } from '../../../protocol/ids.ts';
import { flushFolder } from '../../data-dir.ts';
import { BlobStoreUnavailable, type BlobName, type BlobStore, type ListedBlob } from '../blob-store.ts';

const UNAVAILABLE = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EMFILE', 'ENFILE', 'EACCES', 'EPERM']);

/** Gathered before each write: a body comes in pieces of 64 KiB at most, and each write is a trip to a thread. */
const WRITE_BYTES = 1024 * 1024;

export interface FileBlobs extends BlobStore {
  readonly pathOf: (name: BlobName) => string;
}

/** `exclusive`: the caller holds the data directory, so what is half received in it belongs to nobody. */
export async function openFileBlobs(dataDir: string, exclusive: boolean): Promise<FileBlobs> {
  const root = join(dataDir, 'blobs');
  const incoming = join(dataDir, 'incoming');
  if (exclusive) await rm(incoming, { recursive: true, force: true });
  await mkdir(incoming, { recursive: true, mode: 0o700 });
  await mkdir(root, { recursive: true, mode: 0o700 });
  const folders = new Set<string>();
  const pathOf = ({ account, vault, pack }: BlobName): string =>
    join(root, account, vault, pack.slice(0, 2), pack);

  const makeFolder = async (folder: string): Promise<void> => {
    if (folders.has(folder)) return;
    const first = await mkdir(folder, { recursive: true, mode: 0o700 });
    if (first !== undefined) {
      for (let made = folder; made.length >= dirname(first).length; made = dirname(made))
        await flushFolder(made);
    }
    if (folders.size > 10_000) folders.clear();
    folders.add(folder);
  };

  return {
    direct: null,
    pathOf,
    async put(name, size, body) {
      const temporary = join(incoming, randomUUID());
      try {
        const whole = await receive(temporary, size, body, name.pack);
        if (!whole) {
          await rm(temporary, { force: true });
          return 'mismatch';
        }
        const path = pathOf(name);
        await makeFolder(dirname(path));
        try {
          await rename(temporary, path);
        } catch (error) {
          if (errorCode(error) !== 'ENOENT') throw error;
          folders.delete(dirname(path)); // removed with its account, or by hand
          await makeFolder(dirname(path));
          await rename(temporary, path);
        }
        await flushFolder(dirname(path));
        return 'stored';
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => undefined);
        throw asUnavailable(error);
      }
    },
    async get(name, start, end) {
      if (end <= start) return Readable.from([]);
      let file;
      try {
        file = await open(pathOf(name), 'r');
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return null;
        throw asUnavailable(error);
      }
      return file.createReadStream({ start, end: end - 1, highWaterMark: 256 * 1024 });
    },
    async verify(name, size) {
      try {
        const path = pathOf(name);
        if ((await stat(path)).size !== size) return 'damaged';
        const hash = createHash('sha256');
        for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }))
          hash.update(chunk as Buffer);
        return hash.digest('hex') === name.pack ? 'sound' : 'damaged';
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return 'missing';
        if (errorCode(error) === 'EIO') return 'damaged';
        throw asUnavailable(error);
      }
    },
    async reachable() {
      try {
        await access(root, constants.W_OK);
      } catch (cause) {
        throw new BlobStoreUnavailable('the folder of the packs cannot be written to', { cause });
      }
    },
    async remove(name) {
      await rm(pathOf(name), { force: true });
    },
    async removeAccount(account) {
      await rm(join(root, account), { recursive: true, force: true });
    },
    async list(cursor) {
      const vault = await nextVault(root, cursor);
      if (vault === null) return { blobs: [], next: null };
      return { blobs: await blobsOf(join(root, vault), vault), next: vault };
    },
  };
}

/** The first `ACCOUNT/VAULT` after another, by their names. */
async function nextVault(root: string, after: string | null): Promise<string | null> {
  const from = after?.slice(0, after.indexOf('/')) ?? '';
  for (const account of await namesIn(root)) {
    if (!isId16(account) || account < from) continue;
    for (const vault of await namesIn(join(root, account))) {
      const path = `${account}/${vault}`;
      if (isId16(vault) && (after === null || path > after)) return path;
    }
  }
  return null;
}

async function blobsOf(folder: string, path: string): Promise<ListedBlob[]> {
  const [account, vault] = path.split('/') as [AccountId, VaultId];
  const blobs: ListedBlob[] = [];
  for (const group of await namesIn(folder)) {
    for (const pack of await namesIn(join(folder, group))) {
      const file = isId32(pack) ? await statOrNull(join(folder, group, pack)) : null;
      if (file === null) continue;
      const name = { account, vault, pack: pack as PackName };
      blobs.push({ name, size: file.size, modifiedMs: Math.floor(file.mtimeMs) });
    }
  }
  return blobs;
}

/** Sorted; none of what is gone meanwhile, or is no folder. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error))) return [];
    throw asUnavailable(error);
  }
}

async function statOrNull(path: string): Promise<{ size: number; mtimeMs: number } | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw asUnavailable(error);
  }
}

/** Writes the body to a file and flushes it. False when its length or hash is another. */
async function receive(
  path: string,
  size: number,
  body: AsyncIterable<Uint8Array>,
  expectedHash: string,
): Promise<boolean> {
  const file = await open(path, 'wx', 0o600);
  try {
    const hash = createHash('sha256');
    let received = 0;
    let held: Uint8Array[] = [];
    let heldBytes = 0;
    for await (const chunk of body) {
      received += chunk.length;
      if (received > size) return false;
      hash.update(chunk);
      held.push(chunk);
      heldBytes += chunk.length;
      if (heldBytes < WRITE_BYTES) continue;
      await writeAll(file, held);
      held.forEach(release);
      held = [];
      heldBytes = 0;
    }
    await writeAll(file, held);
    held.forEach(release);
    if (received !== size || hash.digest('hex') !== expectedHash) return false;
    await file.datasync();
    return true;
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
  if (pieces.length === 0) return;
  const { bytesWritten } = await file.writev([...pieces]);
  const whole = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (bytesWritten < whole) await file.writeFile(Buffer.concat(pieces).subarray(bytesWritten));
}

/**
 * Frees a piece now. As garbage a few hundred of them would wait for a collection, and lie scattered in the heap of
 * the C library, which gives back only what is free at its end. What shares its memory with others is left alone.
 */
function release({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function asUnavailable(error: unknown): unknown {
  if (!UNAVAILABLE.has(errorCode(error))) return error;
  return new BlobStoreUnavailable('the disk is full or failing', { cause: error });
}

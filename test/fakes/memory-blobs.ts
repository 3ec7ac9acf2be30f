/** The bytes of packs in memory, by the rules of the real blob stores. */
import { Readable } from 'node:stream';
import type { BlobName, BlobStore, ListedBlob } from '../../cloud/store/blob-store.ts';
import type { AccountId, PackName, VaultId } from '../../protocol/ids.ts';
import { hashOf } from '../../protocol/signing.ts';

const keyOf = ({ account, vault, pack }: BlobName): string => `${account}/${vault}/${pack}`;

export class MemoryBlobs implements BlobStore {
  readonly direct = null;
  readonly #blobs = new Map<string, Buffer>();

  async put(
    name: BlobName,
    size: number,
    body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<'stored' | 'mismatch'> {
    const pieces: Uint8Array[] = [];
    for await (const piece of body) pieces.push(Uint8Array.from(piece));
    const bytes = Buffer.concat(pieces);
    if (bytes.length !== size || (hashOf(bytes) as string) !== name.pack) return 'mismatch';
    this.#blobs.set(keyOf(name), bytes);
    return 'stored';
  }

  /** Bytes [start, end), a copy; null when the blob is not there. */
  read(name: BlobName, start: number, end: number): Uint8Array | null {
    const bytes = this.#blobs.get(keyOf(name));
    return bytes === undefined ? null : Uint8Array.from(bytes.subarray(start, end));
  }

  async get(name: BlobName, start: number, end: number): Promise<Readable | null> {
    const bytes = this.read(name, start, end);
    return bytes === null ? null : Readable.from([Buffer.from(bytes)]);
  }

  async verify(name: BlobName, size: number): Promise<'sound' | 'damaged' | 'missing'> {
    const bytes = this.#blobs.get(keyOf(name));
    if (bytes === undefined) return 'missing';
    return bytes.length === size && (hashOf(bytes) as string) === name.pack ? 'sound' : 'damaged';
  }

  async reachable(): Promise<void> {
    await Promise.resolve();
  }

  async remove(name: BlobName): Promise<void> {
    this.#blobs.delete(keyOf(name));
  }

  async removeAccount(account: AccountId): Promise<void> {
    for (const key of this.#blobs.keys()) if (key.startsWith(`${account}/`)) this.#blobs.delete(key);
  }

  async list(): Promise<{ readonly blobs: readonly ListedBlob[]; readonly next: null }> {
    const blobs = [...this.#blobs].map(([key, { length }]) => {
      const [account, vault, pack] = key.split('/') as [AccountId, VaultId, PackName];
      return { name: { account, vault, pack }, size: length, modifiedMs: 0 };
    });
    return { blobs, next: null };
  }

  /** For tests of damage: what is stored under a name from now on. */
  replace(name: BlobName, bytes: Uint8Array): void {
    this.#blobs.set(keyOf(name), Buffer.from(bytes));
  }

  get size(): number {
    return this.#blobs.size;
  }
}

/**
 * The bytes of packs, as a port: write-once blobs named by account, vault and pack. `store/acceptance.ts` is
 * the suite each implementation passes. A disk that refuses throws `BlobStoreUnavailable`.
 */
import type { Readable } from 'node:stream';
import type { AccountId, PackName, VaultId } from '../../protocol/ids.ts';

export interface BlobName {
  readonly account: AccountId;
  readonly vault: VaultId;
  readonly pack: PackName;
}

/** `mismatch`: the bytes are not `size` long or do not hash to the name; nothing is kept. */
type PutBlobOutcome = 'stored' | 'mismatch';

/** The disk is full or failing. */
export class BlobStoreUnavailable extends Error {
  override readonly name = 'BlobStoreUnavailable';
}

export interface BlobStore {
  /**
   * Streams bytes in, hashing on the way; durable once `stored`. A failing or too long body leaves nothing. The
   * pieces of the body are given away: their memory may be gone afterwards.
   * @throws what the body throws, BlobStoreUnavailable
   */
  put(name: BlobName, size: number, body: AsyncIterable<Uint8Array>): Promise<PutBlobOutcome>;
  /** Bytes [start, end); null when the blob is not there. */
  get(name: BlobName, start: number, end: number): Promise<Readable | null>;
  /** Reads the whole blob: `missing`, `damaged` (size or hash differ) or `sound`. */
  verify(name: BlobName, size: number): Promise<'sound' | 'damaged' | 'missing'>;
  /** Removing what is not there is fine. */
  remove(name: BlobName): Promise<void>;
  removeAccount(account: AccountId): Promise<void>;
}

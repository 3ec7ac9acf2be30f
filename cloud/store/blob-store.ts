/**
 * The bytes of packs, as a port: write-once blobs named by account, vault and pack. `store/blob-acceptance.ts` is
 * the suite each implementation passes. What keeps the blobs and refuses throws `BlobStoreUnavailable`.
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

/** A blob that is there, and since when by the store's own clock. */
export interface ListedBlob {
  readonly name: BlobName;
  readonly size: number;
  readonly modifiedMs: number;
}

/** What keeps the blobs is full, failing or out of reach. */
export class BlobStoreUnavailable extends Error {
  override readonly name = 'BlobStoreUnavailable';
}

/** Addresses that a device may use by itself, for some minutes and for one blob each. */
export interface DirectAccess {
  /**
   * Takes, by PUT, the bytes of that name and size and no others; sent with `x-amz-content-sha256`, which is the
   * pack's name, and `if-none-match: *`.
   */
  uploadUrl(name: BlobName, size: number): Promise<string>;
  /** Gives, by GET, the bytes or a range of them. */
  readUrl(name: BlobName): Promise<string>;
  /** Null when the blob is not there. */
  sizeOf(name: BlobName): Promise<number | null>;
}

export interface BlobStore {
  /** Null where bytes pass through this server alone. */
  readonly direct: DirectAccess | null;
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
  /** Whether it answers at all. @throws BlobStoreUnavailable */
  reachable(): Promise<void>;
  /** Removing what is not there is fine. */
  remove(name: BlobName): Promise<void>;
  removeAccount(account: AccountId): Promise<void>;
  /**
   * A page of what is there, in an order of the store's own, and where the next one begins: null after the last. Each
   * blob that is there all the while is in one page; what is no blob by its name is in none.
   */
  list(
    cursor: string | null,
  ): Promise<{ readonly blobs: readonly ListedBlob[]; readonly next: string | null }>;
}

/** Every page, one after the other. */
export async function* listedBlobs(store: BlobStore): AsyncGenerator<ListedBlob> {
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<BlobStore['list']>> = await store.list(cursor);
    yield* page.blobs;
    cursor = page.next;
  } while (cursor !== null);
}

/** Building a commit and signing its header with a device key; the bytes are protocol/commit.ts. */
import {
  commitHash,
  encodeFrame,
  encodeHeader,
  hashLists,
  type CommitFrame,
  type CommitHeader,
  type CommitLists,
  type SignedHeader,
} from '../../protocol/commit.ts';
import type { Hash } from '../../protocol/ids.ts';
import { MAX_COMMIT_BYTES } from '../../protocol/limits.ts';
import { verifySignature } from '../../protocol/signing.ts';
import { sign } from './sign.ts';

type ListHashes = 'entriesHash' | 'packsHash' | 'headsHash' | 'openingHash' | 'rejoinHash';

/** Everything of a commit but the hashes of its lists and the signature. */
export interface CommitDraft
  extends
    Omit<CommitHeader, ListHashes>,
    CommitLists,
    Pick<CommitFrame, 'objects' | 'indexes' | 'inline' | 'wraps'> {}

export interface BuiltCommit {
  /** Flushed to the manifest before the frame is sent: found in the log, it is success. */
  readonly hash: Hash;
  readonly header: CommitHeader;
  readonly signed: SignedHeader;
  /** What travels. */
  readonly frame: Uint8Array;
}

/**
 * @param signSecret the device's Ed25519 secret key, 64 bytes
 * @throws RangeError when the lists do not pair or the frame is beyond its size limit: plan smaller commits
 */
export function buildCommit(draft: CommitDraft, signSecret: Uint8Array): BuiltCommit {
  const { entries, packs, heads, opening, rejoin, objects, indexes, inline, wraps, ...identity } = draft;
  if (objects.length !== entries.length) throw new RangeError('an object (or null) for every entry');
  if (indexes.length !== packs.added.length) throw new RangeError('an index for every pack added');
  if ((wraps === null) !== (opening === null)) throw new RangeError('keys come with an epoch opening');
  const lists: CommitLists = { entries, packs, heads, opening, rejoin };
  const header: CommitHeader = { ...identity, ...hashLists(lists) };
  const bytes = encodeHeader(header);
  const signed = { bytes, signature: sign('commit', bytes, signSecret) };
  const frame = encodeFrame({ ...lists, signed, objects, indexes, inline, wraps });
  if (frame.length > MAX_COMMIT_BYTES) throw new RangeError('a commit beyond its size limit');
  return { hash: commitHash(bytes), header, signed, frame };
}

/** @param signKey the device's Ed25519 public key from the account's device chain */
export function verifyCommitSignature(signed: SignedHeader, signKey: Uint8Array): boolean {
  return verifySignature('commit', signed.bytes, signed.signature, signKey);
}

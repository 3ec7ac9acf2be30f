/**
 * The live state of a vault at one pinned head, paged and then verified as a whole: device chain, header
 * signature, and the root over everything received. A page the server leaves out, adds to or alters changes
 * the sum, so only after the root holds does a missing id mean deleted.
 */
import { commitHash, type CommitHeader, type SignedHeader } from '../../protocol/commit.ts';
import { ZERO_HASH, type Hash, type VaultId } from '../../protocol/ids.ts';
import { hashOf } from '../../protocol/signing.ts';
import { openPackIndex, packSizeOf } from '../crypto/pack-index.ts';
import { openRecord } from '../crypto/record.ts';
import { LiveSum } from '../crypto/root.ts';
import type { ChunkRow, PackRow } from '../manifest/manifest.ts';
import type { Cloud } from '../remote/cloud.ts';
import { checkAuthor, readHeader } from './commit-rules.ts';
import type { DeviceIdentity } from './device-identity.ts';
import { LogFault } from './log-fault.ts';
import type { AppliedNode } from './remote-apply.ts';
import { chunkRows } from './pack-rows.ts';
import { isVouchedFor } from './pack-trust.ts';

export interface Snapshot {
  readonly header: CommitHeader;
  readonly signed: SignedHeader;
  readonly hash: Hash;
  readonly receivedAtMs: number;
  readonly sum: Hash;
  readonly nodes: readonly AppliedNode[];
  readonly packs: readonly { readonly row: PackRow; readonly chunks: readonly ChunkRow[] }[];
}

export interface SnapshotRequest {
  readonly vault: VaultId;
  readonly cloud: Pick<Cloud, 'vaults' | 'headers' | 'state'>;
  readonly identity: Pick<DeviceIdentity, 'chain' | 'followChain' | 'vaultKeys'>;
  /** Null: the newest head. */
  readonly at: number | null;
}

/** Null when the vault has no commit. @throws CloudError, LogFault */
export async function readSnapshot(request: SnapshotRequest): Promise<Snapshot | null> {
  const { vault, cloud, identity } = request;
  let seq = request.at;
  if (seq === null) {
    const listed = (await cloud.vaults()).find((candidate) => candidate.vault === vault);
    seq = listed?.head.seq ?? 0;
  }
  if (seq === 0) return null;
  const [received] = await cloud.headers(vault, seq, seq);
  if (received === undefined) throw new LogFault('bad-object');
  const header = readHeader(received.signed);
  if (header.seq !== seq) throw new LogFault('bad-chain');
  const known = identity.chain();
  const chain = header.chainLength > known.length ? await identity.followChain() : known;
  checkAuthor(vault, received.signed, header, chain);
  const keys = identity.vaultKeys(vault);
  if (!keys.has(header.epoch)) throw new LogFault('bad-epoch');

  const sum = new LiveSum(keys.rootKey(header.epoch), ZERO_HASH);
  const nodes: AppliedNode[] = [];
  const packs: { row: PackRow; chunks: ChunkRow[] }[] = [];
  let cursor: string | null = null;
  let last = '';
  do {
    const page = await cloud.state(vault, seq, cursor);
    // Each page goes on from the one before: what repeats, or never comes to an end with nothing in it, is refused.
    const places = [...page.nodes.map(({ node }) => `n${node}`), ...page.packs.map(({ name }) => `p${name}`)];
    for (const place of places) {
      if (place <= last) throw new LogFault('bad-root');
      last = place;
    }
    if (page.nextCursor !== null && places.length === 0) throw new LogFault('bad-object');
    for (const { node, revision, object } of page.nodes) {
      const objectHash = hashOf(object);
      sum.add({ kind: 'node', node, revision, objectHash });
      const opened = openRecord(keys, node, revision, object);
      nodes.push({ node, revision, objectHash, record: opened.ok ? opened.record : 'unreadable' });
    }
    for (const { name, size, index } of page.packs) {
      const indexHash = hashOf(index);
      sum.add({ kind: 'pack', name, indexHash });
      const opened = openPackIndex(keys, name, index);
      // The root says nothing of it, and what is worth packing anew is reckoned with it.
      if (opened.ok && size !== packSizeOf(opened.index)) throw new LogFault('bad-root');
      packs.push({
        row: {
          name,
          size,
          indexHash,
          epoch: header.epoch,
          state: 'live',
          trusted: isVouchedFor(chain, null),
          author: null,
          index: null,
        },
        chunks: opened.ok ? chunkRows(name, opened.index) : [],
      });
    }
    cursor = page.nextCursor;
  } while (cursor !== null);
  if (sum.root(seq) !== header.root) throw new LogFault('bad-root');
  return {
    header,
    signed: received.signed,
    hash: commitHash(received.signed.bytes),
    receivedAtMs: received.receivedAtMs,
    sum: sum.value as Hash,
    nodes,
    packs,
  };
}

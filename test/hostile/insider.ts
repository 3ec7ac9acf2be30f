/**
 * Commits that only somebody with a device's keys could make: a device that was taken over, or a revoked one,
 * working together with the server. What is forged holds in everything but the one point under test.
 */
import {
  decodeFrame,
  encodeFrame,
  encodeHeader,
  hashLists,
  type CommitEntry,
  type CommitFrame,
  type CommitHeader,
} from '../../protocol/commit.ts';
import type { Hash, NodeId, SealedObject } from '../../protocol/ids.ts';
import { hashOf } from '../../protocol/signing.ts';
import { buildCommit, type BuiltCommit, type CommitDraft } from '../../sync-engine/crypto/commit-sign.ts';
import { secureRandom } from '../../sync-engine/crypto/random.ts';
import { sealRecord, type NodeRecord } from '../../sync-engine/crypto/record.ts';
import { LiveSum } from '../../sync-engine/crypto/root.ts';
import { sign } from '../../sync-engine/crypto/sign.ts';
import type { HostileDevice } from './hostile-world.ts';

export interface ForgedNode {
  readonly node: NodeId;
  /** What the commit says; the next one when left out. */
  readonly revision?: number;
  readonly object: SealedObject;
}

/** The next revision of a node, as this device knows the log. */
function nextRevision(device: HostileDevice, node: NodeId): number {
  return (device.sync.log.store.remote.get(node)?.revision ?? 0) + 1;
}

/** A record sealed as an honest device would. */
export function sealed(
  device: HostileDevice,
  node: NodeId,
  record: NodeRecord,
  revision = nextRevision(device, node),
): SealedObject {
  const { epoch } = device.sync.log.cursor();
  return sealRecord(device.identity.vaultKeys(device.vault), epoch, node, revision, record, secureRandom);
}

/** The next commit of the log, with a root that holds, of whatever the insider likes. */
export function forge(
  device: HostileDevice,
  nodes: readonly ForgedNode[],
  changes: Partial<CommitDraft> = {},
): BuiltCommit {
  const { log } = device.sync;
  const cursor = log.cursor();
  const chain = device.identity.chain();
  const keys = device.identity.vaultKeys(device.vault);
  const sum = new LiveSum(keys.rootKey(cursor.epoch), cursor.sum);
  const entries: CommitEntry[] = nodes.map(({ node, revision = nextRevision(device, node), object }) => {
    const known = log.store.remote.get(node);
    if (known !== undefined)
      sum.subtract({ kind: 'node', node, revision: known.revision, objectHash: known.objectHash });
    const objectHash = hashOf(object);
    sum.add({ kind: 'node', node, revision, objectHash });
    return { node, revision, objectHash };
  });
  const packs = changes.packs ?? { added: [], revived: [], dropped: [] };
  for (const pack of packs.added) sum.add({ kind: 'pack', name: pack.name, indexHash: pack.indexHash });
  const seq = changes.seq ?? cursor.seq + 1;
  return buildCommit(
    {
      vault: device.vault,
      epoch: cursor.epoch,
      seq,
      previous: cursor.hash,
      device: device.identity.device,
      chainLength: chain.length,
      chainHead: chain.head,
      root: sum.root(seq),
      entries,
      packs,
      heads: [],
      opening: null,
      rejoin: null,
      objects: nodes.map(({ object }) => object),
      indexes: [],
      inline: [],
      wraps: null,
      ...changes,
    },
    device.identity.signSecret,
  );
}

/** The same commit with another header, signed again. */
export function altered(
  frame: Uint8Array,
  changes: Partial<CommitHeader>,
  signSecret: Uint8Array,
): { frame: Uint8Array; hash: Hash } {
  const decoded = decodeFrame(frame);
  const bytes = encodeHeader({ ...decoded.header, ...changes });
  const signature = sign('commit', bytes, signSecret);
  return { frame: encodeFrame({ ...decoded, signed: { bytes, signature } }), hash: hashOf(bytes) };
}

/** A commit whose header was made to agree with its lists again; the signature stays the one it had. */
export function rehashed(frame: CommitFrame): Uint8Array {
  const bytes = encodeHeader({ ...frame.header, ...hashLists(frame) });
  return encodeFrame({ ...frame, signed: { bytes, signature: frame.signed.signature } });
}

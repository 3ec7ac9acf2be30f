/** Writes one verified commit into the manifest: S, remote tree, packs, header, cursor. */
import {
  commitHash,
  type CommitHeader,
  type PackChanges,
  type PackEntry,
  type SignedHeader,
} from '../../protocol/commit.ts';
import { TRASH_NODE, ZERO_HASH, type Hash } from '../../protocol/ids.ts';
import { LiveSum } from '../crypto/root.ts';
import type { ChunkRow, PackRow } from '../manifest/manifest.ts';
import { LogFault } from './log-fault.ts';
import { clearPending, pendingCommits, TRASHED_AT, type LogScope } from './log-scope.ts';
import { isVouchedFor } from './pack-trust.ts';
import { applyNodes, type AppliedNode } from './remote-apply.ts';

/** A commit whose author, place and objects were checked; revisions, packs and root are checked as it is applied. */
export interface VerifiedCommit {
  readonly header: CommitHeader;
  readonly signed: SignedHeader;
  readonly receivedAtMs: number;
  readonly nodes: readonly AppliedNode[];
  readonly packs: PackChanges;
  /** What the indexes of the added packs say, in their order. */
  readonly indexes: readonly { readonly pack: PackEntry; readonly chunks: readonly ChunkRow[] }[];
}

/** Moves S, checks revisions and root, writes rows and cursor. Inside a transaction: a throw undoes it all. */
export function applyCommit(scope: LogScope, commit: VerifiedCommit): void {
  const { store, identity, vault, hooks } = scope;
  const { header, signed, receivedAtMs, nodes } = commit;
  const cursor = store.cursor();
  const keys = identity.vaultKeys(vault);
  const opens = header.openingHash !== ZERO_HASH;
  const sum = new LiveSum(keys.rootKey(header.epoch), opens ? ZERO_HASH : cursor.sum);
  for (const node of nodes) {
    const known = store.remote.get(node.node);
    if (node.revision !== (known?.revision ?? 0) + 1) throw new LogFault('bad-revision');
    if (known !== undefined && !opens) {
      sum.subtract({
        kind: 'node',
        node: known.id,
        revision: known.revision,
        objectHash: known.objectHash,
      });
    }
    if (node.objectHash !== ZERO_HASH && !opens) {
      sum.add({ kind: 'node', node: node.node, revision: node.revision, objectHash: node.objectHash });
    }
    if (known === undefined && node.objectHash === ZERO_HASH) throw new LogFault('bad-revision');
  }
  const trashedBefore = new Set(
    nodes.filter((node) => store.remote.get(node.node)?.parent === TRASH_NODE).map(({ node }) => node),
  );
  const faults = applyNodes(store, nodes, header.seq);
  for (const { node } of nodes) {
    const isTrashed = store.remote.get(node)?.parent === TRASH_NODE;
    if (isTrashed !== trashedBefore.has(node))
      store.setMeta(`${TRASHED_AT}${node}`, isTrashed ? String(receivedAtMs) : null);
  }
  applyPacks(scope, commit, opens ? null : sum);
  if (opens) {
    for (const row of store.remoteRows()) {
      sum.add({ kind: 'node', node: row.id, revision: row.revision, objectHash: row.objectHash });
    }
    for (const pack of store.packs('live')) {
      sum.add({ kind: 'pack', name: pack.name, indexHash: pack.indexHash });
    }
  }
  if (sum.root(header.seq) !== header.root) throw new LogFault('bad-root');
  const hash = commitHash(signed.bytes);
  const { seq, device } = header;
  store.addHeader({ seq, hash, device, receivedAtMs, signed, nodes: nodes.length });
  const isHigh = header.seq >= cursor.highSeq;
  store.setCursor({
    seq: header.seq,
    hash,
    epoch: header.epoch,
    sum: sum.value as Hash,
    chainLength: header.chainLength,
    highSeq: isHigh ? header.seq : cursor.highSeq,
    highHash: isHigh ? hash : cursor.highHash,
  });
  if (pendingCommits(store).includes(hash)) clearPending(store);
  if (faults.length > 0) hooks.faults(faults);
}

function applyPacks(scope: LogScope, commit: VerifiedCommit, sum: LiveSum | null): void {
  const { store, identity } = scope;
  const { header, packs, indexes } = commit;
  const isVouched = isVouchedFor(identity.chain(), header.device);
  for (const { pack, chunks } of indexes) {
    const known = store.pack(pack.name);
    if (known !== undefined && (known.state === 'live' || known.state === 'dropped'))
      throw new LogFault('bad-pack');
    const row: PackRow = {
      name: pack.name,
      size: pack.size,
      indexHash: pack.indexHash,
      epoch: header.epoch,
      state: 'live',
      trusted: isVouched,
      author: header.device,
      index: null,
    };
    if (known === undefined) store.addPack(row, chunks);
    else store.setPackState(pack.name, 'live');
    sum?.add({ kind: 'pack', name: pack.name, indexHash: pack.indexHash });
  }
  for (const pack of packs.revived) {
    const known = store.pack(pack.name);
    if (known?.state !== 'dropped' || known.indexHash !== pack.indexHash) {
      throw new LogFault('bad-pack');
    }
    store.setPackState(pack.name, 'live');
    sum?.add({ kind: 'pack', name: pack.name, indexHash: pack.indexHash });
  }
  for (const pack of packs.dropped) {
    const known = store.pack(pack.name);
    if (known?.state !== 'live' || known.indexHash !== pack.indexHash) {
      throw new LogFault('bad-pack');
    }
    store.setPackState(pack.name, 'dropped');
    sum?.subtract({ kind: 'pack', name: pack.name, indexHash: pack.indexHash });
  }
}

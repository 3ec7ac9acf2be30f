/**
 * Takes the live state at one pinned head: a fresh device, one away longer than the retention, and one whose log
 * went back to an older head.
 */
import type { Head } from '../../protocol/cloud.ts';
import { commitHash, type CommitHeader, type SignedHeader } from '../../protocol/commit.ts';
import { ZERO_HASH, type Hash, type NodeId, type PackName } from '../../protocol/ids.ts';
import { checkDescends } from './header-chain.ts';
import { takeOpenedEpochs } from './log-epochs.ts';
import { LogFault } from './log-fault.ts';
import type { Claim, LogScope } from './log-scope.ts';
import { applyNodes, type AppliedNode } from './remote-apply.ts';
import { readSnapshot, type Snapshot } from './snapshot.ts';

/** How a log that went back is taken. */
export interface Rewind {
  /** What the head has to be or to stand on; null where only a person can say that it is the right one. */
  readonly anchor: Head | null;
  /** Looks at each commit after the anchor. @throws LogFault */
  readonly visit: (signed: SignedHeader, header: CommitHeader) => void;
  /** Of a node that the state has otherwise than this device; null where the state is to come down as it is. */
  readonly claim: (node: NodeId, now: Hash | undefined) => Claim | null;
  /** In the transaction that takes the state. */
  readonly done: () => void;
}

/** False when the vault has no commit yet. @throws CloudError, LogFault */
export async function takeState(scope: LogScope, rewind: Rewind | null = null): Promise<boolean> {
  const { vault, store, cloud, identity } = scope;
  const { highSeq, highHash } = store.cursor();
  const listed = (await cloud.vaults()).find((candidate) => candidate.vault === vault);
  const head = listed?.head ?? { seq: 0, hash: ZERO_HASH };
  if (rewind === null && head.seq < highSeq) throw new LogFault('rolled-back');
  if (head.seq === 0) return false;
  const anchor = rewind === null ? { seq: highSeq, hash: highHash } : rewind.anchor;
  if (anchor !== null && anchor.seq > 0) {
    const openings = new Set<Hash>();
    await checkDescends(cloud, vault, anchor, head, (signed, header) => {
      rewind?.visit(signed, header);
      if (header.openingHash !== ZERO_HASH) openings.add(commitHash(signed.bytes));
    });
    await takeOpenedEpochs(scope, openings);
  }
  const snapshot = await readSnapshot({ vault, cloud, identity, at: head.seq });
  if (snapshot?.hash !== head.hash) throw new LogFault('forked');
  keepState(scope, snapshot, rewind);
  return true;
}

function keepState(scope: LogScope, snapshot: Snapshot, rewind: Rewind | null): void {
  const { store, manifest, hooks } = scope;
  const { header, hash } = snapshot;
  const changed: NodeId[] = [];
  manifest.transaction(() => {
    const now = new Map<NodeId, Hash>();
    const fresh: AppliedNode[] = [];
    for (const node of snapshot.nodes) {
      now.set(node.node, node.objectHash);
      if (store.remote.get(node.node)?.objectHash === node.objectHash) continue;
      fresh.push(node);
      changed.push(node.node);
    }
    // Only a verified head makes absence mean deleted.
    const gone: NodeId[] = [];
    for (const row of store.remoteRows()) if (!now.has(row.id)) gone.push(row.id);
    changed.push(...gone);
    const claims = new Map<NodeId, Claim>();
    for (const id of rewind === null ? [] : changed) {
      const claim = rewind?.claim(id, now.get(id)) ?? null;
      if (claim !== null) claims.set(id, claim);
    }
    const rebase = rewind === null ? null : hooks.rewinding(claims);
    for (const id of gone) store.deleteRemote(id);
    const faults = applyNodes(store, fresh, 0);
    keepPacks(scope, snapshot, rewind !== null);
    store.deleteHeadersFrom(1);
    const { device, seq } = header;
    const { receivedAtMs, signed } = snapshot;
    store.addHeader({ seq, hash, device, receivedAtMs, signed, nodes: null });
    store.setCursor({
      seq,
      hash,
      epoch: header.epoch,
      sum: snapshot.sum,
      chainLength: header.chainLength,
      highSeq: seq,
      highHash: hash,
    });
    rewind?.done();
    rebase?.();
    if (faults.length > 0) hooks.faults(faults);
    hooks.changed(changed);
  });
}

function keepPacks({ store }: LogScope, snapshot: Snapshot, wentBack: boolean): void {
  const names = new Set<PackName>(snapshot.packs.map(({ row }) => row.name));
  for (const row of store.packs('live')) if (!names.has(row.name)) store.deletePack(row.name);
  for (const row of store.packs('dropped')) store.deletePack(row.name);
  if (wentBack) {
    // Sealed under an epoch that is gone, whose number the log may give to another key.
    for (const row of [...store.packs('uploaded'), ...store.packs('sealed')]) {
      if (row.epoch > snapshot.header.epoch) store.deletePack(row.name);
    }
  }
  for (const { row, chunks } of snapshot.packs) {
    const known = store.pack(row.name);
    if (known === undefined) store.addPack(row, chunks);
    else store.setPackState(row.name, 'live');
  }
}

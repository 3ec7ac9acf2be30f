/** Takes the live state at one pinned head: a fresh device, or one away longer than the retention. */
import type { NodeId, PackName } from '../../protocol/ids.ts';
import { checkDescends } from './header-chain.ts';
import { LogFault } from './log-fault.ts';
import type { LogScope } from './log-scope.ts';
import { applyNodes, type AppliedNode } from './remote-apply.ts';
import { readSnapshot } from './snapshot.ts';

/** False when the vault has no commit yet. @throws CloudError, LogFault */
export async function takeState(scope: LogScope): Promise<boolean> {
  const { vault, store, cloud, identity, manifest, hooks } = scope;
  const snapshot = await readSnapshot({ vault, cloud, identity, at: null });
  if (snapshot === null) return false;
  const before = store.cursor();
  if (snapshot.header.seq < before.highSeq) throw new LogFault('rolled-back');
  if (before.highSeq > 0) {
    const seen = { seq: before.highSeq, hash: before.highHash };
    await checkDescends(cloud, vault, seen, { seq: snapshot.header.seq, hash: snapshot.hash });
  }
  const changed: NodeId[] = [];
  manifest.transaction(() => {
    const seen = new Set<NodeId>();
    const fresh: AppliedNode[] = [];
    for (const node of snapshot.nodes) {
      seen.add(node.node);
      if (store.remote.get(node.node)?.objectHash === node.objectHash) continue;
      fresh.push(node);
      changed.push(node.node);
    }
    // Only a verified head makes absence mean deleted.
    const gone: NodeId[] = [];
    for (const row of store.remoteRows()) if (!seen.has(row.id)) gone.push(row.id);
    for (const id of gone) {
      store.deleteRemote(id);
      changed.push(id);
    }
    const faults = applyNodes(store, fresh, 0);
    const packNames = new Set<PackName>(snapshot.packs.map(({ row }) => row.name));
    for (const row of store.packs('live')) if (!packNames.has(row.name)) store.deletePack(row.name);
    for (const row of store.packs('dropped')) store.deletePack(row.name);
    for (const { row, chunks } of snapshot.packs) {
      const known = store.pack(row.name);
      if (known === undefined) store.addPack(row, chunks);
      else store.setPackState(row.name, 'live');
    }
    store.deleteHeadersFrom(1);
    store.addHeader({
      seq: snapshot.header.seq,
      hash: snapshot.hash,
      device: snapshot.header.device,
      receivedAtMs: snapshot.receivedAtMs,
      signed: snapshot.signed,
    });
    store.setCursor({
      seq: snapshot.header.seq,
      hash: snapshot.hash,
      epoch: snapshot.header.epoch,
      sum: snapshot.sum,
      chainLength: snapshot.header.chainLength,
      highSeq: snapshot.header.seq,
      highHash: snapshot.hash,
    });
    if (faults.length > 0) hooks.faults(faults);
  });
  hooks.changed(changed);
  return true;
}

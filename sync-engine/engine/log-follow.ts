/** Follows the log: a commit that comes next is verified against what was seen before anything of it is stored. */
import { commitHash } from '../../protocol/commit.ts';
import { ZERO_HASH } from '../../protocol/ids.ts';
import type { ReceivedCommit } from '../../protocol/pages.ts';
import { openPackIndex } from '../crypto/pack-index.ts';
import { openRecord } from '../crypto/record.ts';
import { checkAuthor, checkSuccession } from './commit-rules.ts';
import { applyCommit } from './log-apply.ts';
import { takeEpochKey } from './log-epochs.ts';
import { LogFault } from './log-fault.ts';
import { chainCovering, pendingCommits, REJOIN, type LogScope } from './log-scope.ts';
import { chunkRows } from './pack-rows.ts';
import type { AppliedNode } from './remote-apply.ts';
import { checkRejoin, settlesPending } from './rejoin.ts';
import { readRevived } from './revived-packs.ts';

/** Verifies one commit against the cursor and applies it. @throws CloudError, LogFault; nothing is stored then */
export async function acceptCommit(scope: LogScope, received: ReceivedCommit): Promise<void> {
  const { frame } = received;
  const { header, signed } = frame;
  const { vault, store, cloud, identity, manifest, hooks } = scope;
  const cursor = store.cursor();
  const chain = await chainCovering(scope, header.chainLength);
  checkAuthor(vault, signed, header, chain);
  checkSuccession(cursor, header, chain);
  const hash = commitHash(signed.bytes);
  if (header.device === identity.device && !pendingCommits(store).includes(hash))
    throw new LogFault('copied-home');
  for (const head of frame.heads) {
    const known = store.headerHash(head.seq);
    if (known !== undefined && known !== head.hash) throw new LogFault('forked');
  }
  if (frame.rejoin !== null) checkRejoin(vault, header, frame.rejoin, chain);
  if (frame.opening !== null) await takeEpochKey(scope, header.epoch, frame.opening, frame.wraps);
  const keys = identity.vaultKeys(vault);
  if (!keys.has(header.epoch)) throw new LogFault('bad-epoch');

  const nodes: AppliedNode[] = frame.entries.map((entry, index) => {
    const object = frame.objects[index] ?? null;
    if (entry.objectHash === ZERO_HASH) return { ...entry, record: null };
    if (object === null) throw new LogFault('bad-object');
    const opened = openRecord(keys, entry.node, entry.revision, object);
    // What is committed under a new epoch is sealed under it, or an old key could still read or write it.
    if (opened.ok && opened.epoch !== header.epoch) throw new LogFault('bad-epoch');
    return { ...entry, record: opened.ok ? opened.record : ('unreadable' as const) };
  });
  const indexes = frame.packs.added.map((pack, index) => {
    const object = frame.indexes[index] ?? null;
    if (object === null) throw new LogFault('bad-object');
    const opened = openPackIndex(keys, pack.name, object);
    return { pack, chunks: opened.ok ? chunkRows(pack.name, opened.index) : [] };
  });
  const unknown = frame.packs.revived.filter((pack) => store.pack(pack.name) === undefined);
  const revived = await readRevived({ vault, cloud, keys, chain }, header.seq, unknown);
  manifest.transaction(() => {
    for (const { row, chunks } of revived) store.addPack(row, chunks);
    if (frame.rejoin !== null && settlesPending(store, frame.rejoin)) store.setMeta(REJOIN, null);
    const { receivedAtMs } = received;
    applyCommit(scope, { header, signed, receivedAtMs, nodes, packs: frame.packs, indexes });
    hooks.changed(frame.entries.map((entry) => entry.node));
  });
}

/** Proposes commits on top of what was seen: seals, signs, sends, and applies what the server took. */
import type { EpochOpening, PackChanges, PackEntry } from '../../protocol/commit.ts';
import { ZERO_HASH, type Hash, type NodeId, type SealedObject, type SealedPack } from '../../protocol/ids.ts';
import { hashOf } from '../../protocol/signing.ts';
import { buildCommit } from '../crypto/commit-sign.ts';
import { sealRecord, type NodeRecord } from '../crypto/record.ts';
import { LiveSum } from '../crypto/root.ts';
import type { PackRow, VaultStore } from '../manifest/manifest.ts';
import { CloudError, type CommitOutcome } from '../remote/cloud.ts';
import { mustOpenEpoch } from './commit-rules.ts';
import { applyCommit } from './log-apply.ts';
import { openEpoch } from './log-epochs.ts';
import { LogFault } from './log-fault.ts';
import { addPending, REJOIN, type LogScope } from './log-scope.ts';
import { entryOf, requireIndex } from './pack-rows.ts';
import { heightOf, pendingRejoin } from './rejoin.ts';
import type { AppliedNode } from './remote-apply.ts';

/** Refusals in a row after which nothing here had changed: an honest one names what has to come first. */
const MOST_REFUSALS = 5;

/** A node to commit: its new record, or null for a tombstone. */
export interface ProposedNode {
  readonly node: NodeId;
  readonly record: NodeRecord | null;
}

export interface Proposal {
  /** The seq it was judged on: where the log has moved since, it is answered `stale-head` unsent. */
  readonly base?: number;
  readonly nodes: readonly ProposedNode[];
  readonly added: readonly { readonly row: PackRow; readonly inline: SealedPack | null }[];
  readonly revived: readonly PackEntry[];
  readonly dropped: readonly PackEntry[];
}

/** Counted for the benchmark and for `coffre status`. */
export interface LogCounters {
  commits: number;
  staleHeads: number;
  recordsSealed: number;
  recordsSealedTwice: number;
}

export class Proposer {
  readonly counters: LogCounters = { commits: 0, staleHeads: 0, recordsSealed: 0, recordsSealedTwice: 0 };
  readonly #scope: LogScope;
  /** Sealed records of a proposal that lost the race: unchanged by it, so not sealed again. */
  readonly #sealed = new Map<
    NodeId,
    { revision: number; epoch: number; record: NodeRecord; object: SealedObject; hash: Hash }
  >();
  /** Where log and device chain stood at the last refusal, and how many there were since. */
  #refused = { at: '', times: 0 };

  constructor(scope: LogScope) {
    this.#scope = scope;
  }

  /**
   * Signs and sends one commit on top of the cursor; on success its nodes are in the remote tree. A
   * `stale-head` answer changes nothing here: pull, check what of the proposal still stands, try again.
   * @throws CloudError, LogFault
   */
  async commit(proposal: Proposal): Promise<CommitOutcome> {
    const { vault, store, identity, cloud, manifest, hooks } = this.#scope;
    const chain = identity.chain();
    const cursor = store.cursor();
    if (proposal.base !== undefined && proposal.base !== cursor.seq) {
      this.counters.staleHeads += 1;
      return { kind: 'stale-head', head: { seq: cursor.seq, hash: cursor.hash } };
    }
    const isFirst = cursor.seq === 0;
    const rejoin = pendingRejoin(store);
    const lost = rejoin === null ? { seq: 0, epoch: 0 } : heightOf(rejoin);
    const seq = Math.max(cursor.seq, lost.seq) + 1;
    const opens = isFirst || rejoin !== null || mustOpenEpoch(cursor, chain);
    const epoch = isFirst ? 0 : Math.max(cursor.epoch, lost.epoch) + (opens ? 1 : 0);
    let opening: EpochOpening | null = null;
    let wraps: Uint8Array | null = null;
    if (opens) ({ opening, wraps } = await openEpoch(this.#scope, epoch, isFirst ? null : cursor.epoch));
    const keys = identity.vaultKeys(vault);

    const nodes: AppliedNode[] = [];
    const objects: (SealedObject | null)[] = [];
    for (const { node, record } of proposal.nodes) {
      const revision = (store.remote.get(node)?.revision ?? 0) + 1;
      if (record === null) {
        nodes.push({ node, revision, objectHash: ZERO_HASH, record: null });
        objects.push(null);
        continue;
      }
      const sealed = this.#sealedRecord(epoch, node, revision, record);
      nodes.push({ node, revision, objectHash: sealed.hash, record });
      objects.push(sealed.object);
    }
    const added = proposal.added.map(({ row }) => entryOf(row));
    const packs = { added, revived: proposal.revived, dropped: proposal.dropped };
    const sum = new LiveSum(keys.rootKey(epoch), opens ? ZERO_HASH : cursor.sum);
    foresee(store, sum, { nodes, packs, opens });
    const heads = store.lastSeen().filter((head) => head.device !== identity.device);
    const built = buildCommit(
      {
        vault,
        epoch,
        seq,
        previous: cursor.hash,
        device: identity.device,
        chainLength: chain.length,
        chainHead: chain.head,
        root: sum.root(seq),
        entries: nodes.map(({ node, revision, objectHash }) => ({ node, revision, objectHash })),
        packs,
        heads,
        opening,
        rejoin,
        objects,
        indexes: proposal.added.map(({ row }) => requireIndex(row)),
        inline: proposal.added.flatMap(({ row, inline }) =>
          inline === null ? [] : [{ name: row.name, bytes: inline }],
        ),
        wraps,
      },
      identity.signSecret,
    );
    // Flushed before it is sent: found in the log it is success, and a copied home is told apart.
    addPending(store, cursor.hash, built.hash);
    manifest.checkpoint();
    const at = `${cursor.seq} ${chain.length}`;
    const outcome = this.#judged(await cloud.commit(vault, built.frame), proposal, at);
    if (outcome.kind === 'stale-head') this.counters.staleHeads += 1;
    if (outcome.kind === 'stale-chain') {
      await identity.followChain();
      hooks.chainMoved();
    }
    if (outcome.kind !== 'committed') return outcome;
    if (outcome.seq !== built.header.seq) throw new LogFault('bad-chain');
    this.counters.commits += 1;
    manifest.transaction(() => {
      const indexes = proposal.added.map(({ row }) => ({ pack: entryOf(row), chunks: [] }));
      const { header, signed } = built;
      const { receivedAtMs } = outcome;
      if (rejoin !== null) store.setMeta(REJOIN, null);
      applyCommit(this.#scope, { header, signed, receivedAtMs, nodes, packs, indexes });
      hooks.changed(nodes.map((node) => node.node));
    });
    this.#sealed.clear();
    return outcome;
  }

  /**
   * A refusal that comes again when what it named was done has no reason, and would have us try for ever; and packs
   * that were not offered it cannot miss. @throws CloudError malformed
   */
  #judged(outcome: CommitOutcome, proposal: Proposal, at: string): CommitOutcome {
    if (outcome.kind === 'committed' || outcome.kind === 'quota') {
      this.#refused = { at: '', times: 0 };
      return outcome;
    }
    const times = this.#refused.at === at ? this.#refused.times + 1 : 1;
    this.#refused = times > MOST_REFUSALS ? { at: '', times: 0 } : { at, times };
    if (times > MOST_REFUSALS) {
      throw new CloudError('malformed', `the server refuses a commit for what is not so (${outcome.kind})`);
    }
    if (outcome.kind !== 'pack-missing') return outcome;
    const offered = new Set(
      [...proposal.added.map(({ row }) => row), ...proposal.revived].map(({ name }) => name),
    );
    return { kind: 'pack-missing', packs: outcome.packs.filter((name) => offered.has(name)) };
  }

  #sealedRecord(
    epoch: number,
    node: NodeId,
    revision: number,
    record: NodeRecord,
  ): { object: SealedObject; hash: Hash } {
    const kept = this.#sealed.get(node);
    if (kept !== undefined) {
      if (kept.revision === revision && kept.epoch === epoch && kept.record === record) return kept;
      this.counters.recordsSealedTwice += 1;
    }
    const { vault, identity, random } = this.#scope;
    const object = sealRecord(identity.vaultKeys(vault), epoch, node, revision, record, (size) =>
      random.bytes(size),
    );
    this.counters.recordsSealed += 1;
    const sealed = { revision, epoch, record, object, hash: hashOf(object) };
    this.#sealed.set(node, sealed);
    return sealed;
  }
}

/** What S will be once the commit is in. */
function foresee(
  store: VaultStore,
  sum: LiveSum,
  {
    nodes,
    packs,
    opens,
  }: { readonly nodes: readonly AppliedNode[]; readonly packs: PackChanges; readonly opens: boolean },
): void {
  if (opens) {
    const touched = new Set(nodes.map((node) => node.node));
    for (const row of store.remoteRows()) {
      if (touched.has(row.id)) continue;
      sum.add({ kind: 'node', node: row.id, revision: row.revision, objectHash: row.objectHash });
    }
    const dropped = new Set(packs.dropped.map((pack) => pack.name));
    for (const pack of store.packs('live')) {
      if (!dropped.has(pack.name)) sum.add({ kind: 'pack', name: pack.name, indexHash: pack.indexHash });
    }
  }
  for (const node of nodes) {
    const known = store.remote.get(node.node);
    if (known !== undefined && !opens) {
      sum.subtract({
        kind: 'node',
        node: known.id,
        revision: known.revision,
        objectHash: known.objectHash,
      });
    }
    if (node.objectHash !== ZERO_HASH) {
      sum.add({ kind: 'node', node: node.node, revision: node.revision, objectHash: node.objectHash });
    }
  }
  for (const pack of [...packs.added, ...packs.revived]) {
    sum.add({ kind: 'pack', name: pack.name, indexHash: pack.indexHash });
  }
  if (opens) return;
  for (const pack of packs.dropped)
    sum.subtract({ kind: 'pack', name: pack.name, indexHash: pack.indexHash });
}

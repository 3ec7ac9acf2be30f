/**
 * One vault's log as this device follows it: pull, verify, write into the remote tree; propose commits on
 * top of what was seen. Nothing reaches the manifest before signature, chain, device, epoch, revisions and
 * root are checked. Calls are serialised: one pull or commit at a time.
 */
import {
  commitHash,
  type CommitFrame,
  type CommitHeader,
  type EpochOpening,
  type PackEntry,
  type Rejoin,
  type SignedHeader,
} from '../../protocol/commit.ts';
import {
  TRASH_NODE,
  ZERO_HASH,
  type Hash,
  type NodeId,
  type PackName,
  type SealedObject,
  type SealedPack,
  type VaultId,
} from '../../protocol/ids.ts';
import { hashOf } from '../../protocol/signing.ts';
import type { ReceivedCommit } from '../../protocol/pages.ts';
import { buildCommit } from '../crypto/commit-sign.ts';
import { openPackIndex } from '../crypto/pack-index.ts';
import { openRecord, sealRecord, type NodeRecord } from '../crypto/record.ts';
import { LiveSum } from '../crypto/root.ts';
import { epochKeyCheck, isEpochKey, makeEpochKey } from '../crypto/vault-keys.ts';
import { openWrap, wrapEpochKey, type WrapRecipient } from '../crypto/wraps.ts';
import type { ChunkRow, Manifest, PackRow, VaultCursor, VaultStore } from '../manifest/manifest.ts';
import { CloudError, type Cloud, type CommitOutcome } from '../remote/cloud.ts';
import { checkAuthor, checkSuccession, mustOpenEpoch } from './commit-rules.ts';
import type { DeviceIdentity } from './device-identity.ts';
import { checkDescends } from './header-chain.ts';
import { LogFault } from './log-fault.ts';
import type { Clock, RandomSource } from './ports.ts';
import { applyNodes, type AppliedNode, type TreeFault } from './remote-apply.ts';
import { Mutex } from './mutex.ts';
import { chunkRows, entryOf, requireIndex } from './pack-rows.ts';
import { readRevived } from './revived-packs.ts';
import { readSnapshot } from './snapshot.ts';

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

interface LogHooks {
  /** Nodes whose remote state changed. */
  changed(nodes: readonly NodeId[]): void;
  faults(faults: readonly { readonly node: NodeId; readonly fault: TreeFault }[]): void;
  /** The device chain grew. */
  chainMoved(): void;
}

export interface VaultLogParts {
  readonly vault: VaultId;
  readonly manifest: Manifest;
  readonly cloud: Cloud;
  readonly identity: DeviceIdentity;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly hooks: LogHooks;
}

const PENDING = 'pending-commit';
/** Vault meta: when the trash took a node, by the server's clock. */
export const TRASHED_AT = 'trashed-at/';

/** Counted for the benchmark and for `coffre status`. */
export interface LogCounters {
  commits: number;
  staleHeads: number;
  recordsSealed: number;
  recordsSealedTwice: number;
}

export class VaultLog {
  readonly vault: VaultId;
  readonly store: VaultStore;
  readonly counters: LogCounters = { commits: 0, staleHeads: 0, recordsSealed: 0, recordsSealedTwice: 0 };
  readonly #parts: VaultLogParts;
  readonly #mutex = new Mutex();
  /** Sealed records of a proposal that lost the race: unchanged by it, so not sealed again. */
  readonly #sealed = new Map<
    NodeId,
    { revision: number; epoch: number; record: NodeRecord; object: SealedObject; hash: Hash }
  >();

  constructor(parts: VaultLogParts) {
    this.vault = parts.vault;
    this.#parts = parts;
    this.store = parts.manifest.vault(parts.vault);
  }

  cursor(): VaultCursor {
    return this.store.cursor();
  }

  /** Reads to the head. Returns whether anything was new. @throws CloudError, LogFault */
  pull(): Promise<boolean> {
    return this.#mutex.run(() => this.#pull());
  }

  async #pull(): Promise<boolean> {
    const { cloud } = this.#parts;
    let moved = false;
    if (this.cursor().seq === 0) return this.#snapshot(null);
    for (;;) {
      const cursor = this.cursor();
      let page;
      try {
        page = await cloud.changes(this.vault, cursor.seq);
      } catch (error) {
        if (error instanceof CloudError && error.fault === 'gone') {
          await this.#checkNotBehind();
          return this.#snapshot(null);
        }
        throw error;
      }
      if (page.headSeq < cursor.seq) throw new LogFault('rolled-back');
      if (page.headSeq === cursor.seq && page.headHash !== cursor.hash) throw new LogFault('forked');
      for (const commit of page.commits) {
        await this.#accept(commit);
        moved = true;
      }
      if (this.cursor().seq >= page.headSeq) return moved;
      if (page.commits.length === 0) throw new LogFault('bad-object');
    }
  }

  /** A head behind the high-water mark is a rollback, whatever else the server answers. */
  async #checkNotBehind(): Promise<void> {
    const vaults = await this.#parts.cloud.vaults();
    const listed = vaults.find((candidate) => candidate.vault === this.vault);
    if (listed === undefined || listed.head.seq < this.cursor().highSeq) throw new LogFault('rolled-back');
  }

  /** A commit pushed with a head event. Applies it when it is the next one; else a pull is due: false. */
  receive(commit: ReceivedCommit): Promise<boolean> {
    return this.#mutex.run(async () => {
      const cursor = this.cursor();
      if (commit.frame.header.seq <= cursor.seq) return true;
      if (cursor.seq === 0 || commit.frame.header.seq !== cursor.seq + 1) return false;
      await this.#accept(commit);
      return true;
    });
  }

  async #chainCovering(length: number) {
    const { identity, hooks } = this.#parts;
    const chain = identity.chain();
    if (length <= chain.length) return chain;
    const longer = await identity.followChain();
    hooks.chainMoved();
    return longer;
  }

  /** Verifies one commit against the cursor and applies it. */
  async #accept(received: ReceivedCommit): Promise<void> {
    const { frame } = received;
    const { header, signed } = frame;
    const { identity, manifest, hooks } = this.#parts;
    const cursor = this.cursor();
    const chain = await this.#chainCovering(header.chainLength);
    checkAuthor(this.vault, signed, header, chain);
    checkSuccession(cursor, header, chain);
    const hash = commitHash(signed.bytes);
    if (header.device === identity.device && this.store.meta(PENDING) !== hash)
      throw new LogFault('copied-home');
    for (const head of frame.heads) {
      const known = this.store.headerHash(head.seq);
      if (known !== undefined && known !== head.hash) throw new LogFault('forked');
    }
    if (frame.opening !== null) await this.#takeEpochKey(header.epoch, frame.opening, frame.wraps);
    const keys = identity.vaultKeys(this.vault);
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
    const unknown = frame.packs.revived.filter((pack) => this.store.pack(pack.name) === undefined);
    const revived = await readRevived(
      { vault: this.vault, cloud: this.#parts.cloud, keys },
      header.seq,
      unknown,
    );
    manifest.transaction(() => {
      for (const { row, chunks } of revived) this.store.addPack(row, chunks);
      this.#apply(header, signed, received.receivedAtMs, nodes, frame, indexes);
    });
    if (frame.inline.length > 0) this.#inlineCache(frame.inline);
    hooks.changed(frame.entries.map((entry) => entry.node));
  }

  readonly #inline = new Map<PackName, Uint8Array>();
  #inlineBytes = 0;

  #inlineCache(packs: readonly { name: PackName; bytes: Uint8Array }[]): void {
    for (const pack of packs) {
      if (this.#inline.has(pack.name)) continue;
      this.#inline.set(pack.name, Uint8Array.from(pack.bytes));
      this.#inlineBytes += pack.bytes.length;
    }
    for (const [name, bytes] of this.#inline) {
      if (this.#inlineBytes <= 4 * 1024 * 1024) break;
      this.#inline.delete(name);
      this.#inlineBytes -= bytes.length;
    }
  }

  /** A pack that came along with its commit: one request less. */
  inlinePack(name: PackName): Uint8Array | null {
    return this.#inline.get(name) ?? null;
  }

  /** Moves S, checks revisions and root, writes rows and cursor. Inside a transaction: a throw undoes it all. */
  #apply(
    header: CommitHeader,
    signed: SignedHeader,
    receivedAtMs: number,
    nodes: readonly AppliedNode[],
    frame: Pick<CommitFrame, 'packs' | 'opening'>,
    indexes: readonly { pack: PackEntry; chunks: readonly ChunkRow[] }[],
  ): void {
    const { store } = this;
    const cursor = store.cursor();
    const keys = this.#parts.identity.vaultKeys(this.vault);
    const opens = frame.opening !== null;
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
    const faults = applyNodes(store, nodes);
    for (const { node } of nodes) {
      const isTrashed = store.remote.get(node)?.parent === TRASH_NODE;
      if (isTrashed !== trashedBefore.has(node))
        store.setMeta(`${TRASHED_AT}${node}`, isTrashed ? String(receivedAtMs) : null);
    }
    this.#applyPacks(frame.packs, indexes, header, opens ? null : sum);
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
    store.addHeader(header.seq, hash, header.device, receivedAtMs);
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
    if (store.meta(PENDING) === hash) store.setMeta(PENDING, null);
    if (faults.length > 0) this.#parts.hooks.faults(faults);
  }

  #applyPacks(
    packs: CommitFrame['packs'],
    indexes: readonly { pack: PackEntry; chunks: readonly ChunkRow[] }[],
    header: CommitHeader,
    sum: LiveSum | null,
  ): void {
    const { store } = this;
    // What a removed device says it stored is not relied on when content is added.
    const isLive = this.#parts.identity.chain().devices.get(header.device)?.revoked === null;
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
        trusted: isLive,
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

  /** Opens this device's wrap of a new epoch's key and keeps the key. */
  async #takeEpochKey(epoch: number, opening: EpochOpening, wraps: Uint8Array | null): Promise<void> {
    const { identity, cloud } = this.#parts;
    const keys = identity.vaultKeys(this.vault);
    if (keys.has(epoch)) {
      if (!isEpochKey(keys.epochKey(epoch), this.vault, epoch, opening.keyCheck))
        throw new LogFault('bad-epoch');
      return;
    }
    let bytes = wraps;
    if (bytes === null) {
      const epochs = await cloud.epochs(this.vault);
      bytes = epochs.find((candidate) => candidate.epoch === epoch)?.wraps ?? null;
    }
    if (bytes === null || hashOf(bytes) !== opening.wrapsHash) throw new LogFault('bad-epoch');
    const opened = openWrap({
      bytes,
      vault: this.vault,
      epoch,
      recipient: identity.device,
      boxSecret: identity.boxSecret,
      keyCheck: opening.keyCheck,
    });
    if (!opened.ok) throw new LogFault('bad-epoch');
    await identity.keepEpochKey(this.vault, epoch, opened.key);
  }

  /**
   * After the person confirmed that the server was restored from a backup: takes its older head as it is. What
   * this device holds beyond it is proposed again by the pairs. @throws CloudError, LogFault
   */
  takeRestoredHead(): Promise<void> {
    return this.#mutex.run(async () => {
      const { store } = this;
      store.setCursor({ ...store.cursor(), highSeq: 0, highHash: ZERO_HASH });
      await this.#snapshot(null);
    });
  }

  /** Takes the live state at one pinned head: a fresh device, or one away longer than the retention. */
  async #snapshot(at: { seq: number } | null): Promise<boolean> {
    const { cloud, identity, manifest, hooks } = this.#parts;
    const snapshot = await readSnapshot({ vault: this.vault, cloud, identity, at: at?.seq ?? null });
    if (snapshot === null) return false; // the vault has no commit yet
    const before = this.cursor();
    if (at === null && snapshot.header.seq < before.highSeq) throw new LogFault('rolled-back');
    if (at === null && before.highSeq > 0) {
      const seen = { seq: before.highSeq, hash: before.highHash };
      await checkDescends(cloud, this.vault, seen, { seq: snapshot.header.seq, hash: snapshot.hash });
    }
    const changed: NodeId[] = [];
    manifest.transaction(() => {
      const { store } = this;
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
      const faults = applyNodes(store, fresh);
      const packNames = new Set<PackName>(snapshot.packs.map(({ row }) => row.name));
      for (const row of store.packs('live')) if (!packNames.has(row.name)) store.deletePack(row.name);
      for (const row of store.packs('dropped')) store.deletePack(row.name);
      for (const { row, chunks } of snapshot.packs) {
        const known = store.pack(row.name);
        if (known === undefined) store.addPack(row, chunks);
        else store.setPackState(row.name, 'live');
      }
      store.deleteHeadersFrom(1);
      store.addHeader(snapshot.header.seq, snapshot.hash, snapshot.header.device, snapshot.receivedAtMs);
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

  /**
   * Signs and sends one commit on top of the cursor; on success its nodes are in the remote tree. A
   * `stale-head` answer changes nothing here: pull, check what of the proposal still stands, try again.
   * @throws CloudError, LogFault
   */
  commit(proposal: Proposal): Promise<CommitOutcome> {
    return this.#mutex.run(() => this.#commit(proposal, null));
  }

  async #commit(proposal: Proposal, rejoin: Rejoin | null): Promise<CommitOutcome> {
    const { identity, cloud, manifest, hooks } = this.#parts;
    const { store } = this;
    const chain = identity.chain();
    const cursor = this.cursor();
    if (proposal.base !== undefined && proposal.base !== cursor.seq) {
      this.counters.staleHeads += 1;
      return { kind: 'stale-head', head: { seq: cursor.seq, hash: cursor.hash } };
    }
    const isFirst = cursor.seq === 0;
    const opens = isFirst || mustOpenEpoch(cursor, chain);
    const epoch = isFirst ? 0 : cursor.epoch + (opens ? 1 : 0);
    let opening: EpochOpening | null = null;
    let wraps: Uint8Array | null = null;
    if (opens) ({ opening, wraps } = await this.#openEpoch(epoch));
    const keys = identity.vaultKeys(this.vault);

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
    this.#foresee(sum, nodes, packs, opens);
    const heads = store.lastSeen().filter((head) => head.device !== identity.device);
    const built = buildCommit(
      {
        vault: this.vault,
        epoch,
        seq: cursor.seq + 1,
        previous: cursor.hash,
        device: identity.device,
        chainLength: chain.length,
        chainHead: chain.head,
        root: sum.root(cursor.seq + 1),
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
    store.setMeta(PENDING, built.hash);
    manifest.checkpoint();
    const outcome = await cloud.commit(this.vault, built.frame);
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
      this.#apply(built.header, built.signed, outcome.receivedAtMs, nodes, { packs, opening }, indexes);
    });
    this.#sealed.clear();
    hooks.changed(nodes.map((node) => node.node));
    return outcome;
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
    const { identity, random } = this.#parts;
    const object = sealRecord(identity.vaultKeys(this.vault), epoch, node, revision, record, (size) =>
      random.bytes(size),
    );
    this.counters.recordsSealed += 1;
    const sealed = { revision, epoch, record, object, hash: hashOf(object) };
    this.#sealed.set(node, sealed);
    return sealed;
  }

  /** What S will be once the commit is in. */
  #foresee(
    sum: LiveSum,
    nodes: readonly AppliedNode[],
    packs: {
      readonly added: readonly PackEntry[];
      readonly revived: readonly PackEntry[];
      readonly dropped: readonly PackEntry[];
    },
    opens: boolean,
  ): void {
    const { store } = this;
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

  /** A new epoch: a random key, sealed to every live device and to the account. */
  async #openEpoch(epoch: number): Promise<{ opening: EpochOpening; wraps: Uint8Array }> {
    const { identity, random } = this.#parts;
    const keys = identity.vaultKeys(this.vault);
    const randomBytes = (size: number): Uint8Array => random.bytes(size);
    // A key made for this epoch before a lost race is used again: nobody has seen it.
    if (!keys.has(epoch)) await identity.keepEpochKey(this.vault, epoch, makeEpochKey(randomBytes));
    const key = keys.epochKey(epoch);
    const chain = identity.chain();
    const recipients: WrapRecipient[] = [...chain.devices.values()]
      .filter((device) => device.revoked === null)
      .map((device) => ({ id: device.device, boxKey: device.boxKey }));
    if (chain.accountKey !== null) recipients.push({ id: 'account', boxKey: chain.accountKey.boxKey });
    const wraps = wrapEpochKey(
      {
        vault: this.vault,
        epoch,
        key,
        previousKey: epoch === 0 ? null : keys.epochKey(epoch - 1),
        recipients,
      },
      randomBytes,
    );
    return { opening: { keyCheck: epochKeyCheck(key, this.vault, epoch), wrapsHash: hashOf(wraps) }, wraps };
  }
}

/**
 * How the rows of one pair move when something was done: the only place that writes local and synced rows.
 * The synced state advances field by field with what was done, so that an operation dropped in between never
 * makes one side's old state look like the other's change.
 */
import { ROOT_NODE, TRASH_NODE, type ContentId, type NodeId } from '../../protocol/ids.ts';
import { MAX_DEPTH } from '../../protocol/limits.ts';
import type { DiskStat } from '../local-fs/disk.ts';
import type { LocalNode, PairStore, VaultStore } from '../manifest/manifest.ts';
import type { Claim } from './log-scope.ts';
import { remotePath, subtree } from './paths.ts';
import { advanced, agreed, sameState } from '../plan/base.ts';
import type { NodeState } from '../plan/tree.ts';

/** Of what a name on disk stands for, and when its inode last changed. */
export type FileIdentity = Pick<DiskStat, 'dev' | 'ino' | 'birthUs' | 'ctimeUs'>;

export class Books {
  readonly pair: PairStore;
  readonly vault: VaultStore;

  constructor(pair: PairStore, vault: VaultStore) {
    this.pair = pair;
    this.vault = vault;
  }

  /** The node's remote state when it lies beneath the pair's bound folder. */
  remoteInScope(id: NodeId): NodeState | undefined {
    const { bound } = this.pair.config;
    const node = this.vault.remote.get(id);
    let current: NodeState | undefined = node;
    for (let depth = 0; current !== undefined && depth <= MAX_DEPTH + 1; depth += 1) {
      if (current.parent === bound) return node;
      if (current.parent === ROOT_NODE || current.parent === TRASH_NODE) return undefined;
      current = this.vault.remote.get(current.parent);
    }
    return undefined;
  }

  /**
   * After any operation on a node: the synced state moves on where both sides agree. A node that agrees in
   * everything is clean; every other is looked at again.
   */
  touched(id: NodeId): void {
    const { pair } = this;
    const local = pair.local.get(id);
    const synced = pair.synced.get(id);
    // The raw remote row: one in the trash still says what was agreed on.
    const next = agreed(local, this.vault.remote.get(id), synced);
    if (next !== undefined && (synced === undefined || !sameState(next, synced))) pair.putSynced(next);
    const remote = this.remoteInScope(id);
    const agrees = local !== undefined && remote !== undefined && !local.parked && sameState(local, remote);
    if (agrees && !this.#mayBeExcluded()) pair.clearDirty(id);
    else pair.markDirty(id);
  }

  /** The account got `after` where it had `before`: exactly what was carried over is agreed on. */
  carried(before: NodeState | undefined, after: NodeState): void {
    this.pair.putSynced(advanced(this.pair.synced.get(after.id), before, after));
  }

  /** The node is on neither side, or the same on both. False when that does not hold (any more). */
  settle(id: NodeId): boolean {
    const { pair } = this;
    const local = pair.local.get(id);
    const remote = this.remoteInScope(id);
    if (local === undefined) {
      pair.deleteSynced(id);
      // On neither side nothing is left to do; on the remote side alone it is to come here.
      if (remote === undefined) pair.clearDirty(id);
      return true;
    }
    if (remote === undefined || local.parked || !sameState(local, remote)) return false;
    pair.putSynced(local);
    if (!this.#mayBeExcluded()) pair.clearDirty(id);
    return true;
  }

  /** Told by the observer: with ignore rules or deselected folders, only a plan says that a node is clean. */
  hasRules = false;

  #mayBeExcluded(): boolean {
    return this.hasRules || this.pair.deselected().size > 0;
  }

  /** A name on disk was free although a row held it: that node is gone, whoever took it away. */
  #makeRoom(parent: NodeId, diskName: string, id: NodeId): void {
    const holder = this.pair.localByDiskName(parent, diskName);
    if (holder !== undefined && holder.id !== id) this.vanished(holder.id);
  }

  /** What was done on disk to a node: its new local row. */
  wrote(state: NodeState, stat: DiskStat, localName: string | null): void {
    const isFile = state.type === 'file';
    this.#makeRoom(state.parent, localName ?? state.name, state.id);
    this.pair.putLocal({
      ...state,
      mode: state.type === 'symlink' ? 0o777 : state.mode,
      mtimeUs: isFile ? state.mtimeUs : 0,
      localName,
      dev: stat.dev,
      ino: stat.ino,
      birthUs: stat.birthUs,
      ctimeUs: stat.ctimeUs,
      parked: false,
    });
  }

  /** After a system call that changed a node's inode: the same row under its new stat. */
  restat(local: LocalNode, stat: FileIdentity, changes: Partial<LocalNode> = {}): void {
    const next = { ...local, ...changes };
    if (!next.parked) this.#makeRoom(next.parent, next.localName ?? next.name, next.id);
    this.pair.putLocal({
      ...local,
      dev: stat.dev,
      ino: stat.ino,
      birthUs: stat.birthUs,
      ctimeUs: stat.ctimeUs,
      ...changes,
    });
  }

  /**
   * What is on disk under one id is another node from now on: both are looked at again, and what is in it. That the
   * first is not here any more is nobody's removal.
   */
  relabel(id: NodeId, as: NodeId): void {
    const { pair } = this;
    pair.relabelLocal(id, as);
    pair.deleteSynced(id);
    pair.markDirty(id);
    pair.markDirty(as);
    for (const child of pair.localChildren(as)) pair.markDirty(child.id);
  }

  /** The local node and all beneath it, parents first. */
  *localSubtree(id: NodeId): Generator<LocalNode> {
    const stack = [id];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const node = this.pair.local.get(next);
      if (node === undefined) continue;
      yield node;
      if (node.type === 'folder') for (const child of this.pair.localChildren(next)) stack.push(child.id);
    }
  }

  /** Everything beneath a folder that has no row itself (the bound one). */
  *localSubtreeOf(folder: NodeId): Generator<LocalNode> {
    for (const child of this.pair.localChildren(folder)) yield* this.localSubtree(child.id);
  }

  /** The node and all beneath it are no longer on disk. Returns them, children first. */
  vanished(id: NodeId): readonly NodeId[] {
    const ids = [...this.localSubtree(id)].map((node) => node.id);
    for (const gone of ids.reverse()) {
      this.pair.deleteLocal(gone);
      // What it waited for is no matter any more.
      this.pair.release(gone);
      this.pair.markDirty(gone);
    }
    return ids;
  }

  /**
   * The node and all beneath it were taken from the disk because they are to be here no more. Without this, what
   * the account took out of its trash meanwhile would look removed by the person.
   */
  removed(id: NodeId): void {
    for (const gone of this.vanished(id)) this.pair.deleteSynced(gone);
  }

  /** The account trashed the node, which is not here either, with what was agreed to lie beneath it. */
  trashed(id: NodeId): void {
    this.#dropBase(id, (node) => this.pair.local.get(node) === undefined);
  }

  /** Everything beneath a node of the account is looked at again, the node itself too. */
  markRemoteSubtree(id: NodeId): void {
    for (const node of subtree(this.vault.remote, id)) {
      // The bound folder stands for the pair's own: no plan speaks of it.
      if (node.id !== this.pair.config.bound) this.pair.markDirty(node.id);
    }
  }

  /** Its remote children have not been looked at since its folder was elsewhere. */
  markRemoteChildren(id: NodeId): void {
    for (const child of this.vault.remote.children(id)) this.pair.markDirty(child.id);
  }

  /** Of the node and all beneath it nothing is agreed on any more: neither side's absence is a removal. */
  disown(id: NodeId): void {
    this.#dropBase(id, () => true);
  }

  /** Of the node and all that was agreed to lie beneath it. */
  #dropBase(id: NodeId, isMeant: (node: NodeId) => boolean): void {
    const stack = [id];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      for (const child of this.pair.synced.children(next)) stack.push(child.id);
      if (!isMeant(next)) continue;
      this.pair.deleteSynced(next);
      this.pair.markDirty(next);
    }
  }

  /**
   * The log goes back: what is held here of these nodes is claimed. Where this pair had taken in what the account
   * held, the older state becomes the base, so that the difference is a change of this device; what it had not is
   * left as it is, and nothing that never came is taken for removed. Called before the rows of the account change,
   * what it returns after.
   */
  rebase(claims: ReadonlyMap<NodeId, Claim>): () => void {
    const { pair, vault } = this;
    const taken = [...claims.keys()].filter((id) => {
      const held = this.remoteInScope(id);
      const synced = pair.synced.get(id);
      if (held !== undefined) return synced !== undefined && sameState(synced, held);
      return synced === undefined && remotePath(vault.remote, id)?.inTrash === true;
    });
    return () => {
      for (const id of taken) {
        const base = this.remoteInScope(id);
        // Without a base neither side gives way: both are kept.
        if (base === undefined || claims.get(id) === 'both') pair.deleteSynced(id);
        else pair.putSynced(base);
        pair.markDirty(id);
      }
    };
  }

  /** The content of a local file was read. */
  read(id: NodeId, content: ContentId, size: number, stat: DiskStat): boolean {
    const local = this.pair.local.get(id);
    if (local === undefined) return false;
    const isFile = local.type === 'file';
    this.restat(local, stat, { content, size, mtimeUs: isFile ? stat.mtimeUs : 0 });
    this.pair.markDirty(id);
    return true;
  }
}

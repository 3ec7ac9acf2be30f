/** A pair's folder as the engine uses it: walked and changed by workers, named and normalised here. */
import { toHex, type NodeId } from '../../protocol/ids.ts';
import { MAX_TARGET_BYTES } from '../crypto/record.ts';
import type { ApplyOperation, ApplyResult } from '../local-fs/apply-types.ts';
import { isShownAs, probe, type Capabilities } from '../local-fs/capabilities.ts';
import { DiskError, type Disk, type DiskErrorCode, type DiskStat } from '../local-fs/disk.ts';
import { recoverDisplaced, unlessDiskFails } from '../local-fs/displace.ts';
import { lstatInside } from '../local-fs/inside.ts';
import { timeKey } from '../local-fs/local-trash.ts';
import { listParked, trashParked, type ParkedItem } from '../local-fs/parked.ts';
import { localNameFor, nameKey } from '../local-fs/path-rules.ts';
import { clearStaging, dropStagedFolders } from '../local-fs/staged-folder.ts';
import {
  checkRoot,
  STAGING,
  type RootCheck,
  type RootExpectation,
  type RootIdentity,
} from '../local-fs/root-marker.ts';
import type { KnownStat } from '../local-fs/subtree.ts';
import type { WalkedFolder, WalkOutcome, WalkRequest } from '../local-fs/walk.ts';
import type { LocalNode, PairStore } from '../manifest/manifest.ts';
import type { NodeState, NodeType } from '../plan/tree.ts';
import type { Workers } from '../workers/workers.ts';
import type { NewFolder } from './new-folders.ts';
import type { Clock, RandomSource } from './ports.ts';

export interface PairDiskParts {
  readonly pair: PairStore;
  /** For small reads on the control thread; everything else goes through workers. */
  readonly disk: Disk;
  readonly workers: Workers;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly expected: RootExpectation;
  /** As far as is known. */
  readonly capabilities: Capabilities;
  /** Told of those that are found later; null when they were found. */
  readonly learned: ((capabilities: Capabilities) => void) | null;
  readonly signal: AbortSignal;
}

/** Also what a scan calls a row whose name another took (`EVICTED`): nothing on a disk is called so. */
const NO_WAY: readonly DiskErrorCode[] = ['is-a-link', 'not-a-folder', 'illegal-name'];

/** Fewer are done in a moment. */
const LIGHT_NODES = 100;

function nodesIn(operation: ApplyOperation): number {
  return operation.kind === 'place-folder' ? 1 + operation.inside.length : 1;
}

export class PairDisk {
  #capabilities: Capabilities;
  #learned: PairDiskParts['learned'];
  readonly root: string;
  readonly #parts: PairDiskParts;
  #remembered: RootIdentity | null;
  #batches = 0;
  readonly #batchPrefix: string;

  constructor(parts: PairDiskParts) {
    this.#parts = parts;
    this.#capabilities = parts.capabilities;
    this.#learned = parts.learned;
    this.root = parts.pair.config.folder;
    this.#remembered = parts.expected.remembered;
    this.#batchPrefix = toHex(parts.random.bytes(6));
  }

  get capabilities(): Capabilities {
    return this.#capabilities;
  }

  get #expected(): RootExpectation {
    return { marker: this.#parts.expected.marker, remembered: this.#remembered };
  }

  /**
   * What stands at a path below the root, which a link on the way does not lead to: then nothing does. A person may
   * have put a link, or two that lead to each other, where a folder was.
   * @throws DiskError when the disk fails
   */
  lstat(path: string): DiskStat | null {
    try {
      return lstatInside(this.#parts.disk, this.root, path);
    } catch (cause) {
      if (cause instanceof DiskError && NO_WAY.includes(cause.code)) return null;
      throw cause;
    }
  }

  /** What the manifest remembers of a node on disk, in the form a re-check takes. */
  known({ type, size, mtimeUs, ctimeUs, ino }: LocalNode): Required<KnownStat> & { readonly type: NodeType } {
    const { mtimeGranularityUs } = this.capabilities;
    return { type, size, mtimeUs, ctimeUs, ino, mtimeGranularityUs };
  }

  /** The mtime to keep of a node that was seen: its own, if this disk may show that as it does. Microseconds. */
  mtimeOf(keptUs: number, shownUs: number): number {
    return isShownAs(keptUs, shownUs, this.capabilities.mtimeGranularityUs) ? keptUs : shownUs;
  }

  absolute(path: string): string {
    return path === '' ? this.root : `${this.root}/${path}`;
  }

  /** Looks whether the folder is the pair's; remembers its device and inode. */
  check(probeWrite: boolean): RootCheck {
    const check = checkRoot(this.#parts.disk, this.root, this.#expected, probeWrite);
    if (check.state === 'ok') this.#remembered = check.identity;
    return check;
  }

  /** Finds out what the disk can hold, where that could not be done before. @throws DiskError when it cannot now */
  learn(): void {
    if (this.#learned === null) return;
    this.#capabilities = probe(this.#parts.disk, this.root, '.coffre');
    this.#learned(this.#capabilities);
    this.#learned = null;
  }

  /** Puts back what an interrupted placement had taken from its place; before the first scan after a start. */
  recover(): void {
    recoverDisplaced(this.#parts.disk, this.root);
  }

  /** What was moved aside by plans. @throws DiskError */
  parked(): readonly ParkedItem[] {
    return listParked(this.#parts.disk, this.root);
  }

  /** To the local trash, as coming from `path`. @throws DiskError */
  trashParked(item: ParkedItem, path: string): void {
    const { disk, clock, random } = this.#parts;
    const nowMs = clock.nowMs();
    const entry = `${timeKey(nowMs)}-${toHex(random.bytes(6))}`;
    trashParked(disk, this.root, item, { entry, path, nowMs });
  }

  /** Removes the folders an engine before this one had begun to stage. */
  dropOldStaging(): void {
    dropStagedFolders(this.#parts.disk, this.root);
  }

  /** Removes what downloads of before left, while none is under way. */
  clearStaging(): void {
    clearStaging(this.#parts.disk, this.root);
  }

  walk(
    folders: WalkRequest['folders'],
    batch: (folders: readonly WalkedFolder[]) => void,
  ): Promise<WalkOutcome> {
    const { workers, signal } = this.#parts;
    const light = folders.every((folder) => !folder.recursive);
    const request = { root: this.root, expected: this.#expected, folders };
    return workers.run('walk', request, { batch }, { signal, light });
  }

  async apply(operations: readonly ApplyOperation[]): Promise<readonly ApplyResult[]> {
    const results = await this.#apply(operations);
    // A name this disk was thought to hold: the next plan has another.
    if (results.some((result) => result.outcome === 'blocked' && result.code === 'illegal-name'))
      unlessDiskFails(() => {
        this.learn();
      });
    return results;
  }

  #apply(operations: readonly ApplyOperation[]): Promise<readonly ApplyResult[]> {
    const { workers, clock } = this.#parts;
    this.#batches += 1;
    const context = {
      root: this.root,
      expected: this.#expected,
      capabilities: this.capabilities,
      nowMs: clock.nowMs(),
      batchId: `${this.#batchPrefix}${this.#batches}`,
    };
    const nodes = operations.reduce((sum, operation) => sum + nodesIn(operation), 0);
    return workers.run('apply', { context, operations }, {}, { light: nodes < LIGHT_NODES });
  }

  /** Everything written so far is on stable storage when this resolves. */
  flush(): Promise<void> {
    return this.#parts.workers.run('flush', { root: this.root }, {});
  }

  /** Makes new folders in staging, to be filled; answers those that could be made. */
  async stageFolders(folders: readonly NewFolder[]): Promise<NewFolder[]> {
    const operations = folders.map(({ top, inside }): ApplyOperation => {
      const entries = inside.map(({ path, state }) => ({ path, type: state.type }));
      return { kind: 'stage-folder', staged: this.stagedName(top), inside: entries };
    });
    const results = await this.apply(operations);
    return folders.filter((_, index) => results[index]?.outcome === 'applied');
  }

  /** What cannot be removed now is removed by the next start. */
  async dropStaged(folders: readonly NewFolder[]): Promise<void> {
    await this.apply(folders.map(({ top }) => ({ kind: 'drop-staged', staged: this.stagedName(top) })));
  }

  /** The same name for the same node and content, so that an interrupted download goes on. */
  stagedName(state: NodeState): string {
    return `${state.id}-${(state.content ?? 'folder').slice(0, 16)}`;
  }

  stagingPath(state: NodeState): string {
    return `${this.root}/${STAGING}/${this.stagedName(state)}`;
  }

  /** A staged link target; removes the staged file. */
  takeTarget(state: NodeState): string {
    const { disk } = this.#parts;
    const path = this.stagingPath(state);
    const handle = disk.open(path, 'read');
    try {
      const buffer = new Uint8Array(MAX_TARGET_BYTES);
      const length = disk.read(handle, buffer, 0);
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(buffer.subarray(0, length));
    } finally {
      disk.close(handle);
      disk.removeFile(path);
    }
  }

  /** The name on this disk for an account's name in a folder. */
  nameFor(parent: NodeId, name: string, id: NodeId): string | { readonly problem: string } {
    const { pair } = this.#parts;
    const { capabilities } = this;
    // Where every name is held as it is, siblings need not be looked at.
    const isPlain =
      capabilities.caseSensitive &&
      capabilities.unicodeSensitive &&
      !capabilities.windowsNames &&
      capabilities.illegal === '';
    const taken = new Set<string>();
    if (!isPlain) {
      for (const sibling of pair.localChildren(parent)) {
        if (sibling.id !== id && sibling.name !== name)
          taken.add(nameKey(sibling.localName ?? sibling.name, capabilities));
      }
    }
    const chosen = localNameFor(name, capabilities, taken);
    return 'problem' in chosen ? chosen : chosen.name;
  }

  /** Whether a new folder can hold all these names as they are. */
  holdsNames(names: readonly string[]): boolean {
    const { capabilities } = this;
    const taken = new Set<string>();
    return names.every((name) => {
      const chosen = localNameFor(name, capabilities, taken);
      taken.add(nameKey(name, capabilities));
      return 'name' in chosen && chosen.name === name;
    });
  }
}

/**
 * The inodes and folders beneath SimDisk, and what of them is durable. Metadata behaves like a journal: after
 * a power failure the folders are as after some change between the last flush and the end, never mixed. Data
 * of a file not synced since it was written may be new, old, empty or zeros.
 */
import type { NodeType } from '../../sync-engine/plan/tree.ts';

export interface SimNode {
  /** Never reused; the inode number a caller sees may be. */
  readonly id: number;
  readonly ino: number;
  readonly type: NodeType;
  mode: number;
  /** Capacity may exceed `size`. */
  data: Uint8Array;
  size: number;
  mtimeUs: number;
  ctimeUs: number;
  readonly birthUs: number;
  links: number;
  /** Of a folder. */
  parent: SimNode | null;
  /** Content as of its last sync; null: never synced. */
  durable: Uint8Array | null;
  synced: boolean;
}

interface Entry {
  readonly name: string;
  readonly node: SimNode;
}

/** One change of one name in one folder. */
interface Change {
  readonly folder: SimNode;
  readonly key: string;
  readonly entry: Entry | null;
}

type Folders = Map<SimNode, Map<string, Entry>>;

export interface SimFilesOptions {
  /** In [0, 1). */
  readonly random: () => number;
  /** Whether a freed inode number is given to the next new node. */
  readonly reusesInodes: boolean;
}

export class SimFiles {
  readonly root: SimNode;
  readonly #options: SimFilesOptions;
  #folders: Folders = new Map();
  #durable: Folders = new Map();
  /** Since the last flush, oldest first; each group is one call, and survives whole or not at all. */
  #journal: Change[][] = [];
  #free: number[] = [];
  #lastId = 0;
  #lastIno = 1000;
  usedBytes = 0;

  constructor(options: SimFilesOptions) {
    this.#options = options;
    this.root = this.create('folder', 0o755, 0);
    this.root.links = 1;
    this.flush();
  }

  create(type: NodeType, mode: number, nowUs: number): SimNode {
    this.#lastId += 1;
    const reused = this.#options.reusesInodes ? this.#free.pop() : undefined;
    const node: SimNode = {
      id: this.#lastId,
      ino: reused ?? (this.#lastIno += 1),
      type,
      mode,
      data: new Uint8Array(0),
      size: 0,
      mtimeUs: nowUs,
      ctimeUs: nowUs,
      birthUs: nowUs,
      links: 0,
      parent: null,
      durable: null,
      synced: false,
    };
    if (type === 'folder') this.#folders.set(node, new Map());
    return node;
  }

  child(folder: SimNode, key: string): SimNode | undefined {
    return this.#folders.get(folder)?.get(key)?.node;
  }

  entries(folder: SimNode): Entry[] {
    return [...(this.#folders.get(folder)?.values() ?? [])];
  }

  nameOf(node: SimNode): string {
    if (node.parent === null) return '';
    return this.entries(node.parent).find((entry) => entry.node === node)?.name ?? '?';
  }

  /** Whether `node` is `folder` or below it. */
  isWithin(node: SimNode | null, folder: SimNode): boolean {
    return node !== null && (node === folder || this.isWithin(node.parent, folder));
  }

  /** Changes names, as one step of the journal. */
  change(changes: readonly Change[]): void {
    this.#journal.push([...changes]);
    const before = changes.map(({ folder, key }) => this.child(folder, key));
    for (const { folder, key, entry } of changes) {
      if (entry !== null) {
        entry.node.links += 1;
        if (entry.node.type === 'folder') entry.node.parent = folder;
      }
      set(this.#folders, folder, key, entry);
    }
    for (const node of before) {
      if (node === undefined) continue;
      node.links -= 1;
      if (node.links > 0) continue;
      this.#free.push(node.ino);
      this.usedBytes -= node.size;
    }
  }

  resize(node: SimNode, size: number): void {
    if (size > node.data.length) {
      const grown = new Uint8Array(Math.max(size, node.data.length * 2));
      grown.set(node.data.subarray(0, node.size));
      node.data = grown;
    } else if (size < node.size) {
      node.data.fill(0, size, node.size);
    }
    this.usedBytes += size - node.size;
    node.size = size;
  }

  sync(node: SimNode): void {
    node.durable = node.data.slice(0, node.size);
    node.synced = true;
  }

  /** All names so far, as fsync of a folder does on a file system with one journal. */
  flushNames(): void {
    this.#durable = copy(this.#folders);
    this.#journal = [];
  }

  flush(): void {
    this.flushNames();
    for (const folder of this.#folders.values()) {
      for (const { node } of folder.values()) if (node.type === 'file' && !node.synced) this.sync(node);
    }
  }

  /** What the next start finds after the power went. */
  losePower(): void {
    const { random } = this.#options;
    const kept = Math.floor(random() * (this.#journal.length + 1));
    const folders = this.#durable;
    for (const group of this.#journal.slice(0, kept)) {
      for (const { folder, key, entry } of group) set(folders, folder, key, entry);
    }
    this.#folders = new Map();
    this.#free = [];
    this.usedBytes = 0;
    const seen = new Set<SimNode>();
    this.#keep(this.root, folders, seen);
    this.flush();
  }

  #keep(folder: SimNode, folders: Folders, seen: Set<SimNode>): void {
    const names = new Map(folders.get(folder) ?? []);
    this.#folders.set(folder, names);
    for (const { node } of names.values()) {
      if (node.type === 'folder') {
        node.parent = folder;
        node.links = 1;
        this.#keep(node, folders, seen);
      } else if (seen.has(node)) {
        node.links += 1;
      } else {
        seen.add(node);
        node.links = 1;
        if (node.type === 'file' && !node.synced) this.#loseData(node);
        this.usedBytes += node.size;
      }
    }
  }

  #loseData(node: SimNode): void {
    const fate = Math.floor(this.#options.random() * 4);
    if (fate === 0) return; // it had reached the disk in time
    if (fate === 1) node.data = new Uint8Array(0);
    if (fate === 2) node.data = new Uint8Array(node.size);
    if (fate === 3) node.data = node.durable?.slice() ?? new Uint8Array(0);
    node.size = node.data.length;
  }
}

function set(folders: Folders, folder: SimNode, key: string, entry: Entry | null): void {
  const names = folders.get(folder) ?? new Map<string, Entry>();
  folders.set(folder, names);
  if (entry === null) names.delete(key);
  else names.set(key, entry);
}

function copy(folders: Folders): Folders {
  return new Map([...folders].map(([folder, names]) => [folder, new Map(names)]));
}

/**
 * Puts nodes back into the tree as they were: in one piece where it fits a commit, parents first, never over
 * what is there now. Every attempt is made anew from the present tree.
 */
import { PersonError } from '../../protocol/errors.ts';
import { ROOT_NODE, TRASH_NODE, type NodeId, type PackName } from '../../protocol/ids.ts';
import { MAX_DEPTH } from '../../protocol/limits.ts';
import type { NodeRecord } from '../crypto/record.ts';
import type { RemoteNode } from '../manifest/manifest.ts';
import { commitNodes, packsToHold, type Made } from './commit-nodes.ts';
import { remotePath } from './paths.ts';
import type { VaultSync } from './vault-sync.ts';

/** Nodes of one commit. */
const MAX_BATCH = 4000;

export interface Cutting {
  readonly node: NodeId;
  /** As it was; the parent of all but the first is a cutting before it. */
  readonly record: NodeRecord;
  /** Packs its content lies in. */
  readonly packs: readonly PackName[];
}

/** Where the first cutting goes: the folder of these names from the root, made where it is missing. */
export interface Destination {
  readonly folder: readonly string[];
  readonly name: string;
  /** Whether something of that name is an error, or is kept beside it under another name. */
  readonly taken: 'refuse' | 'beside';
}

export interface Planted {
  readonly files: number;
  readonly bytes: number;
  /** The first cutting's node, and where it is now. */
  readonly node: NodeId;
}

export interface ReplantParts {
  readonly vault: VaultSync;
  /** The top first, parents before children. */
  readonly cuttings: readonly Cutting[];
  /** Null: where the top is now, or for the root. */
  readonly destination: Destination | null;
  /** As new nodes, whatever became of the old ones. */
  readonly asNew: boolean;
  readonly newId: () => NodeId;
}

/** @throws PersonError quota, exists, not-found; CloudError, LogFault */
export async function replant(parts: ReplantParts): Promise<Planted> {
  const replanting = new Replanting(parts);
  while (await commitNodes(parts.vault, () => replanting.nextCommit())) replanting.committed();
  return replanting.result();
}

interface Put {
  readonly cutting: Cutting | null;
  readonly node: NodeId;
  record: NodeRecord;
}

class Replanting {
  readonly #parts: ReplantParts;
  /** New ids of nodes that are gone for good, or are copied. */
  readonly #fresh = new Map<NodeId, NodeId>();
  readonly #madeFolders = new Map<string, NodeId>();
  /** Names given because the old one was taken: kept, so that nothing is renamed twice. */
  readonly #names = new Map<NodeId, string>();
  readonly #placed = new Set<NodeId>();
  readonly #counted = new Set<NodeId>();
  #proposed: readonly Put[] = [];
  #files = 0;
  #bytes = 0;

  constructor(parts: ReplantParts) {
    this.#parts = parts;
    for (const { node, record } of parts.cuttings) {
      // What stands where it stood and is put right counts when it is; what was away counts for being back.
      if (record.type !== 'folder' && (parts.asNew || !parts.vault.reaches(node))) this.#count(node, record);
    }
  }

  get #remote() {
    return this.#parts.vault.log.store.remote;
  }

  #count(node: NodeId, record: NodeRecord): void {
    if (record.type === 'folder' || this.#counted.has(node)) return;
    this.#counted.add(node);
    this.#files += 1;
    this.#bytes += record.size;
  }

  #idOf(node: NodeId): NodeId {
    const known = this.#fresh.get(node);
    if (known !== undefined) return known;
    if (!this.#parts.asNew && this.#remote.get(node) !== undefined) return node;
    const fresh = this.#parts.newId();
    this.#fresh.set(node, fresh);
    return fresh;
  }

  result(): Planted {
    const [top] = this.#parts.cuttings;
    if (top === undefined) throw new Error('there is something to put back');
    return { files: this.#files, bytes: this.#bytes, node: this.#idOf(top.node) };
  }

  committed(): void {
    for (const { cutting, node } of this.#proposed) {
      this.#placed.add(node);
      if (cutting !== null) this.#count(cutting.node, cutting.record);
    }
  }

  /** Null when everything is in its place. @throws PersonError exists, not-found */
  nextCommit(): Made | null {
    const { vault, cuttings } = this.#parts;
    const puts: Put[] = [];
    for (const [index, cutting] of cuttings.entries()) {
      if (puts.length >= MAX_BATCH) break;
      if (cutting.node === ROOT_NODE && !this.#parts.asNew) continue; // the vault's own name stays
      const node = this.#idOf(cutting.node);
      if (this.#placed.has(node)) continue;
      const place = index === 0 ? this.#topPlace(cutting, puts) : this.#placeUnder(cutting, node);
      const record = { ...cutting.record, ...place };
      if (sameRecord(this.#remote.get(node), record)) continue;
      puts.push({ cutting, node, record });
    }
    this.#untangle(puts);
    this.#spread(puts);
    this.#proposed = puts;
    if (puts.length === 0) return null;
    const packs = puts.flatMap(({ cutting }) => cutting?.packs ?? []);
    return {
      nodes: puts.map(({ node, record }) => ({ node, record })),
      ...packsToHold(vault, packs),
      dropped: [],
    };
  }

  #placeUnder(cutting: Cutting, node: NodeId): Pick<NodeRecord, 'parent' | 'name'> {
    return { parent: this.#idOf(cutting.record.parent), name: this.#names.get(node) ?? cutting.record.name };
  }

  #topPlace(cutting: Cutting, puts: Put[]): Pick<NodeRecord, 'parent' | 'name'> {
    const { destination } = this.#parts;
    const present = this.#remote.get(cutting.node);
    if (destination === null) {
      if (present === undefined) throw new Error('what stays in its place has one');
      return { parent: present.parent, name: present.name };
    }
    const parent = this.#folderAt(destination.folder, puts);
    if (destination.taken === 'refuse' && this.#remote.child(parent, destination.name) !== undefined) {
      throw new PersonError('exists', 'there is something at that place', 'Choose another place.');
    }
    return { parent, name: this.#names.get(this.#idOf(cutting.node)) ?? destination.name };
  }

  /** The folder of that path; what of it is missing is added to `puts`. */
  #folderAt(steps: readonly string[], puts: Put[]): NodeId {
    let parent = ROOT_NODE;
    for (const [index, name] of steps.entries()) {
      const path = steps.slice(0, index + 1).join('/');
      const child = this.#remote.child(parent, name);
      if (child?.type === 'folder') {
        parent = child.id;
        continue;
      }
      const known = this.#madeFolders.get(path);
      const node = known ?? this.#parts.newId();
      this.#madeFolders.set(path, node);
      if (this.#remote.get(node) === undefined) {
        puts.push({ cutting: null, node, record: { ...NEW_FOLDER, parent, name } });
      }
      parent = node;
    }
    return parent;
  }

  /** What would hang from itself (moved into what it held) goes to the root instead. */
  #untangle(puts: readonly Put[]): void {
    const byNode = new Map(puts.map((put) => [put.node, put]));
    for (const put of puts) {
      let current = put.record.parent;
      for (let depth = 0; current !== ROOT_NODE; depth += 1) {
        const above = byNode.get(current)?.record.parent ?? this.#remote.get(current)?.parent;
        if (above === undefined || above === TRASH_NODE || depth > MAX_DEPTH || current === put.node) {
          put.record = { ...put.record, parent: ROOT_NODE };
          break;
        }
        current = above;
      }
    }
  }

  /** Gives another name to what would stand on something that stays. */
  #spread(puts: readonly Put[]): void {
    const leaving = new Set(puts.map((put) => put.node));
    const claimed = new Map<NodeId, Set<string>>();
    for (const put of puts) {
      const { parent } = put.record;
      const names = claimed.get(parent) ?? new Set<string>();
      claimed.set(parent, names);
      const isFree = (name: string): boolean => {
        const occupant = this.#remote.child(parent, name);
        return !names.has(name) && (occupant === undefined || leaving.has(occupant.id));
      };
      const name = freeName(put.record.name, isFree);
      if (name !== put.record.name) {
        put.record = { ...put.record, name };
        this.#names.set(put.node, name);
      }
      names.add(name);
    }
  }
}

const NEW_FOLDER = {
  type: 'folder',
  mode: 0o755,
  mtimeUs: 0,
  size: 0,
  depth: 0,
  list: [],
  content: null,
} as const;

function sameRecord(node: RemoteNode | undefined, record: NodeRecord): boolean {
  if (node?.fault !== null) return false;
  return (
    node.parent === record.parent &&
    node.name === record.name &&
    node.type === record.type &&
    node.content === record.content &&
    (record.type === 'symlink' || node.mode === record.mode) &&
    (record.type !== 'file' || node.mtimeUs === record.mtimeUs)
  );
}

/** `name`, or `name (restored).ext`, `name (restored 2).ext`, ..., within what a name may have. */
function freeName(name: string, isFree: (name: string) => boolean): string {
  if (isFree(name)) return name;
  const dot = name.lastIndexOf('.');
  const at = dot > 0 ? dot : name.length;
  for (let number = 1; ; number += 1) {
    const mark = number === 1 ? ' (restored)' : ` (restored ${number})`;
    const end = mark + name.slice(at);
    const candidate = shortened(name.slice(0, at), 255 - Buffer.byteLength(end)) + end;
    if (isFree(candidate)) return candidate;
  }
}

function shortened(text: string, bytes: number): string {
  let short = text;
  while (Buffer.byteLength(short) > bytes) short = Array.from(short).slice(0, -1).join('');
  return short;
}

/** The names of the folder a node lies in, and its own; null when it is not beneath the root. */
export function placeOf(vault: VaultSync, node: NodeId): { folder: string[]; name: string } | null {
  const found = remotePath(vault.log.store.remote, node);
  if (found === null || found.inTrash) return null;
  const steps = found.path.split('/').filter((step) => step !== '');
  const name = steps.pop();
  return name === undefined ? null : { folder: steps, name };
}

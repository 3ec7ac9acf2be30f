/** Worlds out of the ordinary: a base tree in sync, and what a person and the other devices then did to it. */
import fc from 'fast-check';
import { ROOT_NODE, TRASH_NODE, type ContentId, type NodeId } from '../../protocol/ids.ts';
import { Scope } from '../../sync-engine/plan/scope.ts';
import type { Exclusion, NodeState, NodeType } from '../../sync-engine/plan/tree.ts';
import type { MemoryTree } from './memory-tree.ts';
import { ModelWorld, nodeId } from './model-world.ts';

export const BOUND = nodeId(0x10);
/** A folder of the vault beside the bound one, and a folder with a file in it. */
export const ELSEWHERE = nodeId(0x11);
const WANDERER = nodeId(0x12);

const TYPES = ['file', 'folder', 'symlink'] as const;
const NAMES = ['a', 'b', 'c', 'd'];
/** One name to some file systems, four to the account; and the names of conflict copies of two of them. */
export const VARIANTS = [
  'é',
  'e\u0301',
  'É',
  'E\u0301',
  'é (conflict, laptop, 2026-01-31)',
  'é (conflict, laptop, 2026-01-31) 2',
];
const BOTH_SIDES = [
  'create',
  'edit',
  'move',
  'move',
  'rename',
  'swap',
  'delete',
  'replace',
  'touch',
  'chmod',
] as const;
const REMOTE_ONLY = ['leave', 'tombstone', 'enter', 'retype'] as const;

interface Change {
  readonly kind: (typeof BOTH_SIDES)[number] | (typeof REMOTE_ONLY)[number];
  readonly node: number;
  readonly other: number;
  readonly name: string;
  readonly type: NodeType;
  /** Contents are shared between changes of one number. */
  readonly content: number;
  /** Local: seen, but not read yet. */
  readonly unread: boolean;
}

export interface Story {
  readonly base: readonly { type: NodeType; parent: number; name: string }[];
  readonly local: readonly Change[];
  readonly remote: readonly Change[];
  readonly exclusions: readonly { node: number; exclusion: Exclusion; gone: boolean }[];
  /** Rounds of syncing before the `later` changes. */
  readonly pause: number;
  readonly later: { readonly local: readonly Change[]; readonly remote: readonly Change[] };
  /** Seeds batches and drops. */
  readonly schedule: number;
}

const pick = fc.nat({ max: 30 });

function change(kinds: readonly Change['kind'][], names: readonly string[]): fc.Arbitrary<Change> {
  return fc.record({
    kind: fc.constantFrom(...kinds),
    node: pick,
    other: pick,
    name: fc.constantFrom(...names),
    type: fc.constantFrom(...TYPES),
    content: fc.nat({ max: 1_000 }),
    unread: fc.boolean(),
  });
}

export interface Size {
  readonly nodes: number;
  readonly changes: number;
  readonly exclusions: number;
  readonly least?: number;
  readonly kinds?: readonly Change['kind'][];
  readonly types?: readonly NodeType[];
  readonly names?: readonly string[];
}

export function story(size: Size): fc.Arbitrary<Story> {
  const both = size.kinds ?? BOTH_SIDES;
  const there = size.kinds ?? REMOTE_ONLY;
  const { least = 0, names = NAMES } = size;
  const many = (kinds: readonly Change['kind'][]) =>
    fc.array(change(kinds, names), {
      minLength: Math.min(size.changes, least),
      maxLength: size.changes,
      size: 'max',
    });
  return fc.record({
    base: fc.array(
      fc.record({
        type: fc.constantFrom<NodeType[]>('folder', 'folder', ...(size.types ?? TYPES)),
        parent: pick,
        name: fc.constantFrom(...names),
      }),
      {
        minLength: least,
        maxLength: size.nodes,
        size: 'max',
      },
    ),
    local: many(both),
    remote: many([...both, ...both, ...there]),
    exclusions: fc.array(
      fc.record({
        node: pick,
        exclusion: fc.constantFrom<Exclusion>('deselected', 'deselected', 'ignored'),
        gone: fc.boolean(),
      }),
      { maxLength: size.exclusions },
    ),
    pause: fc.nat({ max: 5 }),
    later: fc.record({ local: many(both), remote: many([...both, ...both, ...there]) }),
    schedule: fc.nat(),
  });
}

export function contentId(number: number): ContentId {
  return number.toString(16).padStart(64, '0') as ContentId;
}

export function state(id: NodeId, parent: NodeId, at: string, type: NodeType, content: number): NodeState {
  const isFile = type === 'file';
  return {
    id,
    parent,
    name: at,
    type,
    mode: type === 'symlink' ? 0o777 : type === 'folder' ? 0o755 : 0o644,
    mtimeUs: isFile ? content : 0,
    size: type === 'folder' ? 0 : content,
    content: type === 'folder' ? null : contentId(content),
  };
}

/** What the changes touched, by side; deleted subtrees whole. */
interface Touched {
  readonly local: Set<NodeId>;
  readonly remote: Set<NodeId>;
}

export interface Scene {
  readonly world: ModelWorld;
  readonly touched: Touched;
  readonly original: readonly NodeState[];
  /** Does the `later` changes. */
  proceed(): void;
}

export function scene(told: Story): Scene {
  const made = new ModelWorld(BOUND);
  for (const id of [BOUND, ELSEWHERE]) made.remote.set(state(id, ROOT_NODE, id, 'folder', 0));
  made.remote.set(state(WANDERER, ELSEWHERE, 'wanderer', 'folder', 0));
  made.remote.set(state(nodeId(0x13), WANDERER, 'a', 'file', 5_000_000));
  const original = layBase(made, told);
  const touched = { local: new Set<NodeId>(), remote: new Set<NodeId>() };
  exclude(made, told, original);
  const local = new Changer(made, made.local, touched.local, 0x1000);
  const remote = new Changer(made, made.remote, touched.remote, 0x2000);
  for (const one of told.local) local.apply(one);
  for (const one of told.remote) remote.apply(one);
  // What the engine does when a selection or a rule changes.
  for (const { id } of original) if (made.excluded(id) !== null) made.dirty.add(id);
  const proceed = () => {
    for (const one of told.later.local) local.apply(one);
    for (const one of told.later.remote) remote.apply(one);
  };
  return { world: made, touched, original, proceed };
}

/** Does to the account what was done here, as another person would have: what is new has ids of its own. */
export function mirror(made: ModelWorld): void {
  const known = new Map<NodeId, NodeId>();
  const there = (id: NodeId) => known.get(id) ?? id;
  for (const node of made.local.subtree(BOUND)) {
    if (made.synced.get(node.id) === undefined) known.set(node.id, nodeId(0x2000 + known.size));
    const { id, parent } = node;
    made.remote.set({
      ...node,
      id: there(id),
      parent: there(parent),
      content: made.onDisk.get(id) ?? node.content,
    });
    made.dirty.add(there(id));
  }
  for (const { id } of made.synced.all()) {
    if (made.local.get(id) !== undefined) continue;
    const state = made.remote.get(id);
    const top = state !== undefined && made.local.get(state.parent) === undefined && state.parent !== BOUND;
    if (state !== undefined && !top) made.remote.set({ ...state, parent: TRASH_NODE });
    made.dirty.add(id);
  }
}

function layBase(made: ModelWorld, { base }: Story): NodeState[] {
  const folders: NodeId[] = [BOUND];
  const original: NodeState[] = [];
  for (const [index, item] of base.entries()) {
    const parent = folders[item.parent % folders.length]!;
    if (made.remote.child(parent, item.name) !== undefined) continue;
    const node = state(nodeId(0x100 + index), parent, item.name, item.type, 1 + index);
    if (item.type === 'folder') folders.push(node.id);
    else made.onDisk.set(node.id, node.content!);
    for (const tree of [made.local, made.remote, made.synced]) tree.set(node);
    original.push(node);
  }
  return original;
}

/** `gone`: excluded for long, so neither on the disk nor in the books; else excluded just now. */
function exclude(made: ModelWorld, told: Story, original: readonly NodeState[]): void {
  for (const { node, exclusion, gone } of told.exclusions) {
    const chosen = original[node % Math.max(1, original.length)];
    if (chosen === undefined) continue;
    made.exclusions.set(chosen.id, exclusion);
    if (!gone) continue;
    for (const { id } of made.local.subtree(chosen.id)) {
      made.local.delete(id);
      made.synced.delete(id);
      made.onDisk.delete(id);
    }
  }
}

class Changer {
  readonly #world: ModelWorld;
  readonly #tree: MemoryTree;
  readonly #touched: Set<NodeId>;
  readonly #isLocal: boolean;
  #nextId: number;

  constructor(changed: ModelWorld, tree: MemoryTree, touched: Set<NodeId>, firstId: number) {
    this.#world = changed;
    this.#tree = tree;
    this.#touched = touched;
    this.#isLocal = tree === changed.local;
    this.#nextId = firstId;
  }

  apply(one: Change): void {
    const nodes = this.#tree.subtree(BOUND).filter(({ id }) => id !== BOUND);
    const folders = [BOUND, ...nodes.filter(({ type }) => type === 'folder').map(({ id }) => id)];
    const folder = folders[one.other % folders.length]!;
    if (one.kind === 'create') this.#create(folder, one.name, one.type, one);
    if (one.kind === 'enter') this.#enter(folder);
    const node = nodes[one.node % Math.max(1, nodes.length)];
    const other = nodes[one.other % Math.max(1, nodes.length)];
    if (node !== undefined && other !== undefined) this.#alter(node, other, folder, one);
  }

  #alter(node: NodeState, other: NodeState, folder: NodeId, one: Change): void {
    switch (one.kind) {
      case 'edit':
        if (node.type !== 'folder') this.#write({ ...node, ...this.#content(node.id, node.type, one) });
        break;
      case 'move':
        this.#move(node, folder, node.name);
        break;
      case 'rename':
        this.#move(node, node.parent, one.name);
        break;
      case 'swap':
        this.#swap(node, other);
        break;
      case 'delete':
        this.#remove(node);
        break;
      case 'replace':
        if (node.type === one.type && node.type === 'folder') break;
        this.#remove(node);
        this.#create(node.parent, node.name, one.type, one);
        break;
      case 'touch':
        if (node.type === 'file') this.#write({ ...node, mtimeUs: one.content });
        break;
      case 'chmod':
        if (node.type !== 'symlink') this.#write({ ...node, mode: 0o700 + (one.content % 3) });
        break;
      case 'leave':
        this.#write({ ...node, parent: ELSEWHERE, name: node.id });
        break;
      case 'tombstone':
        for (const { id } of this.#tree.subtree(node.id)) {
          this.#tree.delete(id);
          this.#touch(id);
        }
        break;
      case 'retype':
        if (node.type === 'file')
          this.#write({
            ...node,
            ...state(node.id, node.parent, node.name, 'symlink', 3_000_000 + one.content),
          });
        break;
      case 'create':
      case 'enter':
        break;
    }
  }

  #content(id: NodeId, type: NodeType, one: Change): Pick<NodeState, 'content' | 'size' | 'mtimeUs'> {
    const number = 1_000_000 + one.content;
    const { content, size, mtimeUs } = state(id, BOUND, '', type, number);
    if (!this.#isLocal || content === null) return { content, size, mtimeUs };
    this.#world.onDisk.set(id, content);
    return { content: one.unread ? null : content, size, mtimeUs };
  }

  #create(parent: NodeId, at: string, type: NodeType, one: Change): void {
    if (this.#tree.child(parent, at) !== undefined) return;
    const id = nodeId(this.#nextId++);
    const fresh = state(id, parent, at, type, 0);
    this.#write({ ...fresh, ...this.#content(id, type, one) });
  }

  #move(node: NodeState, parent: NodeId, to: string): void {
    if (this.#within(parent, node.id) || this.#tree.child(parent, to) !== undefined) return;
    this.#write({ ...node, parent, name: to });
  }

  #swap(one: NodeState, other: NodeState): void {
    if (this.#within(one.id, other.id) || this.#within(other.id, one.id)) return;
    this.#write({ ...one, parent: other.parent, name: other.name });
    this.#write({ ...other, parent: one.parent, name: one.name });
  }

  #remove(node: NodeState): void {
    if (!this.#isLocal) {
      this.#write({ ...node, parent: TRASH_NODE });
      return;
    }
    for (const { id } of this.#tree.subtree(node.id)) {
      this.#tree.delete(id);
      this.#world.onDisk.delete(id);
      this.#touch(id);
    }
  }

  #enter(folder: NodeId): void {
    const wanderer = this.#tree.get(WANDERER);
    if (wanderer?.parent === ELSEWHERE && this.#tree.child(folder, wanderer.name) === undefined) {
      this.#write({ ...wanderer, parent: folder });
    }
  }

  #write(changed: NodeState): void {
    const before = this.#standing(changed.id);
    this.#tree.set(changed);
    this.#touch(changed.id);
    // As the engine does: what crosses a border takes with it nodes that were at rest.
    if (this.#isLocal || before === this.#standing(changed.id)) return;
    for (const { id } of this.#tree.subtree(changed.id)) this.#world.dirty.add(id);
  }

  #standing(id: NodeId): string {
    return `${new Scope(this.#world).reach(id)} ${this.#world.excluded(id) ?? ''}`;
  }

  #touch(id: NodeId): void {
    this.#touched.add(id);
    this.#world.dirty.add(id);
  }

  #within(id: NodeId, top: NodeId): boolean {
    for (let at: NodeId | undefined = id; at !== undefined && at !== BOUND; at = this.#tree.get(at)?.parent) {
      if (at === top) return true;
    }
    return false;
  }
}

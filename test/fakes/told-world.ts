/** Small worlds told by paths, for examples that read like a table. */
import { ROOT_NODE, TRASH_NODE, type NodeId } from '../../protocol/ids.ts';
import type { Operation } from '../../sync-engine/plan/operation.ts';
import { plan } from '../../sync-engine/plan/plan.ts';
import type { MemoryTree } from './memory-tree.ts';
import { BOUND, ELSEWHERE, contentId, state } from './model-changes.ts';
import { ModelWorld, nodeId } from './model-world.ts';

type Side = 'local' | 'remote';

export class ToldWorld extends ModelWorld {
  #next = 0x100;

  /** Paths in sync on both sides: a number is a file's content, null a folder. */
  constructor(base: Record<string, number | null>) {
    super(BOUND);
    for (const id of [BOUND, ELSEWHERE]) this.remote.set(state(id, ROOT_NODE, id, 'folder', 0));
    for (const [path, content] of Object.entries(base)) {
      const node = this.create('remote', path, content);
      for (const tree of [this.local, this.synced]) tree.set(this.remote.get(node)!);
      if (content !== null) this.onDisk.set(node, contentId(content));
    }
    this.dirty.clear();
  }

  id(path: string, side: Side = 'remote'): NodeId {
    let at = this.bound;
    for (const name of path.split('/').filter((part) => part !== '')) {
      const child = this[side].child(at, name);
      if (child === undefined) throw new Error(`no ${path} in ${side}`);
      at = child.id;
    }
    return at;
  }

  create(side: Side, path: string, content: number | null): NodeId {
    const [parent, name] = this.#split(path, side);
    const node = state(
      nodeId(this.#next++),
      parent,
      name,
      content === null ? 'folder' : 'file',
      content ?? 0,
    );
    this.#write(side, node.id, node, content);
    return node.id;
  }

  edit(side: Side, path: string, content: number): void {
    const id = this.id(path, side);
    const { parent, name } = this.#tree(side).get(id)!;
    this.#write(side, id, state(id, parent, name, 'file', content), content);
  }

  move(side: Side, from: string, to: string): void {
    const id = this.id(from, side);
    const [parent, name] = this.#split(to, side);
    this.#write(side, id, { ...this.#tree(side).get(id)!, parent, name }, null);
  }

  delete(side: Side, path: string): void {
    const id = this.id(path, side);
    if (side === 'remote') {
      this.#write(side, id, { ...this.remote.get(id)!, parent: TRASH_NODE }, null);
      return;
    }
    for (const gone of this.local.subtree(id)) {
      this.local.delete(gone.id);
      this.onDisk.delete(gone.id);
      this.dirty.add(gone.id);
    }
  }

  /** Plans and executes all that is dirty until nothing is; returns the last operations that were of use. */
  settle(): readonly Operation[] {
    for (let round = 0; this.dirty.size > 0; round++) {
      if (round === 30) throw new Error(`no rest: ${[...this.dirty].join()}`);
      const { operations, clean } = plan(this, this.dirty, { deviceName: 'here', date: '2026-01-31' });
      for (const id of clean) this.dirty.delete(id);
      this.execute(operations, () => false);
    }
    return this.done;
  }

  /** Path to content of what both sides hold; throws where they differ. */
  paths(): Record<string, number | null> {
    const [local, remote] = [this.#paths(this.local), this.#paths(this.remote)];
    if (JSON.stringify(local) !== JSON.stringify(remote)) {
      throw new Error(`local ${JSON.stringify(local)}, remote ${JSON.stringify(remote)}`);
    }
    return local;
  }

  trash(): string[] {
    return [...this.remote.children(TRASH_NODE)].map(({ name }) => name).sort();
  }

  #paths(tree: MemoryTree): Record<string, number | null> {
    const found: [string, number | null][] = [];
    const walk = (parent: NodeId, prefix: string) => {
      for (const { id, name, type, content } of tree.children(parent)) {
        found.push([prefix + name, type === 'folder' ? null : Number.parseInt(content ?? 'x', 16)]);
        walk(id, `${prefix}${name}/`);
      }
    };
    walk(this.bound, '');
    return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #split(path: string, side: Side): [NodeId, string] {
    const slash = path.lastIndexOf('/');
    return [this.id(path.slice(0, Math.max(0, slash)), side), path.slice(slash + 1)];
  }

  #tree(side: Side): MemoryTree {
    return this[side];
  }

  #write(side: Side, id: NodeId, node: ReturnType<typeof state>, content: number | null): void {
    this.#tree(side).set(node);
    if (side === 'local' && content !== null) this.onDisk.set(id, contentId(content));
    this.dirty.add(id);
  }
}

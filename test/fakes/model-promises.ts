/** What must hold of a model world that has come to rest. */
import { expect } from 'vitest';
import { TRASH_NODE, type ContentId, type NodeId } from '../../protocol/ids.ts';
import { plan } from '../../sync-engine/plan/plan.ts';
import { Scope } from '../../sync-engine/plan/scope.ts';
import type { NodeState } from '../../sync-engine/plan/tree.ts';
import { BOUND } from './model-changes.ts';
import { OPTIONS } from './model-schedule.ts';
import type { ModelWorld } from './model-world.ts';

/** The three trees are one, and no name repeats in it. */
export function expectConverged(on: ModelWorld): void {
  const scope = new Scope(on);
  const names = new Set<string>();
  for (const id of allIds(on)) {
    const inside = id !== BOUND && scope.reach(id) === 'inside';
    expect(scope.reach(id), `chain of ${id}`).not.toBe('broken');
    const expected = inside && on.excluded(id) === null ? on.remote.get(id) : undefined;
    expect(on.local.get(id), `local ${id}`).toEqual(expected);
    expect(on.synced.get(id), `synced ${id}`).toEqual(expected);
    const { parent, name } = on.remote.get(id) ?? {};
    if (parent === undefined || parent === TRASH_NODE) continue;
    expect(names, `name of ${id}`).not.toContain(`${parent}/${name ?? ''}`);
    names.add(`${parent}/${name ?? ''}`);
  }
}

/** Planning all of it again finds nothing to do. */
export function expectQuiet(on: ModelWorld): void {
  const everything = allIds(on);
  everything.delete(BOUND);
  const { operations, clean } = plan(on, everything, OPTIONS);
  expect(operations).toEqual([]);
  expect(new Set(clean)).toEqual(everything);
}

interface Written {
  readonly local: Map<NodeId, ContentId>;
  readonly remote: Map<NodeId, ContentId>;
}

/** What each side holds that the other has not seen; and remote only where it can be seen. */
export function written(on: ModelWorld): Written {
  const local = new Map<NodeId, ContentId>();
  for (const [id, content] of on.onDisk) if (on.synced.get(id)?.content !== content) local.set(id, content);
  const remote = new Map<NodeId, ContentId>();
  for (const { id, content } of on.remote.all()) {
    if (content !== null && on.synced.get(id)?.content !== content) remote.set(id, content);
  }
  return { local, remote };
}

export function contents(states: Iterable<{ content: ContentId | null }>): Set<ContentId> {
  return new Set([...states].flatMap(({ content }) => (content === null ? [] : [content])));
}

/** A node that both sides and the merge base have. */
interface Shared {
  readonly local: NodeState;
  readonly remote: NodeState;
  readonly synced: NodeState;
}

export function shared(on: ModelWorld): Shared[] {
  const scope = new Scope(on);
  const found: Shared[] = [];
  for (const seen of on.local.all()) {
    const { id } = seen;
    const [remote, synced] = [on.remote.get(id), on.synced.get(id)];
    if (remote === undefined || synced === undefined || scope.reach(id) !== 'inside') continue;
    // A type that changed under one id makes two nodes of it.
    if (new Set([seen.type, remote.type, synced.type]).size > 1) continue;
    found.push({ local: { ...seen, content: on.onDisk.get(id) ?? null }, remote, synced });
  }
  return found;
}

/** What one side alone changed is as that side left it, what neither changed as it was: field by field. */
export function expectMerged(on: ModelWorld, before: readonly Shared[]): void {
  for (const { local, remote, synced } of before) {
    const { id } = remote;
    const after = on.remote.get(id)!;
    const merged = <K extends keyof NodeState>(field: K) =>
      remote[field] === synced[field] ? local[field] : remote[field];
    const content = merged('content');
    const bothWrote = local.content !== content && local.content !== synced.content;
    expect(after.content, `content of ${id}`).toBe(content);
    expect(after.mode, `mode of ${id}`).toBe(bothWrote ? remote.mode : merged('mode'));
    expect([local.mtimeUs, remote.mtimeUs], `mtime of ${id}`).toContain(after.mtimeUs);
    if (local.parent !== synced.parent || local.name !== synced.name) continue;
    expect(after.name, `name of ${id}`).toBe(remote.name);
    expect(after.parent, `folder of ${id}`).toBe(remote.parent);
  }
}

/** Every path of the account with what it holds; the ids of what was made on the way may differ. */
export function paths(on: ModelWorld): string[] {
  const found: string[] = [];
  const walk = (parent: NodeId, prefix: string) => {
    for (const { id, name, type, mode, mtimeUs, content } of on.remote.children(parent)) {
      found.push(`${prefix}${name} ${type} ${mode.toString(8)} ${mtimeUs} ${content ?? ''}`);
      walk(id, `${prefix}${name}/`);
    }
  };
  walk(BOUND, '');
  return found.sort();
}

function allIds(on: ModelWorld): Set<NodeId> {
  return new Set([...on.local.all(), ...on.remote.all(), ...on.synced.all()].map(({ id }) => id));
}

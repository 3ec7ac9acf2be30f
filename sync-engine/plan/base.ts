/**
 * Comparing states, and moving the merge base forward. The synced tree advances field by field: a field both
 * sides agree on is settled even while another still travels, so that the next edit of the settled one is not
 * taken for a conflict.
 */
import type { NodeState } from './tree.ts';

export interface Place {
  readonly parent: NodeState['parent'];
  readonly name: string;
}

export function samePlace(a: Place, b: Place): boolean {
  return a.parent === b.parent && a.name === b.name;
}

/** Type and content; not size, which content decides, nor mtime. */
export function sameContent(a: NodeState, b: NodeState): boolean {
  return a.type === b.type && a.content === b.content;
}

export function sameState(a: NodeState, b: NodeState): boolean {
  return (
    samePlace(a, b) && sameContent(a, b) && a.mode === b.mode && a.mtimeUs === b.mtimeUs && a.size === b.size
  );
}

/**
 * The synced state once `local` and `remote` (its row wherever it stands, trash included) are what they are:
 * each field they agree on moves forward, the rest stays. Without a synced state one begins only when all
 * agree. Call it for a node after every operation on it.
 */
export function agreed(
  local: NodeState | undefined,
  remote: NodeState | undefined,
  synced: NodeState | undefined,
): NodeState | undefined {
  if (local === undefined || remote === undefined) return synced;
  if (sameState(local, remote)) return local;
  if (synced === undefined) return undefined;
  return carried(synced, local, {
    place: samePlace(local, remote),
    content: sameContent(local, remote),
    mtimeUs: local.mtimeUs === remote.mtimeUs,
    mode: local.mode === remote.mode,
  });
}

/**
 * The synced state after one side's row went from `before` to `after` because an operation carried the other
 * side's fields over: exactly those fields move forward. Right even when the other side has changed since.
 */
export function advanced(
  synced: NodeState | undefined,
  before: NodeState | undefined,
  after: NodeState,
): NodeState {
  if (synced === undefined || before === undefined) return after;
  return carried(synced, after, {
    place: !samePlace(before, after),
    content: !sameContent(before, after),
    mtimeUs: before.mtimeUs !== after.mtimeUs,
    mode: before.mode !== after.mode,
  });
}

interface Fields {
  readonly place: boolean;
  readonly content: boolean;
  readonly mtimeUs: boolean;
  readonly mode: boolean;
}

function carried(synced: NodeState, from: NodeState, moves: Fields): NodeState {
  const place = moves.place ? from : synced;
  const content = moves.content ? from : synced;
  return {
    id: synced.id,
    parent: place.parent,
    name: place.name,
    type: content.type,
    content: content.content,
    size: content.size,
    mtimeUs: moves.mtimeUs ? from.mtimeUs : synced.mtimeUs,
    mode: moves.mode ? from.mode : synced.mode,
  };
}

/** How stored rows become pages of a bounded size, whatever store they are read from. */
import { hex } from './columns.ts';
import type { NodeId, PackName, SealedObject } from '../../protocol/ids.ts';
import type { HistoryItem, StateNode, StatePack, StatePage } from '../../protocol/pages.ts';

/** Commits in one page of changes, however small they are. */
export const MAX_PAGE_COMMITS = 2_000;
const CURSOR = /^(?:n([0-9a-f]{32})|p([0-9a-f]{64})?)$/;

/** Takes items until the next would burst the bound; the first goes whatever its size. */
export class PageRoom {
  #left: number;
  #empty = true;

  constructor(maxBytes: number) {
    this.#left = maxBytes;
  }

  takes(bytes: number): boolean {
    if (!this.#empty && bytes > this.#left) return false;
    this.#empty = false;
    this.#left -= bytes;
    return true;
  }
}

/** Where a page of the live state begins: after a node, or, all nodes being through, after a pack. */
export type StateCursor =
  { readonly nodes: true; readonly after: string } | { readonly nodes: false; readonly after: string };

/** Null when it is no cursor of ours. */
export function parseStateCursor(text: string | null): StateCursor | null {
  const match = CURSOR.exec(text ?? `n${'0'.repeat(32)}`);
  if (match === null) return null;
  return match[1] === undefined ? { nodes: false, after: match[2] ?? '' } : { nodes: true, after: match[1] };
}

/** One page of the live state: nodes by id, then packs by name. */
export class StatePageRows {
  readonly #nodes: StateNode[] = [];
  readonly #packs: StatePack[] = [];
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The page, once this node has filled it. */
  addNode(row: { node: Buffer; revision: number; object: Buffer }): StatePage | null {
    const node = hex(row.node) as NodeId;
    this.#nodes.push({ node, revision: row.revision, object: row.object as Uint8Array as SealedObject });
    this.#bytes += row.object.length + 24;
    return this.#bytes >= this.#maxBytes ? this.#page(`n${node}`) : null;
  }

  /** Indexes are large: a page that would burst its bound ends before the next one. */
  fullBefore(indexBytes: number): StatePage | null {
    if (this.#bytes === 0 || this.#bytes + indexBytes <= this.#maxBytes) return null;
    return this.#page(`p${this.#packs.at(-1)?.name ?? ''}`);
  }

  addPack(row: { name: Buffer; size: number; index_object: Buffer }): void {
    const name = hex(row.name) as PackName;
    this.#packs.push({ name, size: row.size, index: row.index_object as Uint8Array as SealedObject });
    this.#bytes += row.index_object.length + 40;
  }

  last(): StatePage {
    return this.#page(null);
  }

  #page(nextCursor: string | null): StatePage {
    return { nodes: this.#nodes, packs: this.#packs, nextCursor };
  }
}

export interface HistoryColumns {
  received_ms: number;
  header: Buffer;
  signature: Buffer;
  entries: Buffer;
  revision: number;
  object: Buffer | null;
}

export function historyItem(row: HistoryColumns): { readonly item: HistoryItem; readonly bytes: number } {
  const item = {
    receivedAtMs: row.received_ms,
    signed: { bytes: row.header, signature: row.signature },
    entries: row.entries,
    revision: row.revision,
    object: row.object as Uint8Array | null as SealedObject | null,
  };
  return { item, bytes: row.entries.length + (row.object?.length ?? 0) + 400 };
}

/**
 * Conflict copies made on this device, told to the person, who may choose between them and what they are copies
 * of. A choice is an ordinary change of the folder, found by the next scan: it goes to every device, and what
 * loses its place is in the trash.
 */
import { z } from 'zod';
import { PersonError } from '../../protocol/errors.ts';
import type { NodeId } from '../../protocol/ids.ts';
import type { ApplyOperation, ApplyResult } from '../local-fs/apply-types.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { Books } from './books.ts';
import type { IssueCode } from './issue-codes.ts';
import { folderOf } from './paths.ts';
import type { PairDisk } from './pair-disk.ts';

const KEPT = 'conflict-copies';
/** More are not told: whoever has so many does not go through them one by one. */
const MOST = 500;
const keptSchema = z.record(z.string(), z.object({ of: z.string(), path: z.string() }));

type Step = Extract<ApplyOperation, { kind: 'move' | 'remove' }>;

interface Copy {
  /** The node it is a copy of, as far as it is known. */
  readonly of: NodeId;
  /** Where that was when the copy was made. */
  readonly path: string;
}

export interface ConflictsParts {
  readonly books: Books;
  readonly manifest: Manifest;
  readonly disk: PairDisk;
  readonly raise: (node: NodeId, code: IssueCode, path: string, more: string) => void;
  readonly clear: (node: NodeId, code: IssueCode) => void;
  /** A folder changed: it is to be listed. */
  readonly rescan: (folder: string) => void;
}

export class Conflicts {
  readonly #parts: ConflictsParts;
  readonly #copies: Map<NodeId, Copy>;

  constructor(parts: ConflictsParts) {
    this.#parts = parts;
    const text = parts.books.pair.meta(KEPT);
    const kept = text === null ? {} : (keptSchema.safeParse(JSON.parse(text)).data ?? {});
    this.#copies = new Map(Object.entries(kept) as [NodeId, Copy][]);
  }

  /** The node's local version, of that name, was renamed to be a node of its own. */
  made(copy: NodeId, node: NodeId, name: string): void {
    const { pair, vault } = this.#parts.books;
    const here = pair.diskPath(copy);
    const parent = pair.local.get(copy)?.parent;
    if (here === null || parent === undefined || this.#copies.size >= MOST) return;
    // Where each side made one of the same name, the account's is another node.
    const of = vault.remote.get(node) === undefined ? vault.remote.child(parent, name)?.id : node;
    const folder = folderOf(here);
    this.#copies.set(copy, { of: of ?? node, path: folder === '' ? name : `${folder}/${name}` });
    this.#keep();
    this.tell(copy);
  }

  /** Says it, or says it again. */
  tell(copy: NodeId): void {
    const { books, raise } = this.#parts;
    const known = this.#copies.get(copy);
    const here = books.pair.diskPath(copy);
    if (known !== undefined && here !== null)
      raise(copy, 'conflict', here, `The other one is ${known.path}.`);
  }

  /** Takes back what is said of copies that are gone. */
  forgetGone(): void {
    for (const copy of [...this.#copies.keys()])
      if (this.#parts.books.pair.local.get(copy) === undefined) this.keepBoth(copy);
  }

  keepBoth(copy: NodeId): void {
    this.#parts.clear(copy, 'conflict');
    if (this.#copies.delete(copy)) this.#keep();
  }

  /** @throws PersonError out-of-sync, when one of them was changed and is not stored yet */
  async keepOriginal(copy: NodeId): Promise<void> {
    const going = this.#removal(copy);
    if (going !== null) await this.#apply([going]);
    this.keepBoth(copy);
  }

  /** @throws PersonError out-of-sync, when one of them was changed and is not stored yet */
  async keepCopy(copy: NodeId): Promise<void> {
    const { pair } = this.#parts.books;
    const local = pair.local.get(copy);
    const from = pair.diskPath(copy);
    const known = this.#copies.get(copy);
    if (local === undefined || from === null || known === undefined) throw changed();
    this.#removal(copy);
    const to = pair.diskPath(known.of) ?? known.path;
    const going = pair.diskPath(known.of) === null ? null : this.#removal(known.of);
    const move: Step = { kind: 'move', from, to, known: this.#parts.disk.known(local) };
    const results = await this.#try(going === null ? [move] : [going, move]);
    if (results.every(({ outcome }) => outcome === 'applied')) {
      this.keepBoth(copy);
      return;
    }
    // The original made way for a copy that did not come: it is fetched again, and its absence is no removal.
    if (going !== null && results[0]?.outcome === 'applied') this.#bringBack(known.of);
    throw changed();
  }

  /** How the node goes to the local trash; the account has all of it. Null when it is gone. */
  #removal(id: NodeId): Step | null {
    const { books } = this.#parts;
    const { pair } = books;
    const path = pair.diskPath(id);
    const [top, ...beneath] = books.localSubtree(id);
    if (path === null || path === '' || top === undefined) return null;
    if ([top, ...beneath].some((node) => pair.isDirty(node.id))) throw notStored();
    const inside = beneath.map((node) => ({
      path: (pair.diskPath(node.id) ?? '').slice(path.length + 1),
      stat: this.#parts.disk.known(node),
    }));
    return { kind: 'remove', path, known: this.#parts.disk.known(top), inside };
  }

  #bringBack(id: NodeId): void {
    const { books, manifest } = this.#parts;
    manifest.transaction(() => {
      books.disown(id);
      books.vanished(id);
    });
  }

  async #apply(operations: readonly Step[]): Promise<void> {
    const results = await this.#try(operations);
    if (!results.every(({ outcome }) => outcome === 'applied')) throw changed();
  }

  async #try(operations: readonly Step[]): Promise<readonly ApplyResult[]> {
    const results = await this.#parts.disk.apply(operations);
    for (const operation of operations) {
      const paths = operation.kind === 'move' ? [operation.from, operation.to] : [operation.path];
      for (const path of paths) this.#parts.rescan(folderOf(path));
    }
    return results;
  }

  #keep(): void {
    const { pair } = this.#parts.books;
    pair.setMeta(KEPT, this.#copies.size === 0 ? null : JSON.stringify(Object.fromEntries(this.#copies)));
  }
}

function notStored(): PersonError {
  return new PersonError(
    'out-of-sync',
    'one of the two files is not stored in the account yet',
    'Run `coffre wait`, then choose again.',
  );
}

function changed(): PersonError {
  return new PersonError(
    'out-of-sync',
    'one of the two files was changed or moved meanwhile',
    'Look at both, then choose again.',
  );
}

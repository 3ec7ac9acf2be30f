/**
 * What was applied, or read from the folder, and is not yet known to be on stable storage. After an unclean stop it
 * is read again: what the power loss damaged is put in the local trash and fetched again, never uploaded as if the
 * person had edited it.
 */
import type { ContentId, NodeId } from '../../protocol/ids.ts';
import { MAX_DEPTH } from '../../protocol/limits.ts';
import { isShownAs } from '../local-fs/capabilities.ts';
import { DiskError, type DiskStat } from '../local-fs/disk.ts';
import type { Manifest, UnsettledMark } from '../manifest/manifest.ts';
import type { VaultTransfer } from '../transfer/sealing-jobs.ts';
import { sameContent, samePlace } from '../plan/base.ts';
import type { NodeState } from '../plan/tree.ts';
import type { Books } from './books.ts';
import type { PairDisk } from './pair-disk.ts';
import { placeOnDisk } from './targets.ts';
import { findElsewhere, type Elsewhere } from './unsettled-elsewhere.ts';

const VERIFY_BATCH = 1000;
const FLUSH_BATCH = 100_000;

export interface UnsettledParts {
  readonly books: Books;
  readonly manifest: Manifest;
  readonly disk: PairDisk;
  readonly transfer: VaultTransfer;
  readonly did: (path: string, action: string, reason: string, bytes: number) => void;
}

export class Unsettled {
  readonly #parts: UnsettledParts;

  constructor(parts: UnsettledParts) {
    this.#parts = parts;
  }

  /**
   * @param mayBeLost whether names may be gone, too: otherwise what is not there was removed by somebody
   * @throws DiskError when not all could be looked at: then nothing of the rest is settled
   */
  async verify(mayBeLost: boolean, signal: AbortSignal): Promise<void> {
    const { books, disk, transfer, manifest } = this.#parts;
    const { pair } = books;
    const { state } = disk.check(false);
    if (state !== 'ok') throw new DiskError('io', `check (${state})`);
    // As it was when they were put in place: the account may be heard of at any moment now, and move on.
    const wanted = new Map(pair.unsettled(FLUSH_BATCH).map((mark) => [mark.id, this.#stateOf(mark)]));
    for (;;) {
      const marks = pair.unsettled(VERIFY_BATCH);
      if (marks.length === 0 || signal.aborted) return;
      const ids = marks.map(({ id }) => id);
      const marked = new Map(marks.map((mark) => [mark.id, mark]));
      const elsewhere = await findElsewhere(disk, mayBeLost ? marks : [], (id) => this.#placeOf(id));
      const files = ids.flatMap((id) => {
        const moved = elsewhere.get(id);
        if (moved !== undefined)
          return [{ id, path: disk.absolute(moved.path), type: 'file' as const, size: moved.stat.size }];
        const { type, size } = pair.local.get(id) ?? books.remoteInScope(id) ?? { type: 'folder', size: 0 };
        const path = this.#placeOf(id);
        if (path === null || type === 'folder') return [];
        return [{ id, path: disk.absolute(path), type, size }];
      });
      const results = await transfer.ingest(
        files,
        // Nothing is sealed: it is only compared.
        { known: (chunks) => Promise.resolve(chunks.map(() => true)), pack: () => Promise.resolve() },
        signal,
      );
      for (const result of results) {
        const { id } = result;
        const content = result.ok ? result.content.id : null;
        const mark = marked.get(id);
        const moved = elsewhere.get(id);
        // A person moved it, which the scan will see; what cannot be read now is not called damaged.
        if (moved !== undefined && (content === null || content === mark?.put?.content)) continue;
        if (moved !== undefined) await this.#refetch(id, moved);
        else if (this.#isDamaged(id, content, mark, mayBeLost)) await this.#refetch(id);
      }
      const inPlace = results.filter(({ id }) => !elsewhere.has(id));
      const read = new Map(inPlace.map((result) => [result.id, result.ok ? result.content : null]));
      manifest.transaction(() => {
        if (mayBeLost) for (const id of ids) this.#bringBack(id);
        for (const id of ids) this.#own(id, wanted, read);
      });
      // Read whole from memory is not yet on the disk: only the process may have ended, and the power goes later.
      await this.#settle(marks);
    }
  }

  /** Puts what was applied on stable storage: only then is it settled. */
  async flush(): Promise<void> {
    const marks = this.#parts.books.pair.unsettled(FLUSH_BATCH);
    if (marks.length === 0) return;
    await this.#settle(marks);
    this.#parts.manifest.checkpoint();
  }

  async #settle(marks: readonly UnsettledMark[]): Promise<void> {
    const { books, manifest, disk } = this.#parts;
    await disk.flush();
    manifest.transaction(() => {
      for (const mark of marks) books.pair.clearUnsettled(mark);
    });
  }

  /**
   * Where the node is on disk, or would have been put: the manifest may be older than the folder, and know nothing
   * of folders above it that came whole.
   */
  #placeOf(id: NodeId, depth = 0): string | null {
    const { books, disk } = this.#parts;
    const { pair } = books;
    if (id === pair.config.bound) return '';
    if (pair.local.get(id) !== undefined) return pair.diskPath(id);
    const remote = depth > MAX_DEPTH ? undefined : books.remoteInScope(id);
    if (remote === undefined) return null;
    const folder = this.#placeOf(remote.parent, depth + 1);
    const name = disk.nameFor(remote.parent, remote.name, id);
    if (folder === null || typeof name === 'object') return null;
    return folder === '' ? name : `${folder}/${name}`;
  }

  /** What was put in place is not what is there, and no person edited it since. */
  #isDamaged(
    id: NodeId,
    content: ContentId | null,
    mark: UnsettledMark | undefined,
    mayBeLost: boolean,
  ): boolean {
    const { books, disk } = this.#parts;
    const { pair } = books;
    const path = this.#placeOf(id);
    const stat = path === null ? null : disk.lstat(path);
    const local = pair.local.get(id);
    // A row not read since it was seen to change is a person's.
    const states = [local, pair.synced.get(id), books.remoteInScope(id)].filter(
      (state) => state !== undefined && (state.type === 'folder' || state.content !== null),
    );
    if (content !== null && [...states, mark?.put].some((state) => state?.content === content)) return false;
    // Not put in place before the power went, or gone since: a row alone is out of date.
    if (stat === null) return mayBeLost && local !== undefined;
    const type = (local ?? states[0])?.type;
    // No loss of power makes one of another kind.
    if (type !== undefined && stat.type !== type) return false;
    if (stat.type !== 'file') return true;
    // Emptied by somebody, it has a time after that of its row.
    if (stat.size === 0 && (local === undefined || stat.mtimeUs <= local.ctimeUs)) return true;
    // Whoever edits a file gives it a time of its own; what was there before may be back, whole or not.
    const given = [...states, mark?.put, mark?.before].flatMap((state) => state?.mtimeUs ?? []);
    return given.some((mtimeUs) => this.#isTime(stat.mtimeUs, mtimeUs));
  }

  /** Whether this disk, given the one time, may show the other. */
  #isTime(shownUs: number, givenUs: number): boolean {
    return isShownAs(givenUs, shownUs, this.#parts.disk.capabilities.mtimeGranularityUs);
  }

  /** What was put in place of a node, in the account's place for it: what the account says may be newer. */
  #stateOf({ id, put }: UnsettledMark): NodeState | undefined {
    const state = this.#parts.books.remoteInScope(id);
    return state?.type !== 'file' || put === null ? state : { ...state, ...put };
  }

  /**
   * What stands there was put there, and the stop came before that was written down: it is no person's edit, which
   * a newer one in the account would be a conflict with. The folders above first.
   */
  #own(
    id: NodeId,
    wanted: Map<NodeId, NodeState | undefined>,
    read: ReadonlyMap<NodeId, { readonly id: ContentId; readonly size: number } | null>,
  ): void {
    const { books, disk } = this.#parts;
    const { pair } = books;
    const state = wanted.get(id);
    if (state === undefined) return;
    wanted.delete(id);
    this.#own(state.parent, wanted, read);
    const local = pair.local.get(id);
    const synced = pair.synced.get(id);
    const found = read.get(id);
    if (state.type !== 'folder' && found?.id !== state.content) return;
    if (local !== undefined) {
      const isOld = synced !== undefined && sameContent(local, synced) && !sameContent(local, state);
      if (local.parked || !samePlace(local, state) || !isOld) return;
    }
    const place = placeOnDisk(books, disk, state.parent, state.name, id);
    if (place === null || 'problem' in place) return;
    const stat = disk.lstat(place.path);
    if (stat?.type !== state.type || !this.#isAsPlaced(stat, state)) return;
    books.carried(local, state);
    books.wrote({ ...state, size: found?.size ?? state.size }, stat, place.alias);
    books.touched(id);
  }

  #isAsPlaced(stat: DiskStat, { type, mode, mtimeUs }: NodeState): boolean {
    if (type === 'symlink') return true;
    const { modes } = this.#parts.disk.capabilities;
    return (!modes || stat.mode === mode) && (type === 'folder' || this.#isTime(stat.mtimeUs, mtimeUs));
  }

  /** A folder that was made and is not there: without a synced state its absence is no deletion. */
  #bringBack(id: NodeId): void {
    const { books, disk } = this.#parts;
    const { pair } = books;
    const path = pair.local.get(id)?.type === 'folder' ? pair.diskPath(id) : null;
    if (path === null || disk.lstat(path) !== null) return;
    pair.deleteSynced(id);
    pair.markDirty(id);
  }

  /** Out of the way and fetched again: without a synced state its absence is no deletion. */
  async #refetch(id: NodeId, moved: Elsewhere | null = null): Promise<void> {
    const { books, manifest, disk, did } = this.#parts;
    const { pair } = books;
    const path = moved?.path ?? this.#placeOf(id);
    if (path === null) return;
    const stat = moved?.stat ?? disk.lstat(path);
    if (stat !== null && stat.type !== 'other') {
      const [result] = await disk.apply([{ kind: 'remove', path, known: { ...stat }, inside: [] }]);
      if (result?.outcome === 'blocked') throw new DiskError('io', `remove (${result.code})`);
      // Somebody writes to it: what is there now is theirs.
      if (result?.outcome === 'stale') return;
    }
    manifest.transaction(() => {
      books.vanished(id);
      pair.deleteSynced(id);
      pair.markDirty(id);
    });
    did(path, 'verify-failed', 'power-loss', 0);
  }
}

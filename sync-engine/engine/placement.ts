/** Puts staged content in place: files and links one by one, a new folder with all that is in it. */
import type { NodeId } from '../../protocol/ids.ts';
import type { ApplyOperation } from '../local-fs/apply-types.ts';
import { DiskError, type DiskStat } from '../local-fs/disk.ts';
import type { KnownStat } from '../local-fs/subtree.ts';
import type { LocalNode } from '../manifest/manifest.ts';
import { sameContent, samePlace, sameState } from '../plan/base.ts';
import type { NodeState } from '../plan/tree.ts';
import { touched, type ExecutorParts } from './executor-parts.ts';
import type { Staged } from './fetch-lane.ts';
import type { NewFolder } from './new-folders.ts';
import type { Step, StepRunner } from './step-runner.ts';
import { isRoom, targetOf } from './targets.ts';

/** A step, and the nodes that it puts on the disk. */
interface PlaceStep extends Step {
  readonly placed: readonly NodeState[];
}

export class Placement {
  readonly #parts: ExecutorParts;
  readonly #runner: StepRunner;

  constructor(parts: ExecutorParts, runner: StepRunner) {
    this.#parts = parts;
    this.#runner = runner;
  }

  /** @param inodes of the staged files */
  async place(
    staged: readonly Staged[],
    folders: readonly NewFolder[],
    inodes: ReadonlyMap<NodeId, number>,
  ): Promise<void> {
    const { manifest, disk, newFolders } = this.#parts;
    const steps: PlaceStep[] = [];
    for (const item of staged) {
      const step = this.#file(item);
      if (step !== null) steps.push(step);
    }
    const unplaced: NewFolder[] = [];
    for (const folder of folders) {
      const step = this.#folder(folder, () => unplaced.push(folder));
      if (step !== null) steps.push(step);
      else {
        newFolders.outdated(folder);
        unplaced.push(folder);
      }
    }
    if (steps.length > 0) {
      // Written down for good before the folder changes: after a loss of power the folder may be newer than the
      // manifest, and what was lost of it must not look like a person's edit.
      manifest.transaction(() => {
        for (const state of steps.flatMap(({ placed }) => placed))
          this.#unsettled(state, inodes.get(state.id) ?? null);
      });
      manifest.checkpoint();
      await this.#runner.run(steps);
    }
    if (unplaced.length > 0) await disk.dropStaged(unplaced);
  }

  #file({ id, state }: Staged): PlaceStep | null {
    const { books, hooks } = this.#parts;
    const { pair } = books;
    const local: LocalNode | undefined = pair.local.get(id);
    const remote = books.remoteInScope(id);
    const synced = pair.synced.get(id);
    // The world moved on while it was fetched: plan again.
    if (remote?.content !== state.content) return null;
    if (local === undefined) {
      if (!sameState(remote, state) || !isRoom(books, id, state)) return null;
    } else if (
      local.parked ||
      !samePlace(local, state) ||
      synced === undefined ||
      !sameContent(local, synced)
    ) {
      // Only content the account had is ever replaced.
      return null;
    }
    const target =
      local === undefined
        ? targetOf(this.#parts, state.parent, state.name, id)
        : { path: pair.diskPath(id), alias: local.localName };
    if (typeof target?.path !== 'string') return null;
    const { path, alias } = target;
    const known = local === undefined ? null : this.#parts.disk.known(local);
    const step = this.#fileOperation(state, path, known);
    if (step === null) return null;
    return {
      id,
      step,
      placed: [state],
      after: (stat) => {
        books.carried(local, state);
        books.wrote(state, stat, alias);
        this.#unsettled(state, stat.ino);
        touched(this.#parts, id);
        hooks.did(id, 'download', local === undefined ? 'created-elsewhere' : 'edited-elsewhere', state.size);
      },
    };
  }

  #fileOperation(state: NodeState, path: string, known: KnownStat | null): ApplyOperation | null {
    const { disk, hooks } = this.#parts;
    if (state.type !== 'symlink') {
      return {
        kind: 'place-file',
        staged: disk.stagedName(state),
        path,
        known,
        mode: state.mode,
        mtimeUs: state.mtimeUs,
      };
    }
    try {
      return { kind: 'place-link', target: disk.takeTarget(state), path, known };
    } catch (error) {
      if (!(error instanceof DiskError || error instanceof TypeError)) throw error;
      hooks.blocked(state.id, error instanceof DiskError ? error.code : 'illegal-name');
      return null;
    }
  }

  #folder(folder: NewFolder, unplaced: () => void): PlaceStep | null {
    const { books, disk, newFolders } = this.#parts;
    const { top, inside } = folder;
    if (!newFolders.isCurrent(folder) || !isRoom(books, top.id, top)) return null;
    const target = targetOf(this.#parts, top.parent, top.name, top.id);
    if (target === null) return null;
    return {
      id: top.id,
      step: {
        kind: 'place-folder',
        staged: disk.stagedName(top),
        path: target.path,
        mode: top.mode,
        inside: inside.map(({ path, state: { type, mode, mtimeUs } }) => ({ path, type, mode, mtimeUs })),
      },
      placed: [top, ...inside.map(({ state }) => state)],
      after: (stat, found) => {
        newFolders.made(top.id);
        this.#took(top, stat, target.alias);
        const stats = new Map(found.map((entry) => [entry.path, entry.stat]));
        for (const { path, state } of inside) {
          const own = stats.get(path);
          if (own !== undefined) this.#took(state, own, null);
        }
        for (const { id, type } of [top, ...inside.map(({ state }) => state)]) {
          if (type === 'folder') this.#markNew(id);
        }
      },
      refused: ({ outcome }) => {
        unplaced();
        newFolders.fallsApart(folder, outcome === 'stale' ? [] : undefined);
        // What stands in the way is looked at; what else is wrong, the ordinary way finds out and tells.
        return outcome === 'blocked';
      },
    };
  }

  #unsettled({ id, content, mtimeUs }: NodeState, ino: number | null): void {
    this.#parts.books.pair.markUnsettled(id, content === null ? null : { content, mtimeUs, ino });
  }

  /** What stands on the disk now and was not there before. */
  #took(state: NodeState, stat: DiskStat, alias: string | null): void {
    const { books, hooks } = this.#parts;
    books.carried(undefined, state);
    books.wrote(state, stat, alias);
    this.#unsettled(state, stat.ino);
    touched(this.#parts, state.id);
    const action = state.type === 'folder' ? 'make-folder' : 'download';
    hooks.did(state.id, action, 'created-elsewhere', state.size);
  }

  /** What came into a folder while it was staged was not looked at yet. */
  #markNew(folder: NodeId): void {
    const { pair, vault } = this.#parts.books;
    for (const { id } of vault.remote.children(folder)) {
      if (pair.local.get(id) === undefined) pair.markDirty(id);
    }
  }
}

/** Runs steps on the disk, in a worker and in order, and then moves the books, in one transaction. */
import type { NodeId } from '../../protocol/ids.ts';
import type { ApplyOperation, ApplyResult } from '../local-fs/apply-types.ts';
import type { DiskStat } from '../local-fs/disk.ts';
import { PARKED_NODE } from '../plan/tree.ts';
import type { ExecutorParts } from './executor-parts.ts';

type Applied = Extract<ApplyResult, { outcome: 'applied' }>;
type Refused = Exclude<ApplyResult, Applied>;

export interface Step {
  readonly step: ApplyOperation;
  readonly id: NodeId;
  /** Moves the books; runs in one transaction with the others of its batch. */
  readonly after: (stat: DiskStat, inside: Applied['inside']) => void;
  /** Nothing is left at the path. */
  readonly gone?: true;
  /** Whether a refusal was seen to; what it says true to has no issue. */
  readonly refused?: (result: Refused) => boolean;
}

const NOTHING: DiskStat = {
  type: 'other',
  mode: 0,
  size: 0,
  mtimeUs: 0,
  ctimeUs: 0,
  birthUs: 0,
  ino: 0,
  dev: 0,
  links: 0,
};

export class StepRunner {
  readonly #parts: Pick<ExecutorParts, 'books' | 'disk' | 'manifest' | 'log' | 'hooks'>;

  constructor(parts: Pick<ExecutorParts, 'books' | 'disk' | 'manifest' | 'log' | 'hooks'>) {
    this.#parts = parts;
  }

  async run(steps: readonly Step[]): Promise<void> {
    const { disk, manifest } = this.#parts;
    const results = await disk.apply(steps.map(({ step }) => step));
    manifest.transaction(() => {
      for (const [index, step] of steps.entries()) {
        const result = results[index];
        if (result === undefined) continue;
        if (result.outcome !== 'applied') this.#refused(step, result);
        else if (result.stat !== null || step.gone === true)
          step.after(result.stat ?? NOTHING, result.inside);
        else this.#refused(step, { outcome: 'stale', code: 'missing', found: null });
      }
    });
  }

  #refused({ id, refused }: Step, result: Refused): void {
    const { books, hooks, log } = this.#parts;
    books.pair.markDirty(id);
    if (refused?.(result) === true) return;
    if (result.outcome === 'blocked') {
      hooks.blocked(id, result.code);
      return;
    }
    // The disk is not what was last seen: look at it again.
    const local = books.pair.local.get(id);
    const parent = local?.parent ?? log.store.remote.get(id)?.parent;
    const path = parent === undefined || parent === PARKED_NODE ? '' : books.pair.diskPath(parent);
    hooks.rescan(path ?? '');
    hooks.blocked(id, 'stale');
  }
}

/** The ways out of an issue that a person chooses: what each of them does. */
import { PersonError } from '../../protocol/errors.ts';
import type { Disk } from '../local-fs/disk.ts';
import { createMarker } from '../local-fs/root-marker.ts';
import type { IssueRow, PairId } from '../manifest/manifest.ts';
import type { IssueBoard } from './issue-board.ts';
import type { PairRun } from './pair-run.ts';
import type { QuotaWait } from './quota-wait.ts';
import type { Vaults } from './vaults.ts';

export interface IssueWaysParts {
  readonly disk: Disk;
  readonly issues: IssueBoard;
  readonly quota: QuotaWait;
  readonly vaults: Vaults;
  readonly pairs: ReadonlyMap<PairId, PairRun>;
  readonly removePair: (id: PairId) => Promise<void>;
}

export class IssueWays {
  readonly #parts: IssueWaysParts;

  constructor(parts: IssueWaysParts) {
    this.#parts = parts;
  }

  /** @throws PersonError not-found, bad-input (no way out of this issue) */
  async resolve(id: number, way: string): Promise<void> {
    const { issues, disk, pairs, removePair } = this.#parts;
    const issue = issues.get(id);
    if (issue === undefined)
      throw new PersonError('not-found', `there is no issue ${id}`, 'List them with `coffre issues`.');
    if (way !== 'retry' && way !== 'dismiss' && !issue.ways.includes(way)) {
      throw new PersonError(
        'bad-input',
        `'${way}' is no way out of this issue`,
        `Choose one of: ${issue.ways.join(', ')}.`,
      );
    }
    const run = issue.pair === null ? undefined : pairs.get(issue.pair);
    if (way === 'dismiss') {
      issues.drop(id);
    } else if (issue.code === 'mass-deletion' && run !== undefined) {
      if (way === 'delete' || way === 'restore') run.sync.decideRemoval(way);
    } else if (way === 'remove-pair' && issue.pair !== null) {
      await removePair(issue.pair);
    } else if (way === 'relink' && run !== undefined) {
      createMarker(disk, run.record.config.folder, run.record.marker);
      issues.drop(id);
    } else if (way === 'rejoin') {
      await this.#rejoin();
      issues.drop(id);
    } else {
      this.#retry(issue, run);
    }
  }

  #retry(issue: IssueRow, run: PairRun | undefined): void {
    const { issues, vaults, quota } = this.#parts;
    issues.drop(issue.id);
    if (issue.node !== null && run !== undefined) {
      run.sync.pair.release(issue.node);
      run.sync.pair.markDirty(issue.node);
    }
    vaults.retryStopped();
    quota.retryNow();
  }

  /** After a server was restored from a backup: this device's newer state is proposed again on its older head. */
  async #rejoin(): Promise<void> {
    const { vaults } = this.#parts;
    for (const vault of vaults.all()) {
      if (vault.stopped === null) continue;
      await vault.log.rejoin();
      vault.stopped = null;
    }
  }
}

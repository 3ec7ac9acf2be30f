/** The ways out of an issue that a person chooses: what each of them does. */
import { PersonError } from '../../protocol/errors.ts';
import type { NodeId } from '../../protocol/ids.ts';
import type { Disk } from '../local-fs/disk.ts';
import { createMarker } from '../local-fs/root-marker.ts';
import type { IssueRow, PairId, PairStore } from '../manifest/manifest.ts';
import type { PairRecord } from './engine-parts.ts';
import type { IssueBoard } from './issue-board.ts';
import type { IssueWay } from './issue-codes.ts';
import type { QuotaWait } from './quota-wait.ts';
import type { Vaults } from './vaults.ts';

/** What the ways need of a pair. */
export interface PairRunWays {
  readonly record: PairRecord;
  readonly sync: {
    readonly pair: Pick<PairStore, 'release' | 'markDirty'>;
    decideRemoval(way: 'delete' | 'restore'): void;
    chooseVersion(copy: NodeId, way: 'keep-both' | 'keep-original' | 'keep-copy'): Promise<void>;
  };
  lookAnew(): void;
}

export interface IssueWaysParts {
  readonly disk: Disk;
  readonly issues: IssueBoard;
  readonly quota: Pick<QuotaWait, 'retryNow'>;
  readonly vaults: Pick<Vaults, 'rejoin' | 'retryStopped'>;
  readonly pairs: ReadonlyMap<PairId, PairRunWays>;
  readonly addIgnoreRule: (folder: string, rule: string) => Promise<void>;
  readonly removePair: (id: PairId) => Promise<void>;
}

/** Exactly one path, in the language of ignore rules. @throws PersonError when it cannot be said */
export function ignoreRule(path: string): string {
  if (/[\r\n]/.test(path)) {
    throw new PersonError(
      'bad-input',
      'a name with a line break cannot be put in the ignore rules',
      'Rename it, or move it out of the folder.',
    );
  }
  return `/${path.replace(/[\\*?[\]]/g, '\\$&').replace(/ +$/, (spaces) => '\\ '.repeat(spaces.length))}`;
}

export class IssueWays {
  readonly #parts: IssueWaysParts;

  constructor(parts: IssueWaysParts) {
    this.#parts = parts;
  }

  /** @throws PersonError not-found, bad-input (no way out of this issue) */
  async resolve(id: number, way: string): Promise<void> {
    const { issues } = this.#parts;
    const issue = issues.need(id);
    const also = issue.code === 'mass-deletion' || issue.code === 'conflict' ? [] : ['retry', 'dismiss'];
    if (![...issue.ways, ...also].includes(way)) {
      throw new PersonError(
        'bad-input',
        `'${way}' is no way out of this issue`,
        `Choose one of: ${issue.ways.join(', ')}.`,
      );
    }
    await this.#follow(issue, way as IssueWay);
  }

  async #follow(issue: IssueRow, way: IssueWay): Promise<void> {
    const { issues, disk, pairs, removePair } = this.#parts;
    const run = issue.pair === null ? undefined : pairs.get(issue.pair);
    switch (way) {
      case 'retry':
        this.#retry(issue, run);
        return;
      case 'dismiss':
        issues.drop(issue.id);
        return;
      case 'delete':
      case 'restore':
        run?.sync.decideRemoval(way);
        return;
      case 'keep-both':
      case 'keep-original':
      case 'keep-copy':
        if (issue.node !== null) await run?.sync.chooseVersion(issue.node, way);
        return;
      case 'ignore':
        if (run !== undefined) await this.#ignore(issue, run);
        return;
      case 'remove-pair':
        if (issue.pair !== null) await removePair(issue.pair);
        return;
      case 'relink':
        if (run !== undefined) createMarker(disk, run.record.config.folder, run.record.marker);
        issues.drop(issue.id);
        return;
      case 'rejoin':
        await this.#parts.vaults.rejoin();
        issues.drop(issue.id);
        return;
      case 'login-again':
        throw new PersonError(
          'signed-out',
          'signing in again needs the password of the account',
          'Run `coffre logout`, then `coffre login` with the same folder. Your files stay as they are.',
        );
    }
  }

  /** A rule for exactly this path: of the folder's own rules, so that every device has it. */
  async #ignore(issue: IssueRow, run: PairRunWays): Promise<void> {
    const { issues, addIgnoreRule } = this.#parts;
    await addIgnoreRule(run.record.config.folder, ignoreRule(issue.path));
    issues.drop(issue.id);
    run.lookAnew();
  }

  #retry(issue: IssueRow, run: PairRunWays | undefined): void {
    const { issues, vaults, quota } = this.#parts;
    issues.drop(issue.id);
    if (issue.node !== null && run !== undefined) {
      run.sync.pair.release(issue.node);
      run.sync.pair.markDirty(issue.node);
    }
    vaults.retryStopped();
    quota.retryNow();
  }
}

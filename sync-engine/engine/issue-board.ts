/** The device's issues: raised where something is seen to be wrong, cleared where it is seen to be over. */
import { PersonError } from '../../protocol/errors.ts';
import type { NodeId } from '../../protocol/ids.ts';
import type { IssueRow, Manifest, PairId } from '../manifest/manifest.ts';
import { isNotice, issueText, type IssueCode } from './issue-codes.ts';
import type { Clock } from './ports.ts';

export class IssueBoard {
  readonly #manifest: Manifest;
  readonly #clock: Clock;
  readonly #changed: () => void;

  constructor(manifest: Manifest, clock: Clock, changed: () => void) {
    this.#manifest = manifest;
    this.#clock = clock;
    this.#changed = changed;
  }

  /** @param more a sentence of its own, after the code's */
  raise(pair: PairId | null, node: NodeId | null, code: IssueCode, path: string, more?: string): void {
    const { reason: said, ways } = issueText(code);
    const reason = more === undefined ? said : `${said} ${more}`;
    this.#manifest.raiseIssue({ pair, node, code, path, reason, ways, sinceMs: this.#clock.nowMs() });
    this.#changed();
  }

  clear(pair: PairId | null, node: NodeId | null, code?: IssueCode): void {
    this.#manifest.clearIssue(pair, node, code);
    this.#changed();
  }

  clearAt(pair: PairId, path: string, code: IssueCode): void {
    this.#manifest.clearIssueAt(pair, path, code);
  }

  drop(id: number): void {
    this.#manifest.deleteIssue(id);
    this.#changed();
  }

  dropAllOf(pair: PairId): void {
    for (const issue of this.all()) if (issue.pair === pair) this.drop(issue.id);
  }

  /** @throws PersonError not-found */
  need(id: number): IssueRow {
    const issue = this.#manifest.issue(id);
    if (issue === undefined)
      throw new PersonError('not-found', `there is no issue ${id}`, 'List them with `coffre issues`.');
    return issue;
  }

  all(): readonly IssueRow[] {
    return this.#manifest.issues();
  }

  /** Whether something is kept out of sync; notices only inform. */
  get hasObstacles(): boolean {
    return this.all().some((issue) => !isNotice(issue.code));
  }
}

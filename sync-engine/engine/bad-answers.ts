/**
 * Answers that claim to be the account server's and cannot be read, several in a row: then it is no broken transfer,
 * and a person is told that the server, or somebody in between, sends what nobody can take.
 */
import type { IssueBoard } from './issue-board.ts';

const ALARM_AT = 3;

export class BadAnswers {
  readonly #issues: IssueBoard;
  #inARow = 0;
  /** Since the account was last read to its end. */
  #isFresh = false;

  constructor(issues: IssueBoard) {
    this.#issues = issues;
  }

  /** Whether a person is being told. */
  get isRaised(): boolean {
    return this.#issues.all().some(({ code }) => code === 'bad-answers');
  }

  failed(): void {
    this.#inARow += 1;
    this.#isFresh = true;
    if (this.#inARow >= ALARM_AT) this.#issues.raise(null, null, 'bad-answers', '');
  }

  /**
   * The account was read to its end. Once is not enough: bad answers to commits alone come with a good look between
   * any two of them.
   */
  lookedWell(): void {
    if (this.#isFresh) {
      this.#isFresh = false;
      return;
    }
    this.#inARow = 0;
    this.forget();
  }

  /** What an earlier run of the engine saw says nothing of the server as it is now. */
  forget(): void {
    if (this.isRaised) this.#issues.clear(null, null, 'bad-answers');
  }
}

/**
 * What failed on one node: it waits, longer each time, with a reason once it failed more than in passing. One
 * bad node never blocks the others.
 */
import type { NodeId, PackName } from '../../protocol/ids.ts';
import type { PairStore, VaultStore } from '../manifest/manifest.ts';
import type { IssueCode } from './issue-codes.ts';
import { folderOf } from './paths.ts';
import type { Clock, RandomSource } from './ports.ts';

/** Changes are read after this much quiet, doubling for what keeps changing. */
const QUIET_MS = 50;
const MAX_QUIET_MS = 10_000;
/** First and longest wait before what failed is tried again. */
const RETRY_MS = 1000;
const MAX_RETRY_MS = 5 * 60_000;
/** What is in the way, or keeps changing, is usually over by then. */
const MANY_STALE = 8;
const MANY_CHANGES = 6;
const MANY_UNSENT = 2;

export interface SetbacksParts {
  readonly pair: PairStore;
  readonly vault: VaultStore;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly showPath: (id: NodeId) => string;
  readonly raise: (node: NodeId, code: IssueCode, path: string) => void;
  /** Whether the folder itself does; one that does not has an issue of its own. */
  readonly takesWrites: () => boolean;
  /** The folder may have changed: it is to be listed. */
  readonly rescan: (path: string) => void;
}

export class Setbacks {
  readonly #parts: SetbacksParts;

  constructor(parts: SetbacksParts) {
    this.#parts = parts;
  }

  /** It is tried again later, without an issue. */
  postpone(id: NodeId): void {
    this.#delay(id, RETRY_MS, MAX_RETRY_MS);
  }

  /** A disk or a server refused. */
  blocked(id: NodeId, code: string): void {
    const { pair, showPath, raise } = this.#parts;
    this.#delay(id, code === 'stale' ? QUIET_MS : RETRY_MS, MAX_RETRY_MS);
    if (code === 'stale' || code === 'busy') {
      if (pair.attempts(id) > MANY_STALE) raise(id, 'in-the-way', showPath(id));
      return;
    }
    if ((code === 'permission' || code === 'read-only') && !this.#parts.takesWrites()) return;
    raise(id, issueOf(code), showPath(id));
  }

  /** What it relies on did not reach the account, which each time is some attempts at sending. */
  unsent(id: NodeId): void {
    const { pair, showPath, raise } = this.#parts;
    this.postpone(id);
    if (pair.attempts(id) > MANY_UNSENT) raise(id, 'not-sent', showPath(id));
  }

  /** It cannot be looked at where it is now, and will be back soon. */
  unreachable(id: NodeId): void {
    this.#delay(id, QUIET_MS, MAX_QUIET_MS);
  }

  readFailed(id: NodeId, why: string): void {
    const { pair, showPath, raise, rescan } = this.#parts;
    const path = pair.diskPath(id);
    if (why === 'changed') {
      this.#delay(id, QUIET_MS, MAX_QUIET_MS);
      if (pair.attempts(id) > MANY_CHANGES) raise(id, 'changing', showPath(id));
    } else if (why !== 'gone' && why !== 'not-found' && why !== 'not-a-file') {
      this.blocked(id, why);
    } else if (path === null) {
      // No scan looks where it is.
      this.unreachable(id);
    }
    if (path !== null) rescan(folderOf(path));
  }

  fetchFailed(id: NodeId, why: string, pack: PackName | null): void {
    const { vault } = this.#parts;
    // A pack that did not give what its index says: content added from now on does not rely on it.
    if ((why === 'corrupt' || why === 'missing') && pack !== null && vault.pack(pack) !== undefined)
      vault.setPackTrusted(pack, false);
    if (why === 'offline') this.postpone(id);
    else this.blocked(id, why === 'missing' ? 'missing-data' : why);
  }

  #delay(id: NodeId, first: number, longest: number): void {
    const { pair, clock, random } = this.#parts;
    const base = Math.min(longest, first * 2 ** Math.min(pair.attempts(id), 20));
    pair.quarantine(id, clock.nowMs() + Math.ceil(base * (0.75 + random.fraction() / 2)));
  }
}

function issueOf(code: string): IssueCode {
  switch (code) {
    case 'full':
      return 'disk-full';
    case 'permission':
    case 'read-only':
      return 'permission';
    case 'name-too-long':
    case 'too-long':
    case 'path-too-long':
    case 'too-deep':
      return 'path-too-long';
    case 'illegal-name':
    case 'illegal':
      return 'name-not-possible';
    case 'twins':
      return 'name-clash';
    case 'unsupported':
      return 'not-supported';
    case 'corrupt':
      return 'corrupt';
    case 'missing-data':
      return 'missing-data';
    case 'io':
    case 'too-many-open':
      return 'disk-error';
    default:
      return 'in-the-way';
  }
}

/**
 * One vault's log as this device follows it: pull, verify, write into the remote tree; propose commits on
 * top of what was seen. Nothing reaches the manifest before signature, chain, device, epoch, revisions and
 * root are checked. Calls are serialised: one pull or commit at a time.
 */
import type { PackName, VaultId } from '../../protocol/ids.ts';
import type { ReceivedCommit } from '../../protocol/pages.ts';
import type { VaultCursor, VaultStore } from '../manifest/manifest.ts';
import { isPassing } from '../account/tools.ts';
import { CloudError, type CommitOutcome } from '../remote/cloud.ts';
import { InlinePacks } from './inline-packs.ts';
import { LogFault } from './log-fault.ts';
import { acceptCommit } from './log-follow.ts';
import { Proposer, type LogCounters, type Proposal } from './log-propose.ts';
import { newestChain, pendingCommits, type LogScope, type VaultLogParts } from './log-scope.ts';
import { takeState } from './log-state.ts';
import { dueVoid, goBack, isTakenBack } from './log-void.ts';
import { Mutex } from './mutex.ts';
import { goAlong, pendingRejoin, takeRestoredHead } from './rejoin.ts';
import { settleTrust } from './pack-trust.ts';

/** Of a commit without an answer: it is in the log, or it is not. */
export type LostAnswer =
  { readonly kind: 'found' } | { readonly kind: 'broke-off'; readonly error: CloudError };

export class VaultLog {
  readonly vault: VaultId;
  readonly store: VaultStore;
  readonly #scope: LogScope;
  readonly #proposer: Proposer;
  readonly #inline = new InlinePacks();
  readonly #mutex = new Mutex();

  constructor(parts: VaultLogParts) {
    this.vault = parts.vault;
    this.store = parts.manifest.vault(parts.vault);
    this.#scope = { ...parts, store: this.store };
    this.#proposer = new Proposer(this.#scope);
  }

  get counters(): LogCounters {
    return this.#proposer.counters;
  }

  cursor(): VaultCursor {
    return this.store.cursor();
  }

  /** Reads to the head. Returns whether anything was new. @throws CloudError, LogFault */
  pull(): Promise<boolean> {
    return this.#mutex.run(() => this.#pull());
  }

  /** To be called when the device chain grew: a removed device vouches for no pack any more. */
  judgePacks(): void {
    settleTrust(this.#scope);
  }

  /** Whether the person took this log, or what the server had above it, back, and nothing stands on that yet. */
  get isVoided(): boolean {
    return isTakenBack(this.#scope);
  }

  async #pull(): Promise<boolean> {
    this.judgePacks();
    const pin = dueVoid(this.#scope);
    if (pin !== null) await goBack(this.#scope, pin);
    const moved = await this.#follow().catch(async (error: unknown) => {
      if (!wentBack(error)) throw error;
      if (!(await this.#goBackMeanwhile()) && !(await goAlong(this.#scope))) throw error;
      await this.#follow();
      return true;
    });
    await this.#finishRejoin();
    return moved;
  }

  /** The head went back: by an entry of the device chain that was made since that was read? */
  async #goBackMeanwhile(): Promise<boolean> {
    await newestChain(this.#scope);
    const pin = dueVoid(this.#scope);
    if (pin === null) return false;
    await goBack(this.#scope, pin);
    return true;
  }

  async #follow(): Promise<boolean> {
    const { cloud } = this.#scope;
    let moved = false;
    if (this.cursor().seq === 0) return takeState(this.#scope);
    for (;;) {
      const cursor = this.cursor();
      let page;
      try {
        page = await cloud.changes(this.vault, cursor.seq);
      } catch (error) {
        if (error instanceof CloudError && error.fault === 'gone') {
          await this.#checkNotBehind();
          return takeState(this.#scope);
        }
        throw error;
      }
      if (page.headSeq < cursor.seq) throw new LogFault('rolled-back');
      if (page.headSeq === cursor.seq && page.headHash !== cursor.hash) throw new LogFault('forked');
      for (const commit of page.commits) {
        await this.#accept(commit);
        moved = true;
      }
      if (this.cursor().seq >= page.headSeq) return moved;
      if (page.commits.length === 0) throw new LogFault('bad-object');
    }
  }

  /** A head behind the high-water mark is a rollback, whatever else the server answers. */
  async #checkNotBehind(): Promise<void> {
    const vaults = await this.#scope.cloud.vaults();
    const listed = vaults.find((candidate) => candidate.vault === this.vault);
    if (listed === undefined || listed.head.seq < this.cursor().highSeq) throw new LogFault('rolled-back');
  }

  /** A commit pushed with a head event. Applies it when it is the next one; when it is a `later` one a pull is due. */
  receive(commit: ReceivedCommit): Promise<'accepted' | 'known' | 'later'> {
    return this.#mutex.run(async () => {
      const cursor = this.cursor();
      if (commit.frame.header.seq <= cursor.seq) return 'known';
      if (commit.frame.rejoin !== null) return 'later'; // may stand on another head than ours
      if (cursor.seq === 0 || commit.frame.header.seq !== cursor.seq + 1) return 'later';
      await this.#accept(commit);
      return 'accepted';
    });
  }

  async #accept(commit: ReceivedCommit): Promise<void> {
    await acceptCommit(this.#scope, commit);
    this.#inline.keep(commit.frame.inline);
  }

  /** A pack that came along with its commit: one request less. */
  inlinePack(name: PackName): Uint8Array | null {
    return this.#inline.get(name);
  }

  /**
   * After the person confirmed that the server was restored from a backup: takes its older head and tells the other
   * devices. What this one holds beyond it is proposed again by the pairs. @throws CloudError, LogFault
   */
  rejoin(): Promise<void> {
    return this.#mutex.run(async () => {
      await takeRestoredHead(this.#scope);
      await this.#finishRejoin();
    });
  }

  /** The rejoin commit that a restored head still wants from this device, also after a crash in between. */
  async #finishRejoin(): Promise<void> {
    while (pendingRejoin(this.store) !== null) {
      const outcome = await this.#proposer.commit({ nodes: [], added: [], revived: [], dropped: [] });
      if (outcome.kind === 'quota') return; // the next commit that fits carries it
      if (outcome.kind === 'stale-head') await this.#follow();
    }
  }

  /** As `Proposer.commit`. @throws CloudError, LogFault */
  commit(proposal: Proposal): Promise<CommitOutcome> {
    return this.#mutex.run(() => this.#proposer.commit(proposal));
  }

  /**
   * As `commit`, for who waits for this very one: where its answer was lost the log is read, and says whether it is in
   * it. @throws CloudError, LogFault
   */
  commitAndLook(proposal: Proposal): Promise<CommitOutcome | LostAnswer> {
    return this.#mutex.run(async () => {
      const before = pendingCommits(this.store).at(-1);
      const { seq: from } = this.store.cursor();
      try {
        return await this.#proposer.commit(proposal);
      } catch (error) {
        const sent = pendingCommits(this.store).at(-1);
        if (!isPassing(error) || sent === undefined || sent === before) throw error;
        await this.#follow();
        for (let { seq } = this.store.cursor(); seq > from; seq -= 1)
          if (this.store.headerHash(seq) === sent) return { kind: 'found' };
        return { kind: 'broke-off', error };
      }
    });
  }
}

/** The server shows an older head or another branch, as after a restore from a backup. */
function wentBack(error: unknown): boolean {
  return error instanceof LogFault && (error.code === 'rolled-back' || error.code === 'forked');
}

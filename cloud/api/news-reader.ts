/**
 * Tells the devices on this node what happened at other nodes. What a notice names is read from the store, and pushed
 * as if it had happened here; a poll compares the heads with those that were told last, whatever became of notices.
 */
import type { AccountId, VaultId } from '../../protocol/ids.ts';
import { MAX_EVENT_BYTES } from '../../protocol/limits.ts';
import type { MetadataStore } from '../store/metadata-store.ts';
import type { EventHub } from './event-hub.ts';
import type { NewsListener, Notice } from '../store/node-news.ts';

/** Accounts asked about at once. */
const BATCH = 500;
/** Notices of one account that wait to be read; beyond, it is asked about as a whole. */
const MAX_WAITING = 32;

export interface NewsParts {
  readonly store: MetadataStore;
  readonly events: EventHub;
  /** Told what reading failed with; the poll repairs it. */
  readonly failed: (error: unknown) => void;
}

export class NewsReader implements NewsListener {
  readonly #parts: NewsParts;
  readonly #waiting = new Map<AccountId, Notice[]>();
  readonly #reading = new Set<Promise<void>>();
  #polling: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(parts: NewsParts) {
    this.#parts = parts;
  }

  start(pollMs: number): void {
    this.#timer = setInterval(() => void this.poll(), pollMs);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await Promise.all([...this.#reading, this.#polling]);
  }

  heard(notice: Notice): void {
    if (!this.#parts.events.hasListeners(notice.account)) return;
    const waiting = this.#waiting.get(notice.account);
    if (waiting === undefined) {
      this.#waiting.set(notice.account, [notice]);
      const reading = this.#readAll(notice.account).finally(() => this.#reading.delete(reading));
      this.#reading.add(reading);
    } else if (waiting.length < MAX_WAITING) waiting.push(notice);
    else waiting.splice(0, waiting.length, { kind: 'chain', account: notice.account });
  }

  missed(): void {
    void this.poll();
  }

  /** In the order they came. */
  async #readAll(account: AccountId): Promise<void> {
    const waiting = this.#waiting.get(account) ?? [];
    for (let notice = waiting.shift(); notice !== undefined; notice = waiting.shift()) {
      try {
        await this.#read(notice);
      } catch (error) {
        this.#parts.failed(error);
      }
    }
    this.#waiting.delete(account);
  }

  async #read(notice: Notice): Promise<void> {
    const { events } = this.#parts;
    const { account } = notice;
    switch (notice.kind) {
      case 'commit':
        await this.#readCommit(account, notice.vault, notice.seq);
        return;
      case 'head':
        await this.#readHead(account, notice.vault);
        return;
      case 'vaults':
        events.push(account, { kind: 'vaults' });
        return;
      case 'chain':
        await events.endDead(account);
        await this.#compare([account]);
        return;
      case 'sessions':
        await events.endDead(account);
        return;
    }
  }

  async #readCommit(account: AccountId, vault: VaultId, seq: number): Promise<void> {
    const { store, events } = this.#parts;
    const page = await store.log.changes(account, vault, seq - 1, MAX_EVENT_BYTES);
    const commit = page === null || page === 'gone' ? undefined : page.commits[0];
    if (commit === undefined || commit.frame.length > MAX_EVENT_BYTES) return this.#readHead(account, vault);
    events.commit(account, vault, seq, commit.receivedAtMs, commit.frame);
  }

  async #readHead(account: AccountId, vault: VaultId): Promise<void> {
    const head = await this.#parts.store.log.head(account, vault);
    if (head !== null) this.#parts.events.push(account, { kind: 'head', vault, ...head });
  }

  /** Looks at every account that has a device here. One poll at a time. */
  poll(): Promise<void> {
    this.#polling ??= this.#pollAll().finally(() => {
      this.#polling = null;
    });
    return this.#polling;
  }

  async #pollAll(): Promise<void> {
    const accounts = this.#parts.events.accounts();
    try {
      for (let from = 0; from < accounts.length; from += BATCH) {
        await this.#compare(accounts.slice(from, from + BATCH));
      }
    } catch (error) {
      this.#parts.failed(error);
    }
  }

  /** Pushes what these accounts' devices have not been told. */
  async #compare(accounts: readonly AccountId[]): Promise<void> {
    const { store, events } = this.#parts;
    for (const { account, chainLength, vaults } of await store.log.standings(accounts)) {
      if (events.toldChain(account) !== chainLength) {
        events.push(account, { kind: 'chain', length: chainLength });
      }
      if (vaults.some(({ vault }) => events.toldSeq(account, vault) === null)) {
        events.push(account, { kind: 'vaults' });
      }
      for (const { vault, head } of vaults) {
        if (events.toldSeq(account, vault) !== head.seq)
          events.push(account, { kind: 'head', vault, ...head });
      }
    }
  }
}

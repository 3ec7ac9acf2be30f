/**
 * What the nodes on one database tell each other, by LISTEN and NOTIFY on a connection of its own, after the commit it
 * is about: NOTIFY inside a transaction would let all that notify commit one after another. A notice names an account,
 * a vault and a number, nothing else. The node speaks to itself too, so that a connection that looks open but carries
 * nothing is noticed.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { AccountId, VaultId } from '../../../protocol/ids.ts';
import { NO_LISTENER, type NewsListener, type NodeNews, type Notice } from '../node-news.ts';
import { connection } from './database.ts';

const CHANNEL = 'coffre';
/** Of a payload; PostgreSQL takes 8,000. */
const MAX_PAYLOAD = 7000;
/** Notices kept while there is no connection; what is beyond is left to the poll. */
const MAX_KEPT = 10_000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5000;
const HEARTBEAT_MS = 10_000;

export interface NoticesOptions {
  readonly url: string;
  readonly heartbeatMs?: number;
}

export class Notices implements NodeNews {
  readonly #url: string;
  readonly #heartbeat: NodeJS.Timeout;
  readonly #self = randomBytes(6).toString('hex');
  readonly #stopping = new AbortController();
  #listener: NewsListener = NO_LISTENER;
  #kept: string[] = [];
  #client: pg.Client | null = null;
  #sending = false;
  #beatsUnheard = 0;
  #connecting: Promise<void> | null = null;

  /** @throws what connecting fails with */
  static async open(options: NoticesOptions): Promise<Notices> {
    const notices = new Notices(options);
    try {
      await notices.#connect();
      return notices;
    } catch (error) {
      await notices.close();
      throw error;
    }
  }

  private constructor({ url, heartbeatMs = HEARTBEAT_MS }: NoticesOptions) {
    this.#url = url;
    this.#heartbeat = setInterval(() => {
      this.#beat();
    }, heartbeatMs);
    this.#heartbeat.unref();
  }

  tell(notice: Notice): void {
    if (this.#kept.length < MAX_KEPT) this.#kept.push(encode(notice));
    void this.#send();
  }

  listen(listener: NewsListener): void {
    this.#listener = listener;
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#heartbeat);
    await this.#connecting;
    const client = this.#client;
    this.#client = null;
    await client?.end().catch(() => undefined);
  }

  async #connect(): Promise<void> {
    const client = new pg.Client(connection(this.#url));
    client.on('error', () => {
      this.#lost(client);
    });
    client.on('end', () => {
      this.#lost(client);
    });
    client.on('notification', ({ payload }) => {
      this.#take(payload ?? '');
    });
    try {
      await client.connect();
      // What is only told has nothing to be flushed for.
      await client.query('SET synchronous_commit = off');
      await client.query(`LISTEN ${CHANNEL}`);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    this.#beatsUnheard = 0;
    this.#client = client;
  }

  #lost(client: pg.Client): void {
    if (this.#client !== client) return;
    this.#client = null;
    client.end().catch(() => undefined);
    this.#connecting ??= this.#reconnect().finally(() => {
      this.#connecting = null;
    });
  }

  async #reconnect(): Promise<void> {
    const { signal } = this.#stopping;
    for (let waitMs = FIRST_RETRY_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, LAST_RETRY_MS)) {
      try {
        await this.#connect();
        this.#listener.missed();
        void this.#send();
        return;
      } catch {
        await delay(waitMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** One statement at a time; what comes meanwhile goes with the next one. */
  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    while (this.#client !== null && this.#kept.length > 0) {
      const client = this.#client;
      const lines = this.#kept;
      this.#kept = [];
      try {
        await client.query({
          name: 'notify',
          text: 'SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS p (payload)',
          values: [CHANNEL, payloads(this.#self, lines)],
        });
      } catch {
        this.#kept = [...lines, ...this.#kept].slice(0, MAX_KEPT);
        this.#lost(client);
      }
    }
    this.#sending = false;
  }

  #take(payload: string): void {
    const [sender, ...lines] = payload.split('\n');
    if (sender === this.#self) {
      this.#beatsUnheard = 0;
      return;
    }
    for (const line of lines) {
      const notice = decode(line);
      if (notice !== null) this.#listener.heard(notice);
    }
  }

  /** Whatever this node says it hears itself; when two of these words are not heard, the connection carries none. */
  #beat(): void {
    const client = this.#client;
    if (client === null) return;
    this.#beatsUnheard += 1;
    if (this.#beatsUnheard > 2) {
      this.#lost(client);
      return;
    }
    client.query('SELECT pg_notify($1, $2)', [CHANNEL, this.#self]).catch(() => {
      this.#lost(client);
    });
  }
}

function payloads(self: string, lines: readonly string[]): string[] {
  const all: string[] = [];
  let payload = self;
  for (const line of lines) {
    if (payload.length + line.length >= MAX_PAYLOAD) {
      all.push(payload);
      payload = self;
    }
    payload += `\n${line}`;
  }
  return [...all, payload];
}

function encode(notice: Notice): string {
  const { kind, account } = notice;
  return 'vault' in notice ? `${kind} ${account} ${notice.vault} ${notice.seq}` : `${kind} ${account}`;
}

/** Null for what a newer program says. */
function decode(line: string): Notice | null {
  const match = /^([a-z]+) ([0-9a-f]{32})(?: ([0-9a-f]{32}) (\d+))?$/.exec(line);
  const [, kind, account, vault, seq] = match ?? [];
  const of = { account: account as AccountId };
  switch (kind) {
    case 'commit':
    case 'head':
      return vault === undefined ? null : { ...of, kind, vault: vault as VaultId, seq: Number(seq) };
    case 'vaults':
    case 'chain':
    case 'sessions':
      return { ...of, kind };
    case undefined:
    default:
      return null;
  }
}

/**
 * The open event sockets, by account. What is pushed is a hint that is also the data when it is small: a
 * socket that cannot keep up is closed, and its device reads the changes instead.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { encodeCommitEvent, encodeEvent, type CloudEvent } from '../../protocol/pages.ts';
import type { AccountId, DeviceId, VaultId } from '../../protocol/ids.ts';
import type { MetadataStore, SessionRow } from '../store/metadata-store.ts';

/** Bytes waiting in a socket before it counts as stuck. */
const MAX_BUFFERED = 8 * 1024 * 1024;
/** Asked about in one go. */
const SESSIONS_AT_ONCE = 1000;
/** WebSocket close codes: policy, the service restarts, try again later. */
const CLOSE_REVOKED = 1008;
const CLOSE_RESTART = 1012;
const CLOSE_SLOW = 1013;
/** Sent elsewhere at once when a node stops, and the rest between: ten thousand are not to come to another in one second. */
const LEAVING_AT_ONCE = 200;
const LEAVING_REST_MS = 50;
/** How long a device may take to say goodbye. */
const GOODBYE_MS = 1000;

/** What of a WebSocket (the `ws` package) is used here. */
export interface EventSocket {
  readonly bufferedAmount: number;
  send(bytes: Uint8Array, options: { binary: boolean }): void;
  ping(): void;
  close(code: number, reason: string): void;
  terminate(): void;
  on(event: 'pong' | 'message' | 'error' | 'close', listener: () => void): unknown;
}

/** The devices of one account here, and what they were told last. */
interface Audience {
  readonly listeners: Set<Listener>;
  readonly seqs: Map<VaultId, number>;
  chainLength: number | null;
}

interface Listener {
  readonly socket: EventSocket;
  readonly session: SessionRow;
  answered: boolean;
}

export class EventHub {
  readonly #audiences = new Map<AccountId, Audience>();
  readonly #store: MetadataStore;
  readonly #maxPerAccount: number;
  readonly #pings: NodeJS.Timeout;
  #leaving = false;

  constructor(store: MetadataStore, pingIntervalMs: number, maxPerAccount: number) {
    this.#store = store;
    this.#maxPerAccount = maxPerAccount;
    this.#pings = setInterval(() => {
      void this.#pingAll();
    }, pingIntervalMs);
    this.#pings.unref();
  }

  get size(): number {
    let count = 0;
    for (const { listeners } of this.#audiences.values()) count += listeners.size;
    return count;
  }

  /** Those with a device here. */
  accounts(): readonly AccountId[] {
    return [...this.#audiences.keys()];
  }

  hasListeners(account: AccountId): boolean {
    return this.#audiences.has(account);
  }

  /** The last commit of a vault that devices here were told of; null for none since the first of them came. */
  toldSeq(account: AccountId, vault: VaultId): number | null {
    return this.#audiences.get(account)?.seqs.get(vault) ?? null;
  }

  toldChain(account: AccountId): number | null {
    return this.#audiences.get(account)?.chainLength ?? null;
  }

  add(socket: EventSocket, session: SessionRow): void {
    if (this.#leaving) {
      socket.close(CLOSE_RESTART, 'the server restarts');
      return;
    }
    const audience = this.#audiences.get(session.account) ?? {
      listeners: new Set(),
      seqs: new Map(),
      chainLength: null,
    };
    const { listeners } = audience;
    if (listeners.size >= this.#maxPerAccount) {
      socket.close(CLOSE_SLOW, 'too many sockets');
      return;
    }
    const listener: Listener = { socket, session, answered: true };
    listeners.add(listener);
    this.#audiences.set(session.account, audience);
    socket.on('pong', () => {
      listener.answered = true;
    });
    // Nothing is expected from a device here; whatever it sends is dropped.
    socket.on('message', () => undefined);
    socket.on('error', () => {
      socket.terminate();
    });
    socket.on('close', () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#audiences.delete(session.account);
    });
  }

  commit(account: AccountId, vault: VaultId, seq: number, receivedAtMs: number, frame: Uint8Array): void {
    this.#audiences.get(account)?.seqs.set(vault, seq);
    this.#push(account, () => encodeCommitEvent(vault, receivedAtMs, frame));
  }

  push(account: AccountId, event: Exclude<CloudEvent, { kind: 'commit' }>): void {
    const audience = this.#audiences.get(account);
    if (audience === undefined) return;
    if (event.kind === 'head') audience.seqs.set(event.vault, event.seq);
    if (event.kind === 'chain') audience.chainLength = event.length;
    this.#push(account, () => encodeEvent(event));
  }

  #push(account: AccountId, encode: () => Uint8Array): void {
    const audience = this.#audiences.get(account);
    if (audience === undefined) return;
    const bytes = encode();
    for (const { socket } of audience.listeners) {
      if (socket.bufferedAmount > MAX_BUFFERED) socket.close(CLOSE_SLOW, 'too slow');
      else socket.send(bytes, { binary: true });
    }
  }

  /** Ends the sockets of a revoked device, or of a whole account. */
  end(account: AccountId, device: DeviceId | null): void {
    for (const { socket, session } of this.#audiences.get(account)?.listeners ?? []) {
      if (device === null || session.device === device) socket.close(CLOSE_REVOKED, 'the session has ended');
    }
  }

  /** Ends the account's sockets whose session is no more. */
  async endDead(account: AccountId): Promise<void> {
    await this.#endDead([...(this.#audiences.get(account)?.listeners ?? [])]);
  }

  async #endDead(listeners: readonly Listener[]): Promise<void> {
    const alive = await this.#store.sessions.alive(listeners.map(({ session }) => session.session));
    for (const { socket, session } of listeners) {
      if (!alive.has(session.session)) socket.close(CLOSE_REVOKED, 'the session has ended');
    }
  }

  async #pingAll(): Promise<void> {
    const listeners = [...this.#audiences.values()].flatMap((audience) => [...audience.listeners]);
    for (const listener of listeners) {
      if (!listener.answered) {
        listener.socket.terminate();
        continue;
      }
      listener.answered = false;
      listener.socket.ping();
    }
    // A session may also end beside this process: `coffre-cloud users disable`.
    for (let from = 0; from < listeners.length; from += SESSIONS_AT_ONCE) {
      await this.#endDead(listeners.slice(from, from + SESSIONS_AT_ONCE));
    }
  }

  /** Tells every device to come again, to another node or to this one when it is back. Nobody is taken any more. */
  async leave(): Promise<void> {
    clearInterval(this.#pings);
    this.#leaving = true;
    const sockets = [...this.#audiences.values()].flatMap(({ listeners }) =>
      [...listeners].map(({ socket }) => socket),
    );
    const gone: Promise<void>[] = [];
    for (let from = 0; from < sockets.length; from += LEAVING_AT_ONCE) {
      if (from > 0) await delay(LEAVING_REST_MS);
      gone.push(...sockets.slice(from, from + LEAVING_AT_ONCE).map(sendAway));
    }
    await Promise.all(gone);
  }
}

/** Resolves once the socket is closed. */
function sendAway(socket: EventSocket): Promise<void> {
  return new Promise((resolve) => {
    const impatient = setTimeout(() => {
      socket.terminate();
    }, GOODBYE_MS);
    socket.on('close', () => {
      clearTimeout(impatient);
      resolve();
    });
    socket.close(CLOSE_RESTART, 'the server restarts');
  });
}

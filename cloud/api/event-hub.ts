/**
 * The open event sockets, by account. What is pushed is a hint that is also the data when it is small: a
 * socket that cannot keep up is closed, and its device reads the changes instead.
 */
import { encodeCommitEvent, encodeEvent, type CloudEvent } from '../../protocol/pages.ts';
import type { AccountId, DeviceId, VaultId } from '../../protocol/ids.ts';
import type { MetadataStore, SessionRow } from '../store/metadata-store.ts';

/** Bytes waiting in a socket before it counts as stuck. */
const MAX_BUFFERED = 8 * 1024 * 1024;
/** WebSocket close codes: going away, policy, try again later. */
const CLOSE_GOING_AWAY = 1001;
const CLOSE_REVOKED = 1008;
const CLOSE_SLOW = 1013;

/** What of a WebSocket (the `ws` package) is used here. */
export interface EventSocket {
  readonly bufferedAmount: number;
  send(bytes: Uint8Array, options: { binary: boolean }): void;
  ping(): void;
  close(code: number, reason: string): void;
  terminate(): void;
  on(event: 'pong' | 'message' | 'error' | 'close', listener: () => void): unknown;
}

interface Listener {
  readonly socket: EventSocket;
  readonly session: SessionRow;
  answered: boolean;
}

export class EventHub {
  readonly #listeners = new Map<AccountId, Set<Listener>>();
  readonly #store: MetadataStore;
  readonly #maxPerAccount: number;
  readonly #pings: NodeJS.Timeout;

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
    for (const listeners of this.#listeners.values()) count += listeners.size;
    return count;
  }

  add(socket: EventSocket, session: SessionRow): void {
    const listeners = this.#listeners.get(session.account) ?? new Set();
    if (listeners.size >= this.#maxPerAccount) {
      socket.close(CLOSE_SLOW, 'too many sockets');
      return;
    }
    const listener: Listener = { socket, session, answered: true };
    listeners.add(listener);
    this.#listeners.set(session.account, listeners);
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
      if (listeners.size === 0) this.#listeners.delete(session.account);
    });
  }

  commit(account: AccountId, vault: VaultId, receivedAtMs: number, frame: Uint8Array): void {
    this.#push(account, () => encodeCommitEvent(vault, receivedAtMs, frame));
  }

  push(account: AccountId, event: Exclude<CloudEvent, { kind: 'commit' }>): void {
    this.#push(account, () => encodeEvent(event));
  }

  #push(account: AccountId, encode: () => Uint8Array): void {
    const listeners = this.#listeners.get(account);
    if (listeners === undefined) return;
    const bytes = encode();
    for (const { socket } of listeners) {
      if (socket.bufferedAmount > MAX_BUFFERED) socket.close(CLOSE_SLOW, 'too slow');
      else socket.send(bytes, { binary: true });
    }
  }

  /** Ends the sockets of a revoked device, or of a whole account. */
  end(account: AccountId, device: DeviceId | null): void {
    for (const { socket, session } of this.#listeners.get(account) ?? []) {
      if (device === null || session.device === device) socket.close(CLOSE_REVOKED, 'the session has ended');
    }
  }

  /** Ends the account's sockets whose session is no more. */
  async endDead(account: AccountId): Promise<void> {
    for (const { socket, session } of [...(this.#listeners.get(account) ?? [])]) {
      if (!(await this.#store.sessions.alive(session.session)))
        socket.close(CLOSE_REVOKED, 'the session has ended');
    }
  }

  async #pingAll(): Promise<void> {
    for (const [account, listeners] of [...this.#listeners]) {
      for (const listener of [...listeners]) {
        if (!listener.answered) {
          listener.socket.terminate();
          continue;
        }
        listener.answered = false;
        listener.socket.ping();
      }
      // A session may also end beside this process: `coffre-cloud users disable`.
      await this.endDead(account);
    }
  }

  closeAll(): void {
    clearInterval(this.#pings);
    for (const listeners of this.#listeners.values()) {
      for (const { socket } of listeners) {
        socket.close(CLOSE_GOING_AWAY, 'the server is stopping');
        setTimeout(() => {
          socket.terminate();
        }, 1000).unref();
      }
    }
  }
}

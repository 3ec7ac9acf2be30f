/**
 * An account server in memory, for simulations: the real commit rules, store and upkeep of `cloud/` over a
 * database in memory, without HTTP, passwords and tokens. Time comes from outside; every write is flushed in a
 * microtask, so that a run is the same each time.
 */
import { ChainCache } from '../../cloud/accounts/chain-cache.ts';
import { auditEntry } from '../../cloud/audit/entry.ts';
import { Upkeep } from '../../cloud/packs/upkeep.ts';
import { Database } from '../../cloud/store/embedded/database.ts';
import { embeddedStoreOver } from '../../cloud/store/embedded/embedded-store.ts';
import { rewindVault } from '../../cloud/store/embedded/rewind.ts';
import type { MetadataStore } from '../../cloud/store/metadata-store.ts';
import type { Head } from '../../protocol/cloud.ts';
import {
  decodeChainEntry,
  encodeSignedEntry,
  extendChain,
  replayChain,
  type DeviceChain,
  type SignedChainEntry,
} from '../../protocol/device-chain.ts';
import { fromHex, type AccountId, type DeviceId, type VaultId } from '../../protocol/ids.ts';
import { DEFAULT_QUOTA_BYTES, RETENTION_MS, UNCOMMITTED_MS } from '../../protocol/limits.ts';
import { decodeEvent, encodeCommitEvent, encodeEvent, type CloudEvent } from '../../protocol/pages.ts';
import { hashOf } from '../../protocol/signing.ts';
import { makeBundle } from '../../sync-engine/crypto/bundle.ts';
import {
  addDeviceEntry,
  genesisEntries,
  revokeEntry,
  voidEntry,
} from '../../sync-engine/crypto/chain-entries.ts';
import {
  accountKeysOf,
  makeBoxKeys,
  makeDeviceKeys,
  makeRootKey,
  type AccountKeys,
  type DeviceKeys,
} from '../../sync-engine/crypto/identity.ts';
import { makePhrase, recoveryKeysOf } from '../../sync-engine/crypto/phrase.ts';
import type { Random } from '../../sync-engine/crypto/random.ts';
import { MemoryBlobs } from './memory-blobs.ts';

export interface SimServerOptions {
  /** Seeded: keys of accounts and devices. */
  readonly random: Random;
  readonly nowMs: () => number;
  readonly quotaBytes?: number;
  readonly retentionMs?: number;
  readonly uncommittedMs?: number;
}

/** An account with its root keys at hand: what a person with the password could do. */
export interface SimAccount {
  readonly keys: AccountKeys;
  readonly account: AccountId;
}

export interface SimDevice extends SimAccount {
  readonly device: DeviceId;
  readonly deviceKeys: DeviceKeys;
  readonly name: string;
}

export interface EventListener {
  readonly device: DeviceId;
  push(event: CloudEvent): void;
  ended(): void;
}

export class SimServer {
  readonly store: MetadataStore;
  readonly chains: ChainCache;
  readonly blobs = new MemoryBlobs();
  readonly upkeep: Upkeep;
  readonly nowMs: () => number;
  readonly #random: Random;
  readonly #listeners = new Map<AccountId, Set<EventListener>>();
  #grants = 0;
  readonly #grantedTo = new Map<string, AccountId>();

  readonly #database: Database;

  private constructor(options: SimServerOptions, database: Database, store: MetadataStore) {
    this.#database = database;
    this.#random = options.random;
    this.nowMs = options.nowMs;
    this.store = store;
    this.chains = new ChainCache(store);
    this.upkeep = new Upkeep({
      store,
      blobs: this.blobs,
      now: options.nowMs,
      failed: (error) => {
        throw error;
      },
    });
  }

  static async start(options: SimServerOptions): Promise<SimServer> {
    const database = new Database(':memory:', queueMicrotask);
    const store = await embeddedStoreOver(database, {
      defaultQuotaBytes: options.quotaBytes ?? DEFAULT_QUOTA_BYTES,
      exclusive: true,
      retentionMs: options.retentionMs ?? RETENTION_MS,
      uncommittedMs: options.uncommittedMs ?? UNCOMMITTED_MS,
    });
    return new SimServer(options, database, store);
  }

  /** A new account with its first device. */
  async signup(email: string, name: string): Promise<SimDevice> {
    const random = this.#random;
    const keys = accountKeysOf(makeRootKey(random));
    const deviceKeys = makeDeviceKeys(random);
    const first = { keys: deviceKeys, name, createdAtMs: this.nowMs() };
    const entries = genesisEntries(keys, makeBoxKeys(random), first, random);
    const chain = replayChain(entries);
    if (!chain.ok) throw new Error(chain.fault);
    const bundle = makeBundle(keys, random(32), recoveryKeysOf(makePhrase(random).entropy), random);
    const created = await this.store.accounts.create({
      account: keys.account,
      email,
      registration: 'none',
      bundle,
      chain: entries.map(encodeSignedEntry),
      chainHead: chain.chain.head,
      device: deviceKeys.device,
      nowMs: this.nowMs(),
      inviteHash: null,
      claimHash: null,
      audit: auditEntry({
        kind: 'signed-up',
        actor: 'account',
        atMs: this.nowMs(),
        account: keys.account,
      }),
    });
    if (created !== 'created') throw new Error('the simulated account exists already');
    return { keys, account: keys.account, device: deviceKeys.device, deviceKeys, name };
  }

  async addDevice(account: SimAccount, name: string): Promise<SimDevice> {
    const deviceKeys = makeDeviceKeys(this.#random);
    const toAdd = { keys: deviceKeys, name, createdAtMs: this.nowMs() };
    await this.append(account, (chain) => addDeviceEntry(account.keys, chain, toAdd, this.#random));
    const { keys } = account;
    return { keys, account: account.account, device: deviceKeys.device, deviceKeys, name };
  }

  /** Pins every vault's present head, as a real revocation does. */
  async revoke(account: SimAccount, device: DeviceId): Promise<void> {
    const pins = (await this.store.log.vaults(account.account)).map(({ vault, head }) => ({
      vault,
      ...head,
    }));
    await this.append(account, (chain) => revokeEntry(account.keys, chain, device, pins));
    for (const listener of [...this.#listenersOf(account.account)]) {
      if (listener.device === device) listener.ended();
    }
  }

  /** The log of a vault goes back to an older head. */
  async rewind(account: SimAccount, vault: VaultId, head: Head): Promise<void> {
    await this.append(account, (chain) => voidEntry(account.keys, chain, { vault, ...head }));
    this.announce(account.account, { kind: 'head', vault, ...head });
  }

  /** As after a restore from a backup: the vault is at an older head, and nobody said that it should be. */
  async restoreTo(account: SimAccount, vault: VaultId, head: Head): Promise<void> {
    const restored = await this.#database.write(() =>
      rewindVault(this.#database, fromHex(account.account), { vault, ...head }, 0, this.nowMs()),
    );
    if (restored !== 'rewound') throw new Error(`the simulated server was not restored: ${restored}`);
  }

  async append(account: SimAccount, make: (chain: DeviceChain) => SignedChainEntry): Promise<void> {
    const chain = await this.chain(account.account);
    const signed = make(chain);
    const extended = extendChain(chain, signed);
    if (!extended.ok) throw new Error(`the simulated chain does not take the entry: ${extended.fault}`);
    const outcome = await this.store.accounts.appendChain({
      account: account.account,
      chain,
      entry: decodeChainEntry(signed.bytes),
      encoded: encodeSignedEntry(signed),
      wasLost: false,
      entryHash: hashOf(signed.bytes),
      nowMs: this.nowMs(),
      audit: null,
    });
    if (outcome !== 'appended') throw new Error(`the simulated chain did not take the entry: ${outcome}`);
    this.chains.put(extended.chain);
    this.announce(account.account, { kind: 'chain', length: extended.chain.length });
  }

  async chain(account: AccountId): Promise<DeviceChain> {
    const chain = await this.chains.get(account);
    if (chain === null) throw new Error('no such simulated account');
    return chain;
  }

  /** What a fresh proof of the password would give. */
  grant(account: AccountId): string {
    this.#grants += 1;
    const grant = `grant-${this.#grants}`;
    this.#grantedTo.set(grant, account);
    return grant;
  }

  grantedAccount(grant: string): AccountId | null {
    return this.#grantedTo.get(grant) ?? null;
  }

  #listenersOf(account: AccountId): Set<EventListener> {
    const listeners = this.#listeners.get(account) ?? new Set();
    this.#listeners.set(account, listeners);
    return listeners;
  }

  /** Returns what ends it. */
  listen(account: AccountId, listener: EventListener): () => void {
    const listeners = this.#listenersOf(account);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  announce(account: AccountId, event: Exclude<CloudEvent, { kind: 'commit' }>): void {
    this.#push(account, encodeEvent(event));
  }

  announceCommit(account: AccountId, vault: VaultId, receivedAtMs: number, frame: Uint8Array): void {
    this.#push(account, encodeCommitEvent(vault, receivedAtMs, frame));
  }

  /** Through the bytes of the wire: nobody shares an object with the server. */
  #push(account: AccountId, bytes: Uint8Array): void {
    for (const listener of [...this.#listenersOf(account)]) listener.push(decodeEvent(bytes));
  }

  async close(): Promise<void> {
    await this.upkeep.stop();
    await this.store.close();
  }
}

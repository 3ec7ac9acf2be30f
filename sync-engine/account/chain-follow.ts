/**
 * The newest device chain this device has verified, kept across restarts. The server may only ever append:
 * a shorter chain, another entry where one was seen, or one the master key did not sign is refused.
 */
import { ByteReader, ByteWriter } from '../../protocol/bytes.ts';
import {
  decodeSignedEntry,
  encodeSignedEntry,
  extendChain,
  replayChain,
  type DeviceChain,
  type SignedChainEntry,
  type ChainEvent,
} from '../../protocol/device-chain.ts';
import type { AccountId, DeviceId, VaultId } from '../../protocol/ids.ts';
import { hashOf } from '../../protocol/signing.ts';
import type { Cloud } from '../remote/cloud.ts';
import { damaged, type Home } from './home.ts';
import { verificationError } from './person-errors.ts';

/** What a person should hear about. */
export type ChainNews =
  | { readonly kind: 'device-added'; readonly device: DeviceId; readonly createdAtMs: number }
  | { readonly kind: 'device-revoked'; readonly device: DeviceId }
  | { readonly kind: 'log-voided'; readonly vault: VaultId }
  | { readonly kind: ChainEvent; readonly atMs: number };

/** Entries a chain may grow by in one go: the server sends pages, and an endless one is refused. */
const MAX_GROWTH = 100_000;

export function encodeChain(entries: readonly SignedChainEntry[]): Uint8Array {
  const writer = new ByteWriter(4096).varint(entries.length);
  for (const entry of entries) writer.blob(encodeSignedEntry(entry));
  return writer.finish();
}

function decodeChain(bytes: Uint8Array): SignedChainEntry[] {
  const reader = new ByteReader(bytes);
  const entries: SignedChainEntry[] = [];
  const count = reader.count(1);
  for (let index = 0; index < count; index += 1) entries.push(decodeSignedEntry(reader.blob()));
  reader.end();
  return entries;
}

/** The chain of a grant. @throws PersonError verification */
export function verifyChain(entries: readonly SignedChainEntry[], account: AccountId): DeviceChain {
  const result = replayChain(entries);
  if (!result.ok)
    throw verificationError(`the server's list of your devices does not hold (${result.fault})`);
  if (result.chain.account !== account) {
    throw verificationError('the server sent the device list of another account');
  }
  return result.chain;
}

export class ChainKeeper {
  readonly #home: Home;
  readonly #device: DeviceId;
  readonly #announce: (news: readonly ChainNews[]) => void;
  #entries: readonly SignedChainEntry[];
  #chain: DeviceChain;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    home: Home,
    device: DeviceId,
    entries: readonly SignedChainEntry[],
    chain: DeviceChain,
    announce: (news: readonly ChainNews[]) => void,
  ) {
    this.#home = home;
    this.#device = device;
    this.#entries = entries;
    this.#chain = chain;
    this.#announce = announce;
  }

  /** @throws PersonError home-damaged */
  static async open(
    home: Home,
    device: DeviceId,
    account: AccountId,
    announce: (news: readonly ChainNews[]) => void = () => undefined,
  ): Promise<ChainKeeper> {
    const bytes = await home.readIdentity(device, 'chain');
    try {
      const entries = decodeChain(bytes);
      return new ChainKeeper(home, device, entries, verifyChain(entries, account), announce);
    } catch (error) {
      throw damaged('its file chain does not read', error);
    }
  }

  get chain(): DeviceChain {
    return this.#chain;
  }

  /** The signed entry that added a device; null for one that is not in the chain. */
  addEntryOf(device: DeviceId): SignedChainEntry | null {
    const known = this.#chain.devices.get(device);
    return known === undefined ? null : (this.#entries[known.addedAt] ?? null);
  }

  /** Reads on from the server. Calls are served one after another. @throws CloudError, PersonError verification */
  follow(cloud: Pick<Cloud, 'chain'>): Promise<DeviceChain> {
    return this.#serialised(async () => {
      let grown = 0;
      while (true) {
        // The last entry known is asked for again: a server that forked the chain shows another there.
        const from = this.#chain.length - 1;
        const answer = await cloud.chain(from);
        const [last, ...added] = answer.entries;
        if (last === undefined || answer.length < this.#chain.length) throw rolledBack();
        if (hashOf(last.bytes) !== this.#chain.head) throw forked();
        await this.#append(added);
        grown += added.length;
        if (answer.length <= this.#chain.length) return this.#chain;
        if (added.length === 0 || grown > MAX_GROWTH) {
          throw verificationError("the server promises entries in the device list and doesn't send them");
        }
      }
    });
  }

  /** A whole chain that came with a grant. @throws PersonError verification */
  adopt(entries: readonly SignedChainEntry[]): Promise<DeviceChain> {
    return this.#serialised(async () => {
      if (entries.length < this.#chain.length) throw rolledBack();
      const known = entries.slice(0, this.#chain.length).map((entry) => hashOf(entry.bytes));
      if (known.some((hash, index) => hash !== this.#chain.hashes[index])) throw forked();
      await this.#append(entries.slice(this.#chain.length));
      return this.#chain;
    });
  }

  /**
   * What a server that was restored from a backup lost of this chain: entries this device verified, on top of the very
   * chain the server shows. Nothing is taken from the server. Empty when it lost none.
   * @throws CloudError, PersonError verification (the server's chain parts from this one)
   */
  lostBy(cloud: Pick<Cloud, 'chain'>): Promise<readonly SignedChainEntry[]> {
    return this.#serialised(async () => {
      const { length } = await cloud.chain(0);
      if (length >= this.#chain.length) return [];
      const [last] = length === 0 ? [] : (await cloud.chain(length - 1)).entries;
      return this.#after(length, last);
    });
  }

  /** As `lostBy`, of a whole chain that came with a grant. @throws PersonError verification */
  lostFrom(entries: readonly SignedChainEntry[]): readonly SignedChainEntry[] {
    return entries.length >= this.#chain.length ? [] : this.#after(entries.length, entries.at(-1));
  }

  /** The last entry names all before it. */
  #after(length: number, last: SignedChainEntry | undefined): readonly SignedChainEntry[] {
    if (last === undefined || hashOf(last.bytes) !== this.#chain.hashes[length - 1]) throw forked();
    return this.#entries.slice(length);
  }

  #serialised<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Verified as a whole, written, and only then believed. */
  async #append(added: readonly SignedChainEntry[]): Promise<void> {
    if (added.length === 0) return;
    const before = this.#chain;
    let chain = before;
    for (const entry of added) {
      const result = extendChain(chain, entry);
      if (!result.ok) {
        throw verificationError(`the server's list of your devices does not hold (${result.fault})`);
      }
      chain = result.chain;
    }
    const entries = [...this.#entries, ...added];
    await this.#home.writeIdentity(this.#device, 'chain', encodeChain(entries));
    this.#entries = entries;
    this.#chain = chain;
    this.#announce(newsBetween(before, chain));
  }
}

/** The cause of the error: a chain that is shorter than one seen, as after a restore from a backup. */
export class ChainRolledBack extends Error {
  override readonly name = 'ChainRolledBack';
}

function rolledBack(): Error {
  const cause = new ChainRolledBack('the device chain is shorter than one seen');
  return verificationError('the server shows an older list of your devices than it did before', { cause });
}

function forked(): Error {
  return verificationError('the server shows another list of your devices than it did before');
}

function newsBetween(before: DeviceChain, after: DeviceChain): ChainNews[] {
  const news: ChainNews[] = [];
  for (const device of after.devices.values()) {
    if (!before.devices.has(device.device)) {
      news.push({ kind: 'device-added', device: device.device, createdAtMs: device.createdAtMs });
    }
    if (device.revoked !== null && device.revoked.at >= before.length) {
      news.push({ kind: 'device-revoked', device: device.device });
    }
  }
  for (const { pin } of after.voids.slice(before.voids.length)) {
    news.push({ kind: 'log-voided', vault: pin.vault });
  }
  for (const { event, atMs } of after.notices.slice(before.notices.length)) {
    news.push({ kind: event, atMs });
  }
  return news;
}

/** Verified device chains in memory: replaying one costs a signature an entry. */
import { decodeSignedEntry, extendChain, startChain, type DeviceChain } from '../../protocol/device-chain.ts';
import type { AccountId } from '../../protocol/ids.ts';
import { hashOf } from '../../protocol/signing.ts';
import type { MetadataStore } from '../store/metadata-store.ts';

const MAX_CHAINS = 5_000;

export class ChainCache {
  readonly #store: MetadataStore;
  readonly #chains = new Map<AccountId, DeviceChain>();

  constructor(store: MetadataStore) {
    this.#store = store;
  }

  /** The chain as this process last saw it: another one may have appended since. Who refuses by it asks again first. */
  async get(account: AccountId): Promise<DeviceChain | null> {
    return this.#chains.get(account) ?? this.refresh(account);
  }

  /** Reads what was appended since. Null for an account that is gone. */
  async refresh(account: AccountId): Promise<DeviceChain | null> {
    let chain = this.#chains.get(account) ?? null;
    // The last entry known comes along: where it is not there, the account was deleted and made anew meanwhile.
    const encoded = await this.#store.accounts.chain(account, chain === null ? 0 : chain.length - 1);
    const entries = encoded.map(decodeSignedEntry);
    if (chain !== null) {
      const known = entries.shift();
      if (known === undefined || hashOf(known.bytes) !== chain.head) {
        this.forget(account);
        return this.refresh(account);
      }
    }
    for (const entry of entries) {
      const result = chain === null ? startChain(entry) : extendChain(chain, entry);
      if (!result.ok) throw new Error(`the stored device chain does not verify: ${result.fault}`);
      chain = result.chain;
    }
    if (chain !== null) this.put(chain);
    return chain;
  }

  put(chain: DeviceChain): void {
    const known = this.#chains.get(chain.account);
    if (known !== undefined && known.length > chain.length) return;
    if (this.#chains.size >= MAX_CHAINS) this.#chains.clear();
    this.#chains.set(chain.account, chain);
  }

  forget(account: AccountId): void {
    this.#chains.delete(account);
  }
}

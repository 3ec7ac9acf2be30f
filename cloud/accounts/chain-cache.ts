/** Verified device chains in memory: replaying one costs a signature an entry. */
import { decodeSignedEntry, extendChain, startChain, type DeviceChain } from '../../protocol/device-chain.ts';
import type { AccountId } from '../../protocol/ids.ts';
import type { MetadataStore } from '../store/metadata-store.ts';

const MAX_CHAINS = 5_000;

export class ChainCache {
  readonly #store: MetadataStore;
  readonly #chains = new Map<AccountId, DeviceChain>();

  constructor(store: MetadataStore) {
    this.#store = store;
  }

  /** The chain as this process last saw it; stale only if another process appended meanwhile. */
  async get(account: AccountId): Promise<DeviceChain | null> {
    return this.#chains.get(account) ?? this.refresh(account);
  }

  /** Reads what was appended since. Null for an account that is gone. */
  async refresh(account: AccountId): Promise<DeviceChain | null> {
    let chain = this.#chains.get(account) ?? null;
    const entries = await this.#store.accounts.chain(account, chain?.length ?? 0);
    for (const encoded of entries) {
      const entry = decodeSignedEntry(encoded);
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

/** Appending to the device chain with a grant, while other devices may do the same and answers may be lost. */
import type { DeviceChain, SignedChainEntry } from '../../protocol/device-chain.ts';
import { hashOf } from '../../protocol/signing.ts';
import type { AccountApi } from '../remote/account-api.ts';
import { CloudError } from '../remote/cloud.ts';
import { insist, isPassing, type AccountTools } from './tools.ts';

const ATTEMPTS = 6;
const WAIT_MS = 200;

/**
 * @param chainNow the newest verified chain, read again before each attempt
 * @param make the entry on top of it; null when there is nothing left to do
 * @throws CloudError
 */
export async function appendToChain(
  api: AccountApi,
  grant: string,
  chainNow: () => Promise<DeviceChain>,
  make: (chain: DeviceChain) => Promise<SignedChainEntry | null> | SignedChainEntry | null,
  tools: AccountTools,
): Promise<void> {
  const tried = new Set<string>();
  for (let attempt = 1; ; attempt += 1) {
    const chain = await insist(tools, chainNow);
    if (chain.hashes.some((hash) => tried.has(hash))) return; // the answer was lost, the entry was not
    const entry = await make(chain);
    if (entry === null) return;
    tried.add(hashOf(entry.bytes));
    try {
      await api.appendChain(grant, entry);
      return;
    } catch (error) {
      const moved = error instanceof CloudError && error.fault === 'stale-chain';
      if (attempt === ATTEMPTS || (!moved && !isPassing(error))) throw error;
      await tools.sleep(WAIT_MS);
    }
  }
}

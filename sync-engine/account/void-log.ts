/**
 * Taking the log of a vault back: an entry of the device chain that names the head which counts from then on. The
 * server rewinds in the transaction that takes it, and every engine that reads it follows by itself.
 */
import type { DeviceChain, HeadPin } from '../../protocol/device-chain.ts';
import { voidEntry } from '../crypto/chain-entries.ts';
import { wipeAccountKeys } from '../crypto/identity.ts';
import { appendToChain } from './chain-append.ts';
import type { OpenDevice } from './open-device.ts';
import { insist } from './tools.ts';

export interface LogVoiding {
  readonly password: string;
  /** Judges the log anew before each attempt; null when the chain has such an entry by now. */
  readonly pinOn: (chain: DeviceChain) => Promise<HeadPin | null>;
}

/** @throws CloudError; PersonError refused (wrong password); what `pinOn` throws */
export async function voidLog(device: OpenDevice, { password, pinOn }: LogVoiding): Promise<void> {
  const { tools } = device;
  const proof = await device.prove(password);
  try {
    await appendToChain(
      device.connection.api,
      proof.grant,
      () => device.followChain(),
      async (chain) => {
        const pin = await pinOn(chain);
        return pin === null ? null : voidEntry(proof.account, chain, pin);
      },
      tools,
    );
  } finally {
    wipeAccountKeys(proof.account);
  }
  await insist(tools, () => device.followChain());
}

/**
 * Revocation: an entry of the device chain that names the current head of every vault and pins it as the last
 * one that counts from that device. The server takes it only while those are the heads, else it is made anew.
 * Each vault's next commit must then open a new epoch, which is the engine's work.
 */
import type { Head } from '../../protocol/cloud.ts';
import type { HeadPin } from '../../protocol/device-chain.ts';
import { PersonError } from '../../protocol/errors.ts';
import type { DeviceId, VaultId } from '../../protocol/ids.ts';
import { revokeEntry } from '../crypto/chain-entries.ts';
import { wipeAccountKeys } from '../crypto/identity.ts';
import type { Cloud } from '../remote/cloud.ts';
import { appendToChain } from './chain-append.ts';
import type { OpenDevice } from './open-device.ts';
import { forPerson, verificationError } from './person-errors.ts';
import { insist, type AccountTools } from './tools.ts';

export interface Revocation {
  readonly target: DeviceId;
  readonly password: string;
  /**
   * The newest head of a vault the engine has verified; null for one it does not follow. A server that shows an
   * older one would cut off what came after, and is refused.
   */
  readonly verifiedHead: (vault: VaultId) => Head | null;
}

/** @throws PersonError refused (wrong password), not-found, bad-input (this device), verification, ... */
export function revokeDevice(device: OpenDevice, revocation: Revocation): Promise<void> {
  const { target, password, verifiedHead } = revocation;
  const { tools } = device;
  return forPerson(async () => {
    await checkTarget(device, target);
    const { api, cloud } = device.connection;
    const proof = await device.prove(password);
    try {
      await appendToChain(
        api,
        proof.grant,
        () => device.followChain(),
        async (chain) => {
          const known = chain.devices.get(target);
          if (known === undefined) throw noSuchDevice();
          if (known.revoked !== null) return null; // by another device meanwhile
          return revokeEntry(proof.account, chain, target, await headPins(cloud, verifiedHead, tools));
        },
        tools,
      );
    } finally {
      wipeAccountKeys(proof.account);
    }
    await insist(tools, () => device.followChain());
  });
}

async function checkTarget(device: OpenDevice, target: DeviceId): Promise<void> {
  if (target === device.device) {
    const hint = 'Use `coffre logout` here, or revoke it from another device.';
    throw new PersonError('bad-input', 'this is the device you are on', hint);
  }
  const known = device.chain().devices.has(target) || (await device.followChain()).devices.has(target);
  if (!known) throw noSuchDevice();
}

function noSuchDevice(): PersonError {
  return new PersonError('not-found', 'there is no such device', 'See `coffre devices` for their ids.');
}

async function headPins(
  cloud: Pick<Cloud, 'vaults'>,
  verifiedHead: Revocation['verifiedHead'],
  tools: AccountTools,
): Promise<HeadPin[]> {
  const pins: HeadPin[] = [];
  for (const { vault, head } of await insist(tools, () => cloud.vaults())) {
    const verified = verifiedHead(vault);
    if (verified !== null && isBehind(head, verified)) {
      throw verificationError('the server shows an older state of your files than this device has seen');
    }
    pins.push({ vault, seq: head.seq, hash: head.hash });
  }
  return pins;
}

function isBehind(head: Head, verified: Head): boolean {
  return head.seq < verified.seq || (head.seq === verified.seq && head.hash !== verified.hash);
}

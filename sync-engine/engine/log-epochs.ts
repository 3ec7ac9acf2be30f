/** The keys of a vault's epochs, as its log hands them on: taken from an opening, or made for a new one. */
import type { EpochOpening } from '../../protocol/commit.ts';
import { hashOf } from '../../protocol/signing.ts';
import { epochKeyCheck, isEpochKey, makeEpochKey } from '../crypto/vault-keys.ts';
import { openWrap, wrapEpochKey, type WrapRecipient } from '../crypto/wraps.ts';
import { LogFault } from './log-fault.ts';
import type { LogScope } from './log-scope.ts';

/** Opens this device's wrap of a new epoch's key and keeps the key. @throws CloudError, LogFault bad-epoch */
export async function takeEpochKey(
  { vault, identity, cloud }: Pick<LogScope, 'vault' | 'identity' | 'cloud'>,
  epoch: number,
  opening: EpochOpening,
  wraps: Uint8Array | null,
): Promise<void> {
  const keys = identity.vaultKeys(vault);
  if (keys.has(epoch)) {
    if (!isEpochKey(keys.epochKey(epoch), vault, epoch, opening.keyCheck)) throw new LogFault('bad-epoch');
    return;
  }
  let bytes = wraps;
  if (bytes === null) {
    const epochs = await cloud.epochs(vault);
    bytes = epochs.find((candidate) => candidate.epoch === epoch)?.wraps ?? null;
  }
  if (bytes === null || hashOf(bytes) !== opening.wrapsHash) throw new LogFault('bad-epoch');
  const opened = openWrap({
    bytes,
    vault,
    epoch,
    recipient: identity.device,
    boxSecret: identity.boxSecret,
    keyCheck: opening.keyCheck,
  });
  if (!opened.ok) throw new LogFault('bad-epoch');
  await identity.keepEpochKey(vault, epoch, opened.key);
}

/** A new epoch: a random key, sealed to every live device and to the account. */
export async function openEpoch(
  { vault, identity, random }: Pick<LogScope, 'vault' | 'identity' | 'random'>,
  epoch: number,
): Promise<{ opening: EpochOpening; wraps: Uint8Array }> {
  const keys = identity.vaultKeys(vault);
  const randomBytes = (size: number): Uint8Array => random.bytes(size);
  // A key made for this epoch before a lost race is used again: nobody has seen it.
  if (!keys.has(epoch)) await identity.keepEpochKey(vault, epoch, makeEpochKey(randomBytes));
  const key = keys.epochKey(epoch);
  const chain = identity.chain();
  const recipients: WrapRecipient[] = [...chain.devices.values()]
    .filter((device) => device.revoked === null)
    .map((device) => ({ id: device.device, boxKey: device.boxKey }));
  if (chain.accountKey !== null) recipients.push({ id: 'account', boxKey: chain.accountKey.boxKey });
  const previousKey = epoch === 0 ? null : keys.epochKey(epoch - 1);
  const wraps = wrapEpochKey({ vault, epoch, key, previousKey, recipients }, randomBytes);
  return { opening: { keyCheck: epochKeyCheck(key, vault, epoch), wrapsHash: hashOf(wraps) }, wraps };
}

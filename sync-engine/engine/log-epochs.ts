/** The keys of a vault's epochs, as its log hands them on: taken from an opening, or made for a new one. */
import { commitHash, decodeHeader, decodeOpening, type EpochOpening } from '../../protocol/commit.ts';
import type { Hash } from '../../protocol/ids.ts';
import { hashOf } from '../../protocol/signing.ts';
import { epochKeyCheck, isEpochKey, makeEpochKey } from '../crypto/vault-keys.ts';
import { openWrap, wrapEpochKey, type WrapRecipient } from '../crypto/wraps.ts';
import { LogFault } from './log-fault.ts';
import type { LogScope } from './log-scope.ts';

/**
 * Opens this device's wrap of a new epoch's key and keeps the key. The opening is one of a verified commit.
 * @throws CloudError, LogFault bad-epoch
 */
export async function takeEpochKey(
  { vault, identity, cloud }: Pick<LogScope, 'vault' | 'identity' | 'cloud'>,
  epoch: number,
  opening: EpochOpening,
  wraps: Uint8Array | null,
): Promise<void> {
  const keys = identity.vaultKeys(vault);
  // Another key for that number is from a part of the log that is gone: the signed opening proves the right one.
  if (keys.has(epoch) && isEpochKey(keys.epochKey(epoch), vault, epoch, opening.keyCheck)) return;
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

/**
 * A new epoch: a random key, sealed to every live device and to the account.
 * @param before the epoch before it in the log; null for the first
 */
export async function openEpoch(
  { vault, identity, random }: Pick<LogScope, 'vault' | 'identity' | 'random'>,
  epoch: number,
  before: number | null,
): Promise<{ opening: EpochOpening; wraps: Uint8Array }> {
  const keys = identity.vaultKeys(vault);
  const randomBytes = (size: number): Uint8Array => random.bytes(size);
  // A key kept for a later epoch may be that of a part of the log that is gone, and known to a removed device.
  if (epoch > 0 || !keys.has(0)) await identity.keepEpochKey(vault, epoch, makeEpochKey(randomBytes));
  const key = keys.epochKey(epoch);
  const chain = identity.chain();
  const recipients: WrapRecipient[] = [...chain.devices.values()]
    .filter((device) => device.revoked === null)
    .map((device) => ({ id: device.device, boxKey: device.boxKey }));
  if (chain.accountKey !== null) recipients.push({ id: 'account', boxKey: chain.accountKey.boxKey });
  const previousKey = before === null ? null : keys.epochKey(before);
  const wraps = wrapEpochKey({ vault, epoch, key, previousKey, recipients }, randomBytes);
  return { opening: { keyCheck: epochKeyCheck(key, vault, epoch), wrapsHash: hashOf(wraps) }, wraps };
}

/**
 * The keys of epochs that were opened where this device did not follow commit by commit.
 * @param openings hashes of verified headers that open one
 * @throws CloudError, LogFault bad-epoch
 */
export async function takeOpenedEpochs(scope: LogScope, openings: ReadonlySet<Hash>): Promise<void> {
  if (openings.size === 0) return;
  for (const { epoch, header: bytes, opening: encoded, wraps } of await scope.cloud.epochs(scope.vault)) {
    if (!openings.has(commitHash(bytes))) continue;
    const header = decodeHeader(bytes);
    if (header.epoch !== epoch || hashOf(encoded) !== header.openingHash) throw new LogFault('bad-epoch');
    await takeEpochKey(scope, epoch, decodeOpening(encoded), wraps);
  }
}

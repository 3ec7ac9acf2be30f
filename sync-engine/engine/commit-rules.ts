/**
 * Whether a commit may stand where it stands: signature, chain, device, epoch. Pure over what it is given;
 * the same rules hold for a commit pulled, a pinned head and an old header of the history.
 */
import {
  COMMIT_HEADER_BYTES,
  decodeHeader,
  commitHash,
  type CommitHeader,
  type SignedHeader,
} from '../../protocol/commit.ts';
import type { Head } from '../../protocol/cloud.ts';
import type { DeviceChain } from '../../protocol/device-chain.ts';
import { ZERO_HASH, type Hash, type VaultId } from '../../protocol/ids.ts';
import { verifyCommitSignature } from '../crypto/commit-sign.ts';
import { LogFault } from './log-fault.ts';

/** Where a log stands: what the next commit has to follow. */
export interface LogPosition {
  readonly seq: number;
  readonly hash: Hash;
  readonly epoch: number;
  readonly chainLength: number;
}

/** Signature, and the right of its device to commit at that place of the log. @throws LogFault */
export function checkAuthor(
  vault: VaultId,
  signed: SignedHeader,
  header: CommitHeader,
  chain: DeviceChain,
): void {
  if (header.vault !== vault) throw new LogFault('bad-chain');
  if (header.chainLength < 1 || header.chainLength > chain.length) throw new LogFault('bad-device-chain');
  if (chain.hashes[header.chainLength - 1] !== header.chainHead) throw new LogFault('bad-device-chain');
  const device = chain.devices.get(header.device);
  if (device === undefined || device.addedAt >= header.chainLength) throw new LogFault('bad-device');
  if (device.revoked !== null) {
    // No honest device goes on once it knows of its own removal.
    if (header.chainLength > device.revoked.at) throw new LogFault('bad-device');
    const pin = device.revoked.pins.find((candidate) => candidate.vault === vault);
    // A vault the revocation does not pin was begun by the revoked device behind the account's back.
    if (pin === undefined || header.seq > pin.seq) throw new LogFault('bad-device');
    if (header.seq === pin.seq && commitHash(signed.bytes) !== pin.hash) throw new LogFault('bad-device');
  }
  if (!verifyCommitSignature(signed, device.signKey)) throw new LogFault('bad-signature');
  checkVoids(vault, header, chain);
  // After a revocation's pin, only commits that know of the revocation count.
  for (const { revoked } of chain.devices.values()) {
    const pin = revoked?.pins.find((candidate) => candidate.vault === vault);
    if (revoked === null || pin === undefined) continue;
    if (header.seq > pin.seq && header.chainLength <= revoked.at) throw new LogFault('bad-device-chain');
  }
}

/** After the head a log went back to, only commits that know of it count: what it voided does not return. */
function checkVoids(vault: VaultId, header: CommitHeader, chain: DeviceChain): void {
  for (const { at, pin } of chain.voids) {
    if (pin.vault === vault && header.seq > pin.seq && header.chainLength <= at)
      throw new LogFault('bad-device-chain');
  }
}

/** Revocations that took effect between two lengths of the device chain. */
function revocationsBetween(chain: DeviceChain, from: number, to: number): number {
  let count = 0;
  for (const device of chain.devices.values()) {
    if (device.revoked !== null && device.revoked.at >= from && device.revoked.at < to) count += 1;
  }
  return count;
}

/** Whether the next commit on `position` has to open a new epoch: a device was revoked since. */
export function mustOpenEpoch(position: LogPosition, chain: DeviceChain): boolean {
  return position.seq > 0 && revocationsBetween(chain, position.chainLength, chain.length) > 0;
}

/**
 * Whether a header stands on a head: by its hash, and by the next number. Only a rejoin may skip numbers, those of
 * the commits that the restored server lost.
 */
export function follows(head: Head, header: CommitHeader): boolean {
  if (header.previous !== head.hash) return false;
  if (header.seq === head.seq + 1) return true;
  return header.seq > head.seq && header.rejoinHash !== ZERO_HASH;
}

/** That the commit follows `position`. @throws LogFault */
export function checkSuccession(position: LogPosition, header: CommitHeader, chain: DeviceChain): void {
  const isRejoin = header.rejoinHash !== ZERO_HASH;
  if (header.seq !== position.seq + 1 && !(isRejoin && header.seq > position.seq))
    throw new LogFault('bad-chain');
  // A right number on another head: the server shows a history that parts from ours.
  if (header.previous !== position.hash) throw new LogFault('forked');
  if (header.chainLength < position.chainLength) throw new LogFault('bad-device-chain');
  const opens = header.openingHash !== ZERO_HASH;
  if (position.seq === 0) {
    if (header.epoch !== 0 || !opens) throw new LogFault('bad-epoch');
    return;
  }
  if (isRejoin) {
    if (!opens || header.epoch <= position.epoch) throw new LogFault('bad-epoch');
  } else if (header.epoch !== position.epoch + (opens ? 1 : 0)) throw new LogFault('bad-epoch');
  if (!opens && revocationsBetween(chain, position.chainLength, header.chainLength) > 0) {
    throw new LogFault('bad-epoch');
  }
}

/** @throws LogFault */
export function readHeader(signed: SignedHeader): CommitHeader {
  if (signed.bytes.length !== COMMIT_HEADER_BYTES) throw new LogFault('bad-object');
  try {
    return decodeHeader(signed.bytes);
  } catch (error) {
    throw new LogFault('bad-object', { cause: error });
  }
}

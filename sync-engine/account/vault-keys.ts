/**
 * The keys of every vault, at enrolment: each epoch's key comes boxed to the account, in a blob whose hash the
 * signed header of the epoch's first commit names, together with a check of the key itself. The server can
 * leave epochs out, but it cannot put a key of its own in.
 */
import { MalformedError } from '../../protocol/bytes.ts';
import { decodeHeader, decodeOpening, type CommitHeader, type EpochOpening } from '../../protocol/commit.ts';
import type { DeviceChain } from '../../protocol/device-chain.ts';
import { ZERO_HASH, type DeviceId, type VaultId } from '../../protocol/ids.ts';
import { hashOf, verifySignature } from '../../protocol/signing.ts';
import type { VaultEpochKey } from '../crypto/device-secrets.ts';
import { openPreviousKey, openWrap } from '../crypto/wraps.ts';
import type { Cloud } from '../remote/cloud.ts';
import { verificationError } from './person-errors.ts';

export type EpochAnswer = Awaited<ReturnType<Cloud['epochs']>>[number];

export type VaultKeyFault =
  /** Header, signature, opening or wraps do not belong together. */
  | 'bad-epoch'
  /** Opened by no device of the account, or by one that was revoked before. */
  | 'bad-device'
  /** The epochs are not 0, 1, 2, ...; only a rejoin skips some. */
  | 'missing-epoch'
  /** The keys do not open. */
  | 'bad-key';

export type VaultRing =
  | { readonly ok: true; readonly keys: readonly VaultEpochKey[] }
  | { readonly ok: false; readonly fault: VaultKeyFault };

interface CheckedEpoch {
  readonly epoch: number;
  readonly isRejoin: boolean;
  readonly opening: EpochOpening;
  readonly wraps: Uint8Array;
}

/**
 * All keys of a vault.
 * @param boxSecret private half of the recipient's X25519 key
 * @param recipient the account (at enrolment), or a device that was there when the vault was begun
 */
export function openVaultRing(
  vault: VaultId,
  epochs: readonly EpochAnswer[],
  chain: DeviceChain,
  boxSecret: Uint8Array,
  recipient: DeviceId | 'account' = 'account',
): VaultRing {
  const checked: CheckedEpoch[] = [];
  for (const answer of epochs) {
    const epoch = checkEpoch(vault, answer, chain);
    if (typeof epoch === 'string') return { ok: false, fault: epoch };
    const next = (checked.at(-1)?.epoch ?? -1) + 1;
    const isNext = epoch.epoch === next || (epoch.isRejoin && epoch.epoch > next && next > 0);
    if (!isNext) return { ok: false, fault: 'missing-epoch' };
    checked.push(epoch);
  }
  if (checked.length === 0) return { ok: false, fault: 'missing-epoch' };
  return openBackwards(vault, checked, boxSecret, recipient);
}

function checkEpoch(vault: VaultId, answer: EpochAnswer, chain: DeviceChain): CheckedEpoch | VaultKeyFault {
  let header: CommitHeader;
  let opening: EpochOpening;
  try {
    header = decodeHeader(answer.header);
    opening = decodeOpening(answer.opening);
  } catch (error) {
    if (error instanceof MalformedError) return 'bad-epoch';
    throw error;
  }
  const { epoch } = answer;
  if (header.vault !== vault || header.epoch !== epoch) return 'bad-epoch';
  if (header.openingHash !== hashOf(answer.opening)) return 'bad-epoch';
  if (opening.wrapsHash !== hashOf(answer.wraps)) return 'bad-epoch';
  const author = chain.devices.get(header.device);
  if (author === undefined) return 'bad-device';
  if (!verifySignature('commit', answer.header, answer.signature, author.signKey)) return 'bad-epoch';
  if (author.revoked !== null) {
    // What it did before counts; so does a vault it began only if the revocation names it.
    const pin = author.revoked.pins.find((one) => one.vault === vault);
    if (pin === undefined || header.seq > pin.seq) return 'bad-device';
  }
  return { epoch, isRejoin: header.rejoinHash !== ZERO_HASH, opening, wraps: answer.wraps };
}

/** Newest first: where an older wrap is not for the account's present key, the epoch after it holds the key. */
function openBackwards(
  vault: VaultId,
  epochs: readonly CheckedEpoch[],
  boxSecret: Uint8Array,
  recipient: DeviceId | 'account',
): VaultRing {
  const keys: VaultEpochKey[] = [];
  let later: { readonly epoch: CheckedEpoch; readonly key: Uint8Array } | null = null;
  for (const epoch of [...epochs].reverse()) {
    const { keyCheck } = epoch.opening;
    let opened = openWrap({
      bytes: epoch.wraps,
      vault,
      epoch: epoch.epoch,
      recipient,
      boxSecret,
      keyCheck,
    });
    if (!opened.ok && later !== null) {
      opened = openPreviousKey(later.epoch.wraps, vault, later.epoch.epoch, later.key, keyCheck, epoch.epoch);
    }
    if (!opened.ok) return { ok: false, fault: 'bad-key' };
    keys.unshift({ vault, epoch: epoch.epoch, key: opened.key });
    later = { epoch, key: opened.key };
  }
  return { ok: true, keys };
}

export interface AccountRing {
  readonly keys: readonly VaultEpochKey[];
  /** Vaults that are left out: the account's own devices cannot have made them as they are shown. */
  readonly refused: readonly { readonly vault: VaultId; readonly fault: VaultKeyFault }[];
}

/**
 * The keys of all vaults of the account. No vault makes no key: an empty answer is just that.
 * @throws CloudError, PersonError verification when not one of several vaults holds
 */
export async function readAccountRing(
  cloud: Pick<Cloud, 'vaults' | 'epochs'>,
  chain: DeviceChain,
  accountBoxSecret: Uint8Array,
): Promise<AccountRing> {
  const keys: VaultEpochKey[] = [];
  const refused: { vault: VaultId; fault: VaultKeyFault }[] = [];
  for (const { vault } of await cloud.vaults()) {
    const ring = openVaultRing(vault, await cloud.epochs(vault), chain, accountBoxSecret);
    if (ring.ok) keys.push(...ring.keys);
    else refused.push({ vault, fault: ring.fault });
  }
  const [first] = refused;
  if (first !== undefined && keys.length === 0) {
    throw verificationError(`the keys of your files do not hold (${first.fault})`);
  }
  return { keys, refused };
}

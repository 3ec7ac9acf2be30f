/** Making entries of the account's device chain and signing them with the master key; protocol/device-chain.ts checks them. */
import {
  encodeChainEntry,
  type ChainBody,
  type DeviceChain,
  type HeadPin,
  type SignedChainEntry,
  type ChainEvent,
} from '../../protocol/device-chain.ts';
import { ZERO_HASH, type DeviceId } from '../../protocol/ids.ts';
import { hashOf } from '../../protocol/signing.ts';
import {
  sealAccountBox,
  sealDeviceName,
  type AccountKeys,
  type BoxKeys,
  type DeviceKeys,
} from './identity.ts';
import type { Random } from './random.ts';
import { sign } from './sign.ts';

/** What an entry builds on: a verified chain has both. */
export type ChainTip = Pick<DeviceChain, 'length' | 'head'>;

function signChainEntry(account: AccountKeys, tip: ChainTip, body: ChainBody): SignedChainEntry {
  const bytes = encodeChainEntry({ account: account.account, index: tip.length, previous: tip.head, body });
  return { bytes, signature: sign('chain', bytes, account.masterSecret) };
}

/** The public half of a device and what people call it. */
export interface DeviceToAdd {
  readonly keys: Pick<DeviceKeys, 'device' | 'signKey' | 'boxKey'>;
  readonly name: string;
  /** For people only; orders nothing. */
  readonly createdAtMs: number;
}

export function addDeviceEntry(
  account: AccountKeys,
  tip: ChainTip,
  { keys, name, createdAtMs }: DeviceToAdd,
  random: Random,
): SignedChainEntry {
  const sealedName = sealDeviceName(account.metadataKey, account.account, keys.device, name, random);
  const { device, signKey, boxKey } = keys;
  return signChainEntry(account, tip, { kind: 'add', device, signKey, boxKey, sealedName, createdAtMs });
}

/** A new X25519 key of the account: at its beginning, and with every revocation. */
export function accountKeyEntry(
  account: AccountKeys,
  tip: ChainTip,
  box: BoxKeys,
  random: Random,
): SignedChainEntry {
  const sealedPrivateKey = sealAccountBox(account, box, random);
  return signChainEntry(account, tip, { kind: 'account-key', boxKey: box.boxKey, sealedPrivateKey });
}

/** @param pins the current head of every vault of the account */
export function revokeEntry(
  account: AccountKeys,
  tip: ChainTip,
  device: DeviceId,
  pins: readonly HeadPin[],
): SignedChainEntry {
  return signChainEntry(account, tip, { kind: 'revoke', device, pins });
}

export function voidEntry(account: AccountKeys, tip: ChainTip, pin: HeadPin): SignedChainEntry {
  return signChainEntry(account, tip, { kind: 'void', pin });
}

export function noticeEntry(
  account: AccountKeys,
  tip: ChainTip,
  event: ChainEvent,
  atMs: number,
): SignedChainEntry {
  return signChainEntry(account, tip, { kind: 'notice', event, atMs });
}

/** The first three entries of an account: genesis, its own key, its first device. */
export function genesisEntries(
  account: AccountKeys,
  box: BoxKeys,
  firstDevice: DeviceToAdd,
  random: Random,
): [SignedChainEntry, SignedChainEntry, SignedChainEntry] {
  const genesis = signChainEntry(
    account,
    { length: 0, head: ZERO_HASH },
    { kind: 'genesis', masterKey: account.masterKey },
  );
  const key = accountKeyEntry(account, { length: 1, head: hashOf(genesis.bytes) }, box, random);
  const add = addDeviceEntry(account, { length: 2, head: hashOf(key.bytes) }, firstDevice, random);
  return [genesis, key, add];
}

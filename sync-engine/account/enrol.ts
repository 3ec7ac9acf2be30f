/** What sign-up, login and recovery share: a new device of the account, and the home that becomes it. */
import type { Session } from '../../protocol/cloud.ts';
import type { DeviceChain, SignedChainEntry } from '../../protocol/device-chain.ts';
import { extendChain } from '../../protocol/device-chain.ts';
import { PersonError } from '../../protocol/errors.ts';
import type { VaultId } from '../../protocol/ids.ts';
import { addDeviceEntry } from '../crypto/chain-entries.ts';
import { makeUnlockKey, sealDeviceSecrets, type DeviceSecrets } from '../crypto/device-secrets.ts';
import { deviceKeysOf, openAccountBox, type AccountKeys, type DeviceKeys } from '../crypto/identity.ts';
import { wrapUnlockKey } from '../crypto/key-file.ts';
import type { AccountApi } from '../remote/account-api.ts';
import { CloudError } from '../remote/cloud.ts';
import { HttpCloud } from '../remote/http-cloud.ts';
import type { HttpClient } from '../remote/http-client.ts';
import type { ServerAddress } from '../remote/server-address.ts';
import { CloudSession } from '../remote/session.ts';
import { encodeChain } from './chain-follow.ts';
import type { Home, HomeConfig } from './home.ts';
import { verificationError } from './person-errors.ts';
import { normalEmail, type Proof } from './proof.ts';
import { insist, type AccountTools } from './tools.ts';
import { readAccountRing, type AccountRing, type VaultKeyFault } from './vault-keys.ts';
import { stretchApart } from './password-thread.ts';

/** Where a new device lives and what it is called. */
export interface Enrolment {
  readonly home: Home;
  readonly address: ServerAddress;
  readonly email: string;
  readonly deviceName: string;
  /** What locks the device's keys: the account password (or another passphrase), or the OS keychain. */
  readonly lock:
    | { readonly kind: 'passphrase'; readonly passphrase: string }
    | { readonly kind: 'keychain'; readonly unlockKey: Uint8Array };
}

export interface Enrolled {
  readonly config: HomeConfig;
  /** Opens the home at once, without asking again. */
  readonly unlockKey: Uint8Array;
  /** Vaults whose keys do not hold: left out, to be told. */
  readonly refused: readonly { readonly vault: VaultId; readonly fault: VaultKeyFault }[];
}

export interface NewDevice {
  readonly keys: DeviceKeys;
  readonly signSeed: Uint8Array;
}

export function makeNewDevice(tools: AccountTools): NewDevice {
  const signSeed = Uint8Array.from(tools.random(32));
  return { keys: deviceKeysOf(signSeed, tools.random(32)), signSeed };
}

/** @throws PersonError bad-input: before anything is sent */
export function checkEnrolment(enrolment: Enrolment): Enrolment {
  const { deviceName, lock } = enrolment;
  const bytes = Buffer.byteLength(deviceName, 'utf8');
  if (bytes === 0 || bytes > 255 || !deviceName.isWellFormed()) {
    throw new PersonError('bad-input', 'a device name has 1 to 255 bytes', 'Give another with --device.');
  }
  if (lock.kind === 'keychain' && lock.unlockKey.length !== 32) {
    throw new PersonError(
      'bad-input',
      'the unlock key has not 32 bytes',
      'Take a fresh one from the keychain.',
    );
  }
  if (lock.kind === 'passphrase' && lock.passphrase === '') {
    throw new PersonError('bad-input', 'the password is empty', 'Enter a password.');
  }
  return { ...enrolment, email: normalEmail(enrolment.email) };
}

const ATTEMPTS = 5;

/**
 * Adds this device to the account and reads all keys it may have.
 * @param prove again, when another device changed the chain meanwhile
 */
export async function enrolDevice(
  client: HttpClient,
  api: AccountApi,
  prove: () => Promise<Proof>,
  enrolment: Enrolment,
  tools: AccountTools,
): Promise<{
  readonly proof: Proof;
  readonly device: NewDevice;
  readonly session: Session;
  readonly entries: readonly SignedChainEntry[];
  readonly ring: AccountRing;
}> {
  const device = makeNewDevice(tools);
  for (let attempt = 1; ; attempt += 1) {
    const proof = await prove();
    // Checked before the device is added: without it no key of the account would open.
    const boxSecret = accountBoxSecret(proof.account, proof.chain);
    const toAdd = { keys: device.keys, name: enrolment.deviceName, createdAtMs: tools.nowMs() };
    const entry = addDeviceEntry(proof.account, proof.chain, toAdd, tools.random);
    const extended = extendChain(proof.chain, entry);
    if (!extended.ok) throw new Error(`a chain entry made here does not hold: ${extended.fault}`);
    let session: Session;
    try {
      session = await insist(tools, () => api.addDevice(proof.grant, entry));
    } catch (error) {
      const moved = error instanceof CloudError && error.fault === 'stale-chain';
      if (!moved || attempt === ATTEMPTS) throw error;
      continue;
    }
    checkSession(session, proof.account, device.keys);
    const cloud = freshCloud(client, session, tools);
    const ring = await insist(tools, () => readAccountRing(cloud, extended.chain, boxSecret));
    return { proof, device, session, entries: [...proof.entries, entry], ring };
  }
}

/** The private half of the account’s X25519 key. @throws PersonError verification */
export function accountBoxSecret(account: AccountKeys, chain: DeviceChain): Uint8Array {
  if (chain.accountKey === null) throw verificationError('the account has no key for new devices');
  const opened = openAccountBox(account, chain.accountKey.boxKey, chain.accountKey.sealedPrivateKey);
  if (!opened.ok) throw verificationError("the account's key for new devices does not hold");
  return opened.box.boxSecret;
}

/** @throws PersonError verification */
export function checkSession(session: Session, account: AccountKeys, keys: DeviceKeys): void {
  if (session.account !== account.account || session.device !== keys.device) {
    throw verificationError('the server opened a session for another device');
  }
}

/** Reads with the session just opened; it lives for a quarter of an hour and is not renewed. */
function freshCloud(client: HttpClient, session: Session, tools: AccountTools): HttpCloud {
  const { account, device, refreshToken } = session;
  const cloudSession = new CloudSession({
    client,
    account,
    device,
    refreshToken,
    sign: () => {
      throw new CloudError('unauthorized', 'the session of the enrolment ended too early');
    },
    saveRefreshToken: () => Promise.resolve(),
    signedOut: () => undefined,
    clock: { monotonicMs: tools.monotonicMs },
    opened: session,
  });
  return new HttpCloud(client, cloudSession);
}

/** Writes the home: from here on this installation is the device. */
export async function installDevice(
  enrolment: Enrolment,
  parts: {
    readonly device: NewDevice;
    readonly account: AccountKeys;
    readonly session: Session;
    readonly entries: readonly SignedChainEntry[];
    readonly bundleVersion: number;
    readonly serverKey: string;
    readonly ring: AccountRing;
  },
  tools: AccountTools,
): Promise<Enrolled> {
  const { home, address, email, deviceName, lock } = enrolment;
  const { device, account, session, entries, ring } = parts;
  const unlockKey = lock.kind === 'keychain' ? lock.unlockKey : makeUnlockKey(tools.random);
  const keyFile =
    lock.kind === 'keychain'
      ? null
      : await wrapUnlockKey(unlockKey, lock.passphrase, tools.random, tools.unlockCost, stretchApart);
  const secrets: DeviceSecrets = {
    account: account.account,
    masterKey: account.masterKey,
    bundleVersion: parts.bundleVersion,
    serverKey: parts.serverKey,
    signSeed: device.signSeed,
    boxSecret: device.keys.boxSecret,
    metadataKey: account.metadataKey,
    refreshToken: session.refreshToken,
    epochKeys: ring.keys,
  };
  const config: HomeConfig = {
    version: 1,
    server: address,
    account: account.account,
    device: device.keys.device,
    email,
    deviceName,
    lock: lock.kind,
    machine: await home.mark(),
  };
  const sealed = sealDeviceSecrets(unlockKey, secrets, tools.random);
  await home.install(config, { secrets: sealed, keyFile, chain: encodeChain(entries) });
  return { config, unlockKey, refused: ring.refused };
}

import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../protocol/bytes.ts';
import { replayChain, startChain, type DeviceChain } from '../../protocol/device-chain.ts';
import type { Hash, VaultId } from '../../protocol/ids.ts';
import { verifySignature } from '../../protocol/signing.ts';
import { seededRandom } from '../../test/fakes/seeded-random.ts';
import { bundleFault, changePassword, changePhrase, makeBundle, NO_PINS, openBundle } from './bundle.ts';
import {
  accountKeyEntry,
  addDeviceEntry,
  genesisEntries,
  noticeEntry,
  revokeEntry,
  voidEntry,
} from './chain-entries.ts';
import { openDeviceSecrets, sealDeviceSecrets, type DeviceSecrets } from './device-secrets.ts';
import {
  accountKeysOf,
  makeBoxKeys,
  makeDeviceKeys,
  makeRootKey,
  openAccountBox,
  openDeviceName,
  sealAccountBox,
  sealDeviceName,
  wipeAccountKeys,
} from './identity.ts';
import { openUnlockKey, UNLOCK_COST, wrapUnlockKey } from './key-file.ts';
import { sealObject } from './object.ts';
import { makePhrase, parsePhrase, recoveryKeysOf } from './phrase.ts';
import { sign } from './sign.ts';
import { epochKeyCheck, isEpochKey, VaultKeys } from './vault-keys.ts';

const random = seededRandom('account tests');
const account = accountKeysOf(makeRootKey(random));
const device = makeDeviceKeys(random);
const box = makeBoxKeys(random);

function chainOf(): DeviceChain {
  const entries = genesisEntries(account, box, { keys: device, name: 'Desk', createdAtMs: 5 }, random);
  const result = replayChain(entries);
  if (!result.ok) throw new Error(result.fault);
  return result.chain;
}

describe('the device chain', () => {
  it('begins with the master key, the account key and the first device', () => {
    const chain = chainOf();
    expect(chain.account).toBe(account.account);
    expect(chain.length).toBe(3);
    const added = chain.devices.get(device.device)!;
    expect(added.boxKey).toEqual(device.boxKey);
    expect(openDeviceName(account.metadataKey, account.account, device.device, added.sealedName)).toEqual({
      ok: true,
      name: 'Desk',
    });
    const opened = openAccountBox(account, chain.accountKey!.boxKey, chain.accountKey!.sealedPrivateKey);
    expect(opened).toMatchObject({ ok: true, box: { boxSecret: box.boxSecret } });
  });

  it('takes every later kind of entry', () => {
    const entries = [...genesisEntries(account, box, { keys: device, name: 'a', createdAtMs: 1 }, random)];
    const pin = { vault: 'ab'.repeat(16) as VaultId, seq: 4, hash: 'cd'.repeat(32) as Hash };
    const extend = (make: (tip: DeviceChain) => (typeof entries)[number]): void => {
      const result = replayChain(entries);
      if (!result.ok) throw new Error(result.fault);
      entries.push(make(result.chain));
    };
    const second = makeDeviceKeys(random);
    extend((tip) => addDeviceEntry(account, tip, { keys: second, name: 'b', createdAtMs: 2 }, random));
    extend((tip) => revokeEntry(account, tip, device.device, [pin]));
    extend((tip) => accountKeyEntry(account, tip, makeBoxKeys(random), random));
    extend((tip) => voidEntry(account, tip, pin));
    extend((tip) => noticeEntry(account, tip, 'recovered', 9));
    const result = replayChain(entries);
    expect(result.ok).toBe(true);
    if (!result.ok) return;
    expect(result.chain.devices.get(device.device)!.revoked).toEqual({ at: 4, pins: [pin] });
    expect(result.chain.voids).toEqual([{ at: 6, pin }]);
    expect(result.chain.notices).toEqual([{ at: 7, event: 'recovered', atMs: 9 }]);
  });

  it('refuses a genesis signed by another master key', () => {
    const [genesis] = genesisEntries(account, box, { keys: device, name: 'a', createdAtMs: 1 }, random);
    const other = accountKeysOf(makeRootKey(random));
    const forged = { bytes: genesis.bytes, signature: sign('chain', genesis.bytes, other.masterSecret) };
    expect(startChain(forged)).toEqual({ ok: false, fault: 'bad-signature' });
  });
});

describe('device names and the account key', () => {
  it('belong to one device, one account', () => {
    const sealed = sealDeviceName(account.metadataKey, account.account, device.device, 'Küche', random);
    const other = makeDeviceKeys(random);
    expect(openDeviceName(account.metadataKey, account.account, other.device, sealed)).toEqual({
      ok: false,
      fault: 'wrong-commitment',
    });
  });

  it('seals short and long names to one size', () => {
    const sizes = ['a', 'a'.repeat(100)].map(
      (name) => sealDeviceName(account.metadataKey, account.account, device.device, name, random).length,
    );
    expect(new Set(sizes)).toEqual(new Set([256]));
  });

  it('refuses a private key that another public key was published with', () => {
    const chain = chainOf();
    const opened = openAccountBox(account, makeBoxKeys(random).boxKey, chain.accountKey!.sealedPrivateKey);
    expect(opened).toEqual({ ok: false, fault: 'wrong-commitment' });
  });

  it('refuses one that is not the half of its public key, or no whole key, whoever sealed it', () => {
    const { boxKey } = makeBoxKeys(random);
    for (const boxSecret of [box.boxSecret, random(31)]) {
      const sealed = sealAccountBox(account, { boxKey, boxSecret }, random);
      expect(openAccountBox(account, boxKey, sealed)).toEqual({ ok: false, fault: 'wrong-key' });
    }
  });

  it.each(['', 'é'.repeat(128), 'a\ud800'])('seals no name that is none: %j', (name) => {
    expect(() => sealDeviceName(account.metadataKey, account.account, device.device, name, random)).toThrow(
      RangeError,
    );
  });

  it.each([
    ['an empty name', new ByteWriter().text('').finish()],
    ['half a name', new ByteWriter().text('Desk').finish().subarray(0, 3)],
    ['a name with more behind it', Buffer.concat([new ByteWriter().text('Desk').finish(), Buffer.from([1])])],
  ])('opens %s as none, though it was sealed with the key', (_, plaintext) => {
    const { metadataKey } = account;
    const extra = Buffer.from(account.account + device.device, 'hex');
    const context = { key: metadataKey, type: 'device-name', epoch: 0, vault: null, extra } as const;
    const sealed = sealObject({ ...context, plaintext, random });
    expect(openDeviceName(metadataKey, account.account, device.device, sealed)).toEqual({
      ok: false,
      fault: 'bad-encoding',
    });
  });

  it('makes no keys of half a secret', () => {
    expect(() => accountKeysOf(random(31))).toThrow(RangeError);
    const vault = '01'.repeat(16) as VaultId;
    expect(() => new VaultKeys(vault, [[0, random(16)]])).toThrow(RangeError);
    const half = random(16);
    expect(isEpochKey(half, vault, 0, epochKeyCheck(half, vault, 0))).toBe(false);
  });
});

describe('the recovery phrase', () => {
  const { phrase, entropy } = makePhrase(random);

  it('comes back from what people type', () => {
    const words = phrase.split(' ');
    const typed = words.map((word, index) => `${index + 1}. ${word.toUpperCase()}\t`).join('\n');
    expect(parsePhrase(`  ${typed} `)).toEqual({ ok: true, phrase, entropy });
    expect(words).toHaveLength(24);
  });

  it('says which word does not exist, without repeating it', () => {
    const words = phrase.split(' ');
    words[6] = 'secretish';
    const parsed = parsePhrase(words.join(' '));
    expect(parsed).toEqual({ ok: false, fault: { kind: 'unknown-word', position: 7 } });
  });

  it('counts the words', () => {
    expect(parsePhrase(phrase.split(' ').slice(1).join(' '))).toEqual({
      ok: false,
      fault: { kind: 'wrong-count', count: 23 },
    });
    expect(parsePhrase(' ')).toEqual({ ok: false, fault: { kind: 'wrong-count', count: 0 } });
  });

  it('notices words that changed places', () => {
    const [first, second, ...rest] = phrase.split(' ');
    expect(parsePhrase([second, first, ...rest].join(' '))).toEqual({
      ok: false,
      fault: { kind: 'bad-checksum' },
    });
  });

  it('gives a wrapping key and a key the server can check', () => {
    const keys = recoveryKeysOf(entropy);
    const challenge = random(32);
    expect(
      verifySignature('recovery', challenge, sign('recovery', challenge, keys.authSecret), keys.authKey),
    ).toBe(true);
    expect(Buffer.from(keys.recoveryKey).equals(keys.authKey)).toBe(false);
  });
});

describe('the account bundle', () => {
  const passwordKey = random(32);
  const recovery = recoveryKeysOf(makePhrase(random).entropy);
  const bundle = makeBundle(account, passwordKey, recovery, random);

  it('opens by the password and by the phrase', () => {
    for (const opened of [
      openBundle(bundle, 'root-by-password', passwordKey),
      openBundle(bundle, 'root-by-recovery', recovery.recoveryKey),
    ]) {
      expect(opened.ok && opened.account.account).toBe(account.account);
      expect(opened.ok && opened.account.masterSecret).toEqual(account.masterSecret);
    }
  });

  it('keeps the words when the password changes, and the password when the words change', () => {
    const nextPassword = random(32);
    const changed = changePassword(account, bundle, nextPassword, random);
    expect(changed.version).toBe(2);
    expect(openBundle(changed, 'root-by-password', nextPassword).ok).toBe(true);
    expect(openBundle(changed, 'root-by-recovery', recovery.recoveryKey).ok).toBe(true);
    expect(openBundle(changed, 'root-by-password', passwordKey)).toEqual({
      ok: false,
      fault: 'wrong-secret',
    });

    const otherWords = recoveryKeysOf(makePhrase(random).entropy);
    const third = changePhrase(account, changed, otherWords, random);
    expect(openBundle(third, 'root-by-recovery', otherWords.recoveryKey).ok).toBe(true);
    expect(openBundle(third, 'root-by-password', nextPassword).ok).toBe(true);
    expect(openBundle(third, 'root-by-recovery', recovery.recoveryKey).ok).toBe(false);
  });

  it('refuses an older one than the device has seen, and another account', () => {
    const pins = { account: account.account, leastVersion: 2 };
    expect(openBundle(bundle, 'root-by-password', passwordKey, pins)).toEqual({
      ok: false,
      fault: 'downgrade',
    });
    expect(bundleFault(bundle, account.masterKey, account.account, 2)).toBe('downgrade');
    const other = accountKeysOf(makeRootKey(random));
    const theirs = makeBundle(other, passwordKey, recovery, random);
    expect(openBundle(theirs, 'root-by-password', passwordKey, { ...pins, leastVersion: 1 })).toEqual({
      ok: false,
      fault: 'wrong-account',
    });
  });

  it('refuses an old wrap under a new version, and every other altered field', () => {
    const changed = changePassword(account, bundle, random(32), random);
    const replayed = { ...changed, rootByPassword: bundle.rootByPassword };
    expect(openBundle(replayed, 'root-by-password', passwordKey)).toEqual({
      ok: false,
      fault: 'bad-signature',
    });
    const swapped = { ...bundle, rootByPassword: bundle.rootByRecovery };
    expect(openBundle(swapped, 'root-by-password', passwordKey)).toEqual({
      ok: false,
      fault: 'wrong-secret',
    });
    const otherAuth = { ...bundle, recoveryAuthKey: Buffer.alloc(32).toString('base64') };
    expect(openBundle(otherAuth, 'root-by-password', passwordKey)).toEqual({
      ok: false,
      fault: 'bad-signature',
    });
    expect(openBundle({ ...bundle, version: 7 }, 'root-by-password', passwordKey, NO_PINS)).toEqual({
      ok: false,
      fault: 'bad-signature',
    });
  });

  it('is of one account, whoever signed it', () => {
    const other = accountKeysOf(makeRootKey(random));
    expect(bundleFault(bundle, account.masterKey, account.account, 1)).toBeNull();
    expect(bundleFault(bundle, account.masterKey, other.account, 1)).toBe('wrong-account');
  });

  it('refuses every flipped byte of a wrap', () => {
    const sealed = Buffer.from(bundle.rootByPassword, 'base64');
    for (let at = 0; at < sealed.length; at += 1) {
      const flipped = Buffer.from(sealed);
      flipped[at]! ^= 1;
      const altered = { ...bundle, rootByPassword: flipped.toString('base64') };
      expect(openBundle(altered, 'root-by-password', passwordKey).ok).toBe(false);
    }
  });

  it('can be wiped', () => {
    const copy = accountKeysOf(account.rootKey);
    wipeAccountKeys(copy);
    expect(copy.rootKey.every((byte) => byte === 0)).toBe(true);
    expect(copy.masterSecret.every((byte) => byte === 0)).toBe(true);
    expect(account.rootKey.some((byte) => byte !== 0)).toBe(true);
  });
});

describe('what a device keeps', () => {
  const secrets: DeviceSecrets = {
    account: account.account,
    masterKey: account.masterKey,
    bundleVersion: 3,
    serverKey: 'pinned',
    signSeed: random(32),
    boxSecret: random(32),
    metadataKey: Uint8Array.from(account.metadataKey),
    refreshToken: 'token',
    epochKeys: [
      { vault: '01'.repeat(16) as VaultId, epoch: 0, key: random(32) },
      { vault: '01'.repeat(16) as VaultId, epoch: 1, key: random(32) },
    ],
  };

  it('comes back under the unlock key and no other', () => {
    const unlockKey = random(32);
    const sealed = sealDeviceSecrets(unlockKey, secrets, random);
    expect(openDeviceSecrets(unlockKey, sealed)).toEqual({ ok: true, secrets });
    expect(openDeviceSecrets(random(32), sealed)).toEqual({ ok: false, fault: 'wrong-commitment' });
    expect(Buffer.from(sealed).includes('token')).toBe(false);
  });

  const low = { memory: 64, iterations: 1, parallelism: 1 };

  it('opens the key file by its passphrase, composed or decomposed', async () => {
    const unlockKey = random(32);
    const bytes = await wrapUnlockKey(unlockKey, 'caf\u00e9', random, low);
    expect(await openUnlockKey(bytes, 'cafe\u0301', low)).toMatchObject({ ok: true });
    const opened = await openUnlockKey(bytes, 'caf\u00e9', low);
    expect(opened.ok && Buffer.from(opened.unlockKey)).toEqual(Buffer.from(unlockKey));
    expect(await openUnlockKey(bytes, 'cafe', low)).toEqual({ ok: false, fault: 'wrong-passphrase' });
    expect(await openUnlockKey(bytes, '', low)).toEqual({ ok: false, fault: 'wrong-passphrase' });
  });

  it('refuses a key file of less or absurd cost before any work', async () => {
    const bytes = Buffer.from(await wrapUnlockKey(random(32), 'p', random, low));
    expect(await openUnlockKey(bytes, 'p')).toEqual({ ok: false, fault: 'weak-cost' });
    bytes.writeUInt32BE(0xffff_ffff, 16);
    expect(await openUnlockKey(bytes, 'p', low)).toEqual({ ok: false, fault: 'excessive-cost' });
    expect(await openUnlockKey(bytes.subarray(0, 40), 'p', low)).toEqual({ ok: false, fault: 'malformed' });
  });

  it('binds the cost to the wrap', async () => {
    const bytes = Buffer.from(await wrapUnlockKey(random(32), 'p', random, { ...low, iterations: 2 }));
    bytes.writeUInt32BE(1, 20);
    expect(await openUnlockKey(bytes, 'p', low)).toEqual({ ok: false, fault: 'wrong-passphrase' });
  });

  it('costs by default what is promised', () => {
    expect(UNLOCK_COST).toEqual({ memory: 65_536, iterations: 3, parallelism: 1 });
  });
});

/** The device chain, names and wraps; the phrase, the bundle and what a device keeps. */
import { encodeChainEntry, encodeSignedEntry, type ChainBody } from '../../protocol/device-chain.ts';
import { fromHex, toHex, type Hash, type VaultId } from '../../protocol/ids.ts';
import { hkdf } from '../../sync-engine/crypto/hmac.ts';
import { boxKeysOf } from '../../sync-engine/crypto/identity.ts';
import { sealObject } from '../../sync-engine/crypto/object.ts';
import { sign } from '../../sync-engine/crypto/sign.ts';
import { epochKeyCheck } from '../../sync-engine/crypto/vault-keys.ts';
import { run, type Input, type Json, type Vector } from './operations.ts';
import {
  accountBoxSecret,
  account,
  Collection,
  device,
  deviceBoxSecret,
  deviceSeed,
  drawing,
  epochKeys,
  flip,
  otherVault,
  rootKey,
  vault,
} from './shared.ts';

const draw = drawing('account');

export async function accounts(): Promise<Vector[]> {
  const out = new Collection();
  const genesisInput = {
    rootKey,
    signSeed: deviceSeed,
    deviceBoxSecret,
    accountBoxSecret,
    name: 'Desk',
    createdAtMs: 1_700_000_000_000,
    random: draw(64),
  };
  const genesis = (await out.make('three entries', 'chain-genesis', genesisInput)) as string[];
  const tip = (await out.make('three entries', 'chain-replay', { entries: genesis })) as {
    length: number;
    head: Hash;
  };
  const entry = (body: ChainBody, change: object = {}, secret = account.masterSecret): string => {
    const bytes = encodeChainEntry({
      account: account.account,
      index: tip.length,
      previous: tip.head,
      body,
      ...change,
    });
    return toHex(encodeSignedEntry({ bytes, signature: sign('chain', bytes, secret) }));
  };
  const notice: ChainBody = { kind: 'notice', event: 'recovered', atMs: 5 };
  const pins = [{ vault: vault as VaultId, seq: 4, hash: draw(32) as Hash }];
  const revoke: ChainBody = { kind: 'revoke', device: device.device, pins };
  await out.make('a revocation', 'chain-replay', { entries: [...genesis, entry(revoke)] });
  await out.make('a void', 'chain-replay', {
    entries: [...genesis, entry({ kind: 'void', pin: pins[0] as (typeof pins)[number] & object })],
  });
  await out.make('a notice', 'chain-replay', { entries: [...genesis, entry(notice)] });
  const replay = (name: string, fault: string, ...more: string[]): void =>
    out.refuse(name, 'chain-replay', { entries: [...genesis, ...more] }, fault);
  replay('signed by a device', 'bad-signature', entry(notice, {}, device.signSecret));
  replay('another account', 'wrong-account', entry(notice, { account: draw(16) }));
  replay('an index left out', 'wrong-index', entry(notice, { index: 4 }));
  replay('a fork', 'wrong-previous', entry(notice, { previous: draw(32) }));
  replay('a second genesis', 'malformed', entry({ kind: 'genesis', masterKey: account.masterKey }));
  replay(
    'a device revoked that is not there',
    'unknown-device',
    entry({ ...revoke, device: draw(16) as typeof device.device }),
  );
  replay('a flipped bit', 'bad-signature', flip(entry(notice), -70));
  const add = (change: object): ChainBody => ({
    kind: 'add',
    device: device.device,
    signKey: device.signKey,
    boxKey: device.boxKey,
    sealedName: new Uint8Array(0),
    createdAtMs: 0,
    ...change,
  });
  replay('a device twice', 'device-exists', entry(add({})));
  replay('a device id of another key', 'malformed', entry(add({ device: draw(16) })));
  out.refuse('no entries', 'chain-replay', { entries: [] }, 'malformed');
  out.refuse('without its genesis', 'chain-replay', { entries: genesis.slice(1) }, 'malformed');
  out.refuse(
    'cut short',
    'chain-replay',
    { entries: [genesis[0]?.slice(0, -2) ?? ''] },
    'the bytes end too early',
  );

  const metadataKey = toHex(account.metadataKey);
  const nameInput = { metadataKey, account: account.account, device: device.device };
  const name = (await out.make('a name', 'device-name-seal', {
    ...nameInput,
    name: 'Büro',
    random: draw(32),
  })) as string;
  out.expect('a name', 'device-name-open', { ...nameInput, sealed: name }, 'Büro');
  out.refuse(
    'of another device',
    'device-name-open',
    { ...nameInput, device: draw(16), sealed: name },
    'wrong-commitment',
  );

  const box = boxKeysOf(fromHex(accountBoxSecret));
  const recipients = [
    { id: device.device, boxKey: toHex(device.boxKey) },
    { id: 'account', boxKey: toHex(box.boxKey) },
  ];
  const make = { vault, epoch: 1, key: epochKeys[1], previousKey: epochKeys[0], recipients };
  const wraps = (await out.make('epoch 1 for a device and the account', 'wraps-make', {
    ...make,
    random: draw(96),
  })) as string;
  await out.make('epoch 0', 'wraps-make', { ...make, epoch: 0, previousKey: null, random: draw(64) });
  const keyCheck = epochKeyCheck(fromHex(epochKeys[1]), vault as VaultId, 1);
  const previousKeyCheck = epochKeyCheck(fromHex(epochKeys[0]), vault as VaultId, 0);
  const opening = { wraps, vault, epoch: 1, recipient: device.device, boxSecret: deviceBoxSecret, keyCheck };
  out.expect('by the device', 'wraps-open', opening, epochKeys[1]);
  out.expect(
    'by the account',
    'wraps-open',
    { ...opening, recipient: 'account', boxSecret: accountBoxSecret },
    epochKeys[1],
  );
  const previous = { wraps, vault, epoch: 1, key: epochKeys[1], previousKeyCheck };
  out.expect('epoch 0 by epoch 1', 'wraps-previous', previous, epochKeys[0]);
  const open = (what: string, fault: string, change: Input): void =>
    out.refuse(what, 'wraps-open', { ...opening, ...change }, fault);
  open('a device not among them', 'not-for-us', { recipient: draw(16) });
  open('another secret', 'bad-box', { boxSecret: draw(32) });
  open('another vault', 'bad-box', { vault: otherVault });
  open('another epoch', 'bad-box', { epoch: 2 });
  open('a flipped bit of the box', 'bad-box', { wraps: flip(wraps, 60) });
  open("the other recipient's box", 'bad-box', { recipient: 'account' });
  open('an ephemeral key of zeros', 'bad-box', {
    wraps: wraps.slice(0, 36) + '00'.repeat(32) + wraps.slice(100),
  });
  open('an ephemeral key of order 2', 'bad-box', {
    wraps: `${wraps.slice(0, 36)}01${'00'.repeat(31)}${wraps.slice(100)}`,
  });
  open('a key the opening does not prove', 'wrong-key', { keyCheck: previousKeyCheck });
  open('an unknown version', 'malformed', { wraps: flip(wraps, 0) });
  open('cut short', 'malformed', { wraps: wraps.slice(0, -2) });
  out.refuse('another key', 'wraps-previous', { ...previous, key: draw(32) }, 'wrong-commitment');
  out.refuse('another key check', 'wraps-previous', { ...previous, previousKeyCheck: keyCheck }, 'wrong-key');
  return out.vectors;
}

export async function secrets(): Promise<Vector[]> {
  const out = new Collection();
  const zeros = `${'abandon '.repeat(23)}art`;
  const zoo = `${'zoo '.repeat(23)}vote`;
  await out.make('entropy of zeros', 'phrase-parse', { text: zeros });
  await out.make('entropy of ones', 'phrase-parse', { text: zoo });
  await out.make('typed as a numbered list', 'phrase-parse', {
    text: zoo
      .split(' ')
      .map((word, at) => `${at + 1}. ${word.toUpperCase()}`)
      .join('\n'),
  });
  const parse = (name: string, text: string, fault: Json): void =>
    out.refuse(name, 'phrase-parse', { text }, fault);
  parse('23 words', 'abandon '.repeat(23), { kind: 'wrong-count', count: 23 });
  parse('12 words', `${'abandon '.repeat(11)}about`, { kind: 'wrong-count', count: 12 });
  parse('nothing', '', { kind: 'wrong-count', count: 0 });
  parse('a word that does not exist', zeros.replace('art', 'arf'), { kind: 'unknown-word', position: 24 });
  parse('a wrong last word', zeros.replace('art', 'able'), { kind: 'bad-checksum' });

  const passwordKey = draw(32);
  const entropy = '00'.repeat(32);
  const bundle = (await out.make('version 1', 'bundle-make', {
    rootKey,
    passwordKey,
    entropy,
    random: draw(64),
  })) as Record<string, Json>;
  const { recoveryKey } = (await run({ operation: 'phrase-parse', input: { text: zeros } })) as {
    recoveryKey: string;
  };
  const opening = { bundle, wrap: 'root-by-password', key: passwordKey, leastVersion: 1 };
  await out.make('by the password', 'bundle-open', opening);
  await out.make('by the words', 'bundle-open', { ...opening, wrap: 'root-by-recovery', key: recoveryKey });
  const open = (name: string, fault: string, change: Input): void =>
    out.refuse(name, 'bundle-open', { ...opening, ...change }, fault);
  const base64 = (name: string): Buffer => Buffer.from(bundle[name] as string, 'base64');
  const flipped = (name: string, at: number): string =>
    Buffer.from(flip(toHex(base64(name)), at), 'hex').toString('base64');
  open('another key', 'wrong-secret', { key: draw(32) });
  open('a version seen before', 'downgrade', { leastVersion: 2 });
  open('another version', 'bad-signature', { bundle: { ...bundle, version: 2 } });
  open('another account', 'wrong-secret', { bundle: { ...bundle, account: draw(16) } });
  open('the wraps exchanged', 'wrong-secret', {
    bundle: { ...bundle, rootByPassword: bundle['rootByRecovery'] ?? null },
  });
  open('a flipped bit of the wrap', 'wrong-secret', {
    bundle: { ...bundle, rootByPassword: flipped('rootByPassword', 80) },
  });
  open('a flipped bit of the other wrap', 'bad-signature', {
    bundle: { ...bundle, rootByRecovery: flipped('rootByRecovery', 80) },
  });
  open('another recovery-auth key', 'bad-signature', {
    bundle: { ...bundle, recoveryAuthKey: flipped('recoveryAuthKey', 0) },
  });
  open('a flipped bit of the signature', 'bad-signature', {
    bundle: { ...bundle, signature: flipped('signature', 0) },
  });
  open('another suite', 'wrong-secret', {
    bundle: { ...bundle, rootByPassword: flipped('rootByPassword', 2) },
  });

  const unlockKey = draw(32);
  const low = { memory: 256, iterations: 2, parallelism: 1 };
  const full = { memory: 65_536, iterations: 3, parallelism: 1 };
  const make = { unlockKey, passphrase: 'correct horse', cost: low };
  const file = (await out.make('low cost', 'key-file-make', { ...make, random: draw(48) })) as string;
  const whole = await out.make('the cost in use', 'key-file-make', { ...make, cost: full, random: draw(48) });
  out.expect('low cost', 'key-file-open', { file, passphrase: 'correct horse', least: low }, unlockKey);
  out.expect(
    'the cost in use',
    'key-file-open',
    { file: whole, passphrase: 'correct horse', least: full },
    unlockKey,
  );
  const openFile = (name: string, fault: string, change: Input): void =>
    out.refuse(name, 'key-file-open', { file, passphrase: 'correct horse', least: low, ...change }, fault);
  openFile('another passphrase', 'wrong-passphrase', { passphrase: 'correct horsf' });
  openFile('no passphrase', 'wrong-passphrase', { passphrase: '' });
  openFile('less cost than pinned', 'weak-cost', { least: full });
  openFile('less cost written in', 'wrong-passphrase', {
    file: flip(file, 23, 3),
    least: { ...low, iterations: 1 },
  });
  openFile('absurd memory', 'excessive-cost', { file: flip(file, 16, 255) });
  openFile('absurd iterations', 'excessive-cost', { file: flip(file, 20, 255) });
  openFile('another salt', 'wrong-passphrase', { file: flip(file, 30) });
  openFile('another magic', 'malformed', { file: flip(file, 0) });
  openFile('cut short', 'malformed', { file: file.slice(0, 80) });

  const stored = {
    account: account.account,
    masterKey: toHex(account.masterKey),
    bundleVersion: 1,
    serverKey: 'pinned',
    signSeed: deviceSeed,
    boxSecret: deviceBoxSecret,
    metadataKey: toHex(account.metadataKey),
    refreshToken: 'token',
    epochKeys: [{ vault, epoch: 0, key: epochKeys[0] }],
  };
  const sealed = (await out.make('one vault', 'device-secrets-seal', {
    unlockKey,
    secrets: stored,
    random: draw(32),
  })) as string;
  out.expect('one vault', 'device-secrets-open', { unlockKey, sealed }, stored);
  out.refuse(
    'another unlock key',
    'device-secrets-open',
    { unlockKey: draw(32), sealed },
    'wrong-commitment',
  );
  out.refuse('a flipped bit', 'device-secrets-open', { unlockKey, sealed: flip(sealed, 90) }, 'bad-tag');
  out.refuse('cut short', 'device-secrets-open', { unlockKey, sealed: sealed.slice(0, 100) }, 'malformed');
  const sealKey = hkdf(fromHex(unlockKey), new Uint8Array(0), 'coffre/device-secrets', 32);
  const unknown = sealObject({
    key: sealKey,
    type: 'device-secrets',
    epoch: 0,
    vault: null,
    extra: new Uint8Array(0),
    plaintext: Uint8Array.of(9),
    random: (size) => fromHex(draw(size)),
  });
  out.refuse(
    'an unknown version',
    'device-secrets-open',
    { unlockKey, sealed: toHex(unknown) },
    'bad-encoding',
  );
  return out.vectors;
}

/** By file name. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AccountWorld, EMAIL, epochCommit, makeVault, PASSWORD } from '../../test/fakes/account-world.ts';
import { TamperingProxy, type Tamper } from '../../test/fakes/tampering-proxy.ts';
import type { Grant } from '../../protocol/cloud.ts';
import { decodeFrame, encodeOpening } from '../../protocol/commit.ts';
import { hashOf } from '../../protocol/signing.ts';
import { encodeChainEntry, encodeSignedEntry, decodeSignedEntry } from '../../protocol/device-chain.ts';
import { accountKeysOf, makeBoxKeys, makeDeviceKeys, makeRootKey } from '../crypto/identity.ts';
import { addDeviceEntry, genesisEntries } from '../crypto/chain-entries.ts';
import { sign } from '../crypto/sign.ts';
import { epochKeyCheck } from '../crypto/vault-keys.ts';
import { wrapEpochKey } from '../crypto/wraps.ts';
import { parseServerAddress } from '../remote/server-address.ts';
import { changePassword } from './change-password.ts';
import { login } from './login.ts';
import { recoverWithNewDevice } from './recover.ts';
import { revokeDevice } from './revoke-device.ts';
import { signup } from './signup.ts';
import { signInAgain } from './stay.ts';

let world: AccountWorld;
let proxy: TamperingProxy;

beforeEach(async () => {
  world = await AccountWorld.start();
  proxy = await TamperingProxy.start(world.server.address);
});
afterEach(async () => {
  await proxy.close();
  await world.close();
});

const through = () => ({ address: parseServerAddress(proxy.address) });

interface ChainPage {
  readonly length: number;
  readonly entries: string[];
}

/** Changes the JSON of one route's answer. */
function altering(path: string, change: (answer: never) => unknown): Tamper {
  return (request, answer) =>
    request.path.startsWith(path) && answer.status < 300
      ? { status: answer.status, body: JSON.stringify(change(JSON.parse(answer.body) as never)) }
      : null;
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

function flip(text: string, at: number): string {
  const bytes = Buffer.from(text, 'base64');
  bytes[at % bytes.length]! ^= 1;
  return bytes.toString('base64');
}

/** Logs in through the dishonest server; returns the error and what was asked after the proof. */
async function loginAgainst(tamper: Tamper): Promise<{ error: unknown; after: string[] }> {
  proxy.tamper = tamper;
  const from = proxy.seen.length;
  const enrolment = await world.enrolment(through());
  const error = await login(enrolment, PASSWORD, world.tools).catch((thrown: unknown) => thrown);
  expect(await enrolment.home.config()).toBeNull();
  const paths = proxy.paths.slice(from);
  return { error, after: paths.slice(paths.indexOf('/v1/login/finish') + 1) };
}

describe('MS-01: the account bundle altered', () => {
  it('is refused with one message whatever was altered, and nothing follows', async () => {
    await world.signup();
    const errors = new Set<string>();
    const alterations: ((bundle: Grant['bundle']) => Grant['bundle'])[] = [
      ...[0, 3, 8, 40, 72, 80, 103, 119].map((at) => (bundle: Grant['bundle']) => ({
        ...bundle,
        rootByPassword: flip(bundle.rootByPassword, at),
      })),
      (bundle) => ({ ...bundle, rootByPassword: bundle.rootByPassword.slice(0, 40) }),
      (bundle) => ({ ...bundle, rootByPassword: '' }),
      (bundle) => ({ ...bundle, rootByPassword: bundle.rootByRecovery }),
      (bundle) => ({ ...bundle, recoveryAuthKey: flip(bundle.recoveryAuthKey, 4) }),
      (bundle) => ({ ...bundle, phraseByRoot: flip(bundle.phraseByRoot ?? '', 90) }),
      ({ phraseByRoot: _, ...bundle }) => bundle,
      (bundle) => ({ ...bundle, version: bundle.version + 1 }),
      (bundle) => ({ ...bundle, signature: flip(bundle.signature, 9) }),
      (bundle) => ({ ...bundle, account: '0'.repeat(32) as typeof bundle.account }),
    ];
    for (const alter of alterations) {
      const { error, after } = await loginAgainst(
        altering('/v1/login/finish', (grant: Grant) => ({ ...grant, bundle: alter(grant.bundle) })),
      );
      expect(error).toMatchObject({ code: 'verification' });
      expect(after).toEqual([]);
      errors.add(String(error));
    }
    expect(errors.size).toBe(1);
  }, 30_000);
});

describe('MS-02: missing and foreign keys', () => {
  it('takes "not found" for an error and never for a new account', async () => {
    await world.signup();
    for (const status of [404, 500]) {
      const { error, after } = await loginAgainst((request) =>
        request.path.startsWith('/v1/login/finish')
          ? {
              status,
              body: JSON.stringify({
                error: { code: status === 404 ? 'not-found' : 'internal', message: '' },
              }),
            }
          : null,
      );
      expect(error).toBeInstanceOf(Error);
      expect(after.filter((path) => !path.startsWith('/v1/login/'))).toEqual([]);
    }
  });

  it("refuses another account's bundle and chain", async () => {
    await world.signup();
    const other = accountKeysOf(makeRootKey(world.tools.random));
    const device = { keys: makeDeviceKeys(world.tools.random), name: 'x', createdAtMs: 1 };
    const foreign = genesisEntries(other, makeBoxKeys(world.tools.random), device, world.tools.random);
    const chain = foreign.map((entry) => Buffer.from(encodeSignedEntry(entry)).toString('base64'));
    const { error, after } = await loginAgainst(
      altering('/v1/login/finish', (grant: Grant) => ({ ...grant, chain })),
    );
    expect(error).toMatchObject({ code: 'verification' });
    expect(after).toEqual([]);
  });

  it('refuses a chain with an entry the master key did not sign', async () => {
    await world.signup();
    const { error, after } = await loginAgainst(
      altering('/v1/login/finish', (grant: Grant) => {
        const entries = grant.chain.map((text) => decodeSignedEntry(Buffer.from(text, 'base64')));
        const forger = accountKeysOf(makeRootKey(world.tools.random));
        const tip = { length: 3, head: '00'.repeat(32) as never };
        const toAdd = { keys: makeDeviceKeys(world.tools.random), name: 'spy', createdAtMs: 1 };
        entries.push(addDeviceEntry(forger, tip, toAdd, world.tools.random));
        return {
          ...grant,
          chain: entries.map((entry) => Buffer.from(encodeSignedEntry(entry)).toString('base64')),
        };
      }),
    );
    expect(error).toMatchObject({ code: 'verification' });
    expect(after).toEqual([]);
  });

  it('makes no key when the server shows no vaults, and refuses keys that are not the ones signed', async () => {
    const { device } = await world.signup();
    await makeVault(device);
    proxy.tamper = altering('/v1/vaults', () => ({ vaults: [] }));
    const empty = await world.login(through());
    expect(empty.secrets.secrets.epochKeys).toEqual([]);
    expect(proxy.seen.filter(({ method }) => method !== 'GET').map(({ path }) => path)).toEqual([
      '/v1/login/start',
      '/v1/login/finish',
      '/v1/devices',
    ]);

    interface Epochs {
      epochs: Record<'header' | 'signature' | 'opening' | 'wraps', string>[];
    }
    for (const field of ['header', 'signature', 'opening', 'wraps'] as const) {
      proxy.tamper = (request, answer) =>
        request.path.endsWith('/epochs')
          ? altering('/', ({ epochs }: Epochs) => ({
              epochs: epochs.map((one) => ({ ...one, [field]: flip(one[field], 60) })),
            }))(request, answer)
          : null;
      await expect(world.login(through())).rejects.toMatchObject({ code: 'verification' });
    }
  });

  it('refuses a vault key of its own making, though boxed to the account and proved with its own check', async () => {
    const { device } = await world.signup();
    const { vault } = await makeVault(device);
    const { random } = world.tools;
    const key = random(32);
    const recipients = [{ id: 'account', boxKey: device.chain().accountKey!.boxKey }] as const;
    const wraps = wrapEpochKey({ vault, epoch: 0, key, previousKey: null, recipients }, random);
    const opening = encodeOpening({ keyCheck: epochKeyCheck(key, vault, 0), wrapsHash: hashOf(wraps) });
    proxy.tamper = (request, answer) =>
      request.path.endsWith('/epochs')
        ? altering('/', ({ epochs }: { epochs: object[] }) => ({
            epochs: epochs.map((one) => ({ ...one, opening: base64(opening), wraps: base64(wraps) })),
          }))(request, answer)
        : null;
    await expect(world.login(through())).rejects.toMatchObject({ code: 'verification' });
  });

  it('leaves out a vault that a revoked device began behind the revocation, and keeps the rest', async () => {
    const { device: first } = await world.signup();
    const made = await makeVault(first);
    const second = await world.login();
    await revokeDevice(first, { target: second.device, password: PASSWORD, verifiedHead: () => null });
    const vault = 'cd'.repeat(16) as typeof made.vault;
    const previous = { seq: 0, hash: '0'.repeat(64) as typeof made.head.hash };
    const forged = epochCommit(second, { vault, epoch: 0, previous, previousKey: null });
    const frame = decodeFrame(forged.frame);
    proxy.tamper = (request, answer) => {
      if (request.path === '/v1/vaults') {
        const { vaults } = JSON.parse(answer.body) as { vaults: unknown[] };
        const extra = { vault, head: forged.head, createdAtMs: 1 };
        return { status: 200, body: JSON.stringify({ vaults: [...vaults, extra] }) };
      }
      if (!request.path.startsWith(`/v1/vaults/${vault}/epochs`)) return null;
      const epoch = {
        epoch: 0,
        header: base64(frame.signed.bytes),
        signature: base64(frame.signed.signature),
        opening: base64(encodeOpening(frame.opening)),
        wraps: base64(frame.wraps!),
      };
      return { status: 200, body: JSON.stringify({ epochs: [epoch] }) };
    };
    const enrolment = await world.enrolment(through());
    const { refused } = await login(enrolment, PASSWORD, world.tools);
    expect(refused).toEqual([{ vault, fault: 'bad-device' }]);
    const device = await world.open(enrolment.home);
    expect(device.secrets.secrets.epochKeys.map((key) => key.vault)).toEqual([made.vault]);
  });
});

describe('MS-09 and MS-10: old versions, and what leaves before the proof', () => {
  it('refuses a bundle older than one this device has seen', async () => {
    const { device } = await world.signup(through());
    let old: Grant | null = null;
    proxy.tamper = altering('/v1/login/finish', (grant: Grant) => (old = grant));
    await changePassword(device, { oldPassword: PASSWORD, newPassword: 'next' });
    await changePassword(device, { oldPassword: 'next', newPassword: PASSWORD });
    const first = old as Grant | null;
    expect(device.secrets.secrets.bundleVersion).toBe(3);
    proxy.tamper = altering('/v1/login/finish', (grant: Grant) => ({ ...grant, bundle: first!.bundle }));
    const from = proxy.seen.length;
    await expect(signInAgain(device, PASSWORD)).rejects.toMatchObject({ code: 'verification' });
    expect(proxy.paths.slice(from)).toEqual(['/v1/login/start', '/v1/login/finish']);
  });

  it('sends nothing made from the password when the answer to its start is altered', async () => {
    await world.signup();
    for (const change of ['login', 'garbage'] as const) {
      const { error, after } = await loginAgainst(
        altering('/v1/login/start', (answer: { loginResponse: string }) => ({
          ...answer,
          loginResponse: change === 'garbage' ? 'AAAA' : answer.loginResponse.slice(0, -4) + 'AAAA',
        })),
      );
      expect(error).toMatchObject({ code: expect.stringMatching(/^(refused|verification)$/) });
      expect(after).not.toContain('/v1/login/finish');
      expect(proxy.paths).not.toContain('/v1/login/finish');
    }
  });

  it('never sends the password, the words, or a key', async () => {
    const enrolment = await world.enrolment(through());
    const { recoveryPhrase } = await signup(
      { enrolment, password: PASSWORD, invite: null, old: null },
      world.tools,
    );
    const device = await world.open(enrolment.home);
    await changePassword(device, { oldPassword: PASSWORD, newPassword: 'a second secret' });
    const again = await world.enrolment({ ...through(), lock: { kind: 'passphrase', passphrase: 'p' } });
    await recoverWithNewDevice(again, { phrase: recoveryPhrase, newPassword: 'a third secret' }, world.tools);
    const sent = proxy.seen.map(({ path, body }) => `${path} ${body}`).join('\n');
    const { signSeed, boxSecret, metadataKey } = device.secrets.secrets;
    const secrets = [
      PASSWORD,
      'a second secret',
      'a third secret',
      recoveryPhrase,
      ...[signSeed, boxSecret, metadataKey].flatMap((key) => [
        Buffer.from(key).toString('hex'),
        Buffer.from(key).toString('base64').slice(0, 40),
      ]),
    ];
    expect(secrets.filter((secret) => sent.includes(secret))).toEqual([]);
    expect(sent).toContain(EMAIL);
  });
});

describe('the device chain shown by the server', () => {
  it('may not get shorter, or differ from what was seen', async () => {
    const { device } = await world.signup(through());
    await world.login();
    await device.followChain();
    const before = device.chain();
    proxy.tamper = altering('/v1/chain', () => ({
      length: 3,
      entries: [],
    }));
    await expect(device.followChain()).rejects.toMatchObject({ code: 'verification' });
    proxy.tamper = altering('/v1/chain', ({ length, entries }: ChainPage) => {
      const { bytes, signature } = decodeSignedEntry(Buffer.from(entries[0]!, 'base64'));
      const other = { bytes: Uint8Array.from(bytes).fill(7, 100), signature };
      return { length, entries: [Buffer.from(encodeSignedEntry(other)).toString('base64')] };
    });
    await expect(device.followChain()).rejects.toMatchObject({ code: 'verification' });
    proxy.tamper = altering('/v1/chain', ({ entries }: ChainPage) => ({
      length: 9,
      entries,
    }));
    await expect(device.followChain()).rejects.toMatchObject({ code: 'verification' });
    proxy.tamper = () => null;
    expect((await device.followChain()).head).toBe(before.head);
  });

  it('may not grow by an entry of the server: no device, no recovery, no revocation (MS-17)', async () => {
    const { device } = await world.signup(through());
    const forger = accountKeysOf(makeRootKey(world.tools.random));
    const chain = device.chain();
    const bodies = [
      { kind: 'notice', event: 'recovered', atMs: 1 },
      { kind: 'revoke', device: device.device, pins: [] },
    ] as const;
    for (const body of bodies) {
      const bytes = encodeChainEntry({ account: chain.account, index: 3, previous: chain.head, body });
      const forged = { bytes, signature: sign('chain', bytes, forger.masterSecret) };
      proxy.tamper = altering('/v1/chain', ({ entries }: ChainPage) => ({
        length: 4,
        entries: [...entries, Buffer.from(encodeSignedEntry(forged)).toString('base64')],
      }));
      await expect(device.followChain()).rejects.toMatchObject({ code: 'verification' });
    }
    expect(device.chain()).toBe(chain);
  });
});

describe('lost answers', () => {
  /** Loses the first answer of each route that changes something. */
  const losing = (): Tamper => {
    const lost = new Set<string>();
    return ({ method, path }) => {
      if (method === 'GET' || lost.has(path)) return null;
      lost.add(path);
      return 'lost';
    };
  };

  it('do not lose a sign-up, a login, a change of password or a revocation', async () => {
    proxy.tamper = losing();
    const { device } = await world.signup(through());
    proxy.tamper = losing();
    const second = await world.login(through());
    proxy.tamper = losing();
    await changePassword(device, { oldPassword: PASSWORD, newPassword: 'next' });
    proxy.tamper = losing();
    const request = { target: second.device, password: 'next', verifiedHead: () => null };
    await revokeDevice(device, request);
    expect(device.chain().devices.get(second.device)?.revoked).not.toBeNull();
    expect(device.chain().notices).toHaveLength(1);
    expect(device.chain().devices.size).toBe(2);
    await device.connection.cloud.account();
  });
});

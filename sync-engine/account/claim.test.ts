import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { byOperator } from '../../cloud/audit/entry.ts';
import { addressHash } from '../../cloud/legacy/address.ts';
import { proofHash } from '../../cloud/legacy/claims.ts';
import { hashCode } from '../../cloud/legacy/codes.ts';
import { openEmbeddedStore } from '../../cloud/store/embedded/embedded-store.ts';
import { AccountWorld, EMAIL, PASSWORD } from '../../test/fakes/account-world.ts';
import { TamperingProxy } from '../../test/fakes/tampering-proxy.ts';
import type { LegacyParameters } from '../../protocol/legacy.ts';
import { legacyHash } from '../crypto/legacy-hash.ts';
import { parseServerAddress } from '../remote/server-address.ts';
import { askLegacyOffer, tryOldProof, type OldProof } from './claim.ts';
import { signup } from './signup.ts';

const OLD = 'the old password';
const parameters: LegacyParameters = {
  scheme: 'pbkdf2-sha256',
  iterations: 10_000,
  bytes: 32,
  salt: Buffer.from('Zk3vQ9rT1mWx').toString('base64'),
};
const byPassword: OldProof = { kind: 'password', password: OLD };

let world: AccountWorld;

beforeEach(async () => {
  world = await AccountWorld.start({ signup: 'closed' });
  await bring();
});
afterEach(async () => {
  await world.close();
});

/** A member of an older service, as `legacy import` and `legacy codes` leave them. */
async function bring(): Promise<void> {
  const options = { defaultQuotaBytes: null, exclusive: false, retentionMs: 0, uncommittedMs: 0 };
  const store = await openEmbeddedStore({ ...options, dataDir: world.dataDir });
  const hash = await legacyHash({ password: OLD, parameters });
  const row = { email: EMAIL, password: { parameters, proofHash: proofHash(hash) }, quotaBytes: 7_000_000 };
  const nowMs = Date.now();
  const audit = byOperator('legacy-imported', nowMs);
  const batch = { import: null, service: 'OldBox', expiresMs: nowMs + 1e9, nowMs, rows: [row], audit };
  await store.legacy.add(batch);
  await store.legacy.setCodes([{ address: addressHash(EMAIL), codeHash: hashCode('7K3Q') }], nowMs, audit);
  await store.close();
}

const claimed = async (old: OldProof, password = PASSWORD) =>
  signup({ enrolment: await world.enrolment(), password, invite: null, old }, world.tools);

describe('an account of an older service', () => {
  it.each([
    ['its old password', byPassword],
    ['a code, as it was typed', { kind: 'code', code: ' 7k3q ' }],
  ] as const)('is made anew by %s, on a server that takes no others', async (_name, old) => {
    const address = parseServerAddress(world.server.address);
    expect(await askLegacyOffer(address, world.tools)).toEqual({ service: 'OldBox', passwords: true });
    await tryOldProof({ address, email: EMAIL, old }, world.tools);
    const enrolment = await world.enrolment();
    const made = await signup({ enrolment, password: PASSWORD, invite: null, old }, world.tools);
    expect(made.recoveryPhrase.split(' ')).toHaveLength(24);
    const device = await world.open(enrolment.home);
    expect((await device.connection.cloud.account()).quota.limitBytes).toBe(7_000_000);
    expect((await world.login({ deviceName: 'Lap' })).account).toBe(device.account);
    await expect(claimed(old)).rejects.toMatchObject({ code: 'refused' });
  });

  it('is refused with another password or code, and says what else it may be', async () => {
    for (const old of [
      { kind: 'password', password: 'guessed' },
      { kind: 'code', code: '7K3R' },
    ] as const) {
      await expect(claimed(old)).rejects.toMatchObject({
        code: 'refused',
        message: expect.stringContaining('no account of the older service was found'),
        hint: expect.stringContaining('log in'),
      });
    }
    const enrolment = await world.enrolment({ email: 'nobody@example.org' });
    const stranger = { enrolment, password: PASSWORD, invite: null, old: byPassword };
    await expect(signup(stranger, world.tools)).rejects.toMatchObject({ code: 'refused' });
  });

  it('does not take the old password as the new one, and says why', async () => {
    for (const same of [OLD, OLD.normalize('NFKD')]) {
      await expect(claimed(byPassword, same)).rejects.toMatchObject({
        code: 'bad-input',
        message: expect.stringContaining('the server has been given a hash'),
      });
    }
    await expect(claimed({ kind: 'password', password: '' })).rejects.toMatchObject({ code: 'bad-input' });
  });

  it('is not lost with an answer, and the old password does not leave the device', async () => {
    const proxy = await TamperingProxy.start(world.server.address);
    const lost = new Set<string>();
    proxy.tamper = ({ method, path }) => {
      if (method === 'GET' || lost.has(path)) return null;
      lost.add(path);
      return 'lost';
    };
    const enrolment = await world.enrolment({ address: parseServerAddress(proxy.address) });
    const request = { enrolment, password: PASSWORD, invite: null, old: byPassword };
    const made = await signup(request, world.tools);
    expect([...lost]).toEqual(expect.arrayContaining(['/v1/claim/finish', '/v1/signup/finish']));
    expect(made.recoveryPhrase.split(' ')).toHaveLength(24);
    expect((await world.open(enrolment.home)).account).toBe(made.config.account);
    const sent = proxy.seen.map(({ body }) => body).join('');
    for (const encoding of ['utf8', 'base64', 'hex'] as const) {
      expect(sent).not.toContain(Buffer.from(OLD).toString(encoding).replace(/=+$/, ''));
    }
    await proxy.close();
  });

  it('is not taken from a server that asks for a hash that is guessed at once', async () => {
    const proxy = await TamperingProxy.start(world.server.address);
    proxy.tamper = ({ path }, answer) =>
      path === '/v1/claim/start'
        ? { ...answer, body: JSON.stringify({ ...parameters, iterations: 1 }) }
        : null;
    const address = parseServerAddress(proxy.address);
    const tried = tryOldProof({ address, email: EMAIL, old: byPassword }, world.tools);
    await expect(tried).rejects.toMatchObject({ code: 'verification' });
    expect(proxy.paths).not.toContain('/v1/claim/finish');
    await proxy.close();
  });
});

it('says of a server without such accounts that it has none', async () => {
  const other = await AccountWorld.start();
  const address = parseServerAddress(other.server.address);
  await expect(askLegacyOffer(address, other.tools)).rejects.toMatchObject({
    code: 'refused',
    message: 'this server restores no accounts of an older service',
  });
  await other.close();
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bundle } from '../../protocol/cloud.ts';
import { makeBundle, openBundle } from '../../sync-engine/crypto/bundle.ts';
import { accountKeysOf, makeRootKey } from '../../sync-engine/crypto/identity.ts';
import { secureRandom } from '../../sync-engine/crypto/random.ts';
import { alteringGrant, flipped, LyingAccount } from './lying-account.ts';

describe('MS-01: an account bundle with one bit changed, or a part of another', () => {
  const passwordKey = secureRandom(32);
  const recovery = { recoveryKey: secureRandom(32), authKey: secureRandom(32) };
  const account = accountKeysOf(makeRootKey(secureRandom));
  const bundle = makeBundle(account, passwordKey, recovery, secureRandom);
  const opens = (altered: Bundle): boolean => openBundle(altered, 'root-by-password', passwordKey).ok;

  it('is refused, whichever bit it is: wraps, key, signature', () => {
    expect(opens(bundle)).toBe(true);
    for (const field of ['rootByPassword', 'rootByRecovery', 'recoveryAuthKey', 'signature'] as const) {
      const { length } = Buffer.from(bundle[field], 'base64');
      for (let at = 0; at < length; at += 1) {
        expect([field, at, opens({ ...bundle, [field]: flipped(bundle[field], at) })]).toEqual([
          field,
          at,
          false,
        ]);
      }
      for (const kept of [0, 1, 8, length - 1]) {
        const cut = Buffer.from(bundle[field], 'base64').subarray(0, kept).toString('base64');
        expect([field, kept, opens({ ...bundle, [field]: cut })]).toEqual([field, kept, false]);
      }
    }
  });

  it('is refused with a part of another account, of another use, of another version', () => {
    const other = accountKeysOf(makeRootKey(secureRandom));
    const foreign = makeBundle(other, passwordKey, recovery, secureRandom);
    for (const field of [
      'account',
      'rootByPassword',
      'rootByRecovery',
      'recoveryAuthKey',
      'signature',
    ] as const) {
      if (bundle[field] === foreign[field]) continue; // the same words give the same key
      expect([field, opens({ ...bundle, [field]: foreign[field] })]).toEqual([field, false]);
    }
    expect(opens({ ...bundle, rootByPassword: bundle.rootByRecovery })).toBe(false);
    expect(opens({ ...bundle, version: 2 })).toBe(false);
    const words = openBundle(
      { ...bundle, rootByRecovery: bundle.rootByPassword },
      'root-by-recovery',
      passwordKey,
    );
    expect(words.ok).toBe(false);
  });
});

describe('MS-01: signing in with an altered bundle', () => {
  let lying: LyingAccount;
  beforeEach(async () => {
    lying = await LyingAccount.start();
    await lying.world.signup();
  });
  afterEach(async () => {
    await lying.close();
  });

  it('ends with one message whatever was altered, and nothing is asked after it', async () => {
    const messages = new Set<string>();
    const changes: ((bundle: Bundle) => Partial<Bundle>)[] = [
      ({ rootByPassword }) => ({ rootByPassword: flipped(rootByPassword, 10) }),
      ({ rootByPassword }) => ({ rootByPassword: flipped(rootByPassword, 90) }),
      ({ rootByRecovery }) => ({ rootByPassword: rootByRecovery }),
      ({ recoveryAuthKey }) => ({ recoveryAuthKey: flipped(recoveryAuthKey, 4) }),
      ({ signature }) => ({ signature: flipped(signature, 9) }),
      () => ({ account: '0'.repeat(32) as Bundle['account'] }),
    ];
    for (const change of changes) {
      const { error, asked } = await lying.login(
        alteringGrant((grant) => ({ ...grant, bundle: { ...grant.bundle, ...change(grant.bundle) } })),
      );
      expect(error).toMatchObject({ code: 'verification' });
      expect(asked).toEqual([]);
      messages.add(String(error));
    }
    expect(messages.size).toBe(1);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Grant } from '../../protocol/cloud.ts';
import { ROOT_NODE, type NodeId, type VaultId } from '../../protocol/ids.ts';
import { changePassword } from '../../sync-engine/account/change-password.ts';
import { signInAgain } from '../../sync-engine/account/stay.ts';
import { realTools } from '../../sync-engine/account/tools.ts';
import { openUnlockKey, UNLOCK_COST, wrapUnlockKey } from '../../sync-engine/crypto/key-file.ts';
import { NO_EXTRA, openObject, sealObject } from '../../sync-engine/crypto/object.ts';
import { PASSWORD_COST, startLogin } from '../../sync-engine/crypto/password.ts';
import { secureRandom } from '../../sync-engine/crypto/random.ts';
import { openRecord, sealRecord } from '../../sync-engine/crypto/record.ts';
import { makeEpochKey, VaultKeys } from '../../sync-engine/crypto/vault-keys.ts';
import { PASSWORD } from '../fakes/account-world.ts';
import { FOLDER } from './folder-device.ts';
import { altering, alteringGrant, LyingAccount } from './lying-account.ts';

describe('MS-09: an older or other way of sealing', () => {
  const vault = '1'.repeat(32) as VaultId;

  it('is refused by its suite and its magic, before a key is used', () => {
    const context = { key: secureRandom(32), type: 'record', epoch: 0, vault, extra: NO_EXTRA } as const;
    const sealed = sealObject({ ...context, plaintext: secureRandom(64), random: secureRandom });
    for (let suite = 0; suite < 256; suite += 1) {
      const offered = Uint8Array.from(sealed);
      offered[2] = suite;
      const opened = openObject({ ...context, sealed: offered });
      expect([suite, opened.ok ? 'ok' : opened.fault]).toEqual([suite, suite === 1 ? 'ok' : 'wrong-suite']);
    }
    const renamed = Uint8Array.from(sealed);
    renamed[1] = 0x30; // F0
    expect(openObject({ ...context, sealed: renamed })).toEqual({ ok: false, fault: 'malformed' });
  });

  it('is refused for a record: nothing older than the first format opens', () => {
    const keys = new VaultKeys(vault, [[0, makeEpochKey(secureRandom)]]);
    const node = '2'.repeat(32) as NodeId;
    const sealed = sealRecord(keys, 0, node, 1, { ...FOLDER, parent: ROOT_NODE, name: 'x' }, secureRandom);
    sealed[2] = 0;
    expect(openRecord(keys, node, 1, sealed)).toEqual({ ok: false, fault: 'wrong-suite' });
  });
});

describe('MS-09: cheaper key stretching', () => {
  it('is no server’s to choose: the cost is a constant of the client, at least the recommended one', () => {
    for (const cost of [PASSWORD_COST, UNLOCK_COST]) {
      expect(cost.memory).toBeGreaterThanOrEqual(65_536);
      expect(cost.iterations).toBeGreaterThanOrEqual(3);
    }
    const { passwordCost, unlockCost } = realTools();
    expect([passwordCost, unlockCost]).toEqual([PASSWORD_COST, UNLOCK_COST]);
    expect(startLogin.length).toBe(1);
  });

  it('is refused in a key file: 8 KiB', async () => {
    const cheap = { memory: 8, iterations: 1, parallelism: 1 };
    const file = await wrapUnlockKey(secureRandom(32), PASSWORD, secureRandom, cheap);
    expect(await openUnlockKey(file, PASSWORD)).toEqual({ ok: false, fault: 'weak-cost' });
  });
});

describe('MS-09: an older bundle', () => {
  let lying: LyingAccount;
  beforeEach(async () => {
    lying = await LyingAccount.start();
  });
  afterEach(async () => {
    await lying.close();
  });

  it('is refused by a device that has seen a newer one; nothing follows', async () => {
    const { device } = await lying.world.signup(lying.through());
    let first: Grant['bundle'] | null = null;
    lying.proxy.tamper = alteringGrant((grant) => {
      first ??= grant.bundle;
      return grant;
    });
    await changePassword(device, { oldPassword: PASSWORD, newPassword: 'next' });
    await changePassword(device, { oldPassword: 'next', newPassword: PASSWORD });
    lying.proxy.tamper = alteringGrant((grant) => ({ ...grant, bundle: first! }));
    const from = lying.proxy.seen.length;
    await expect(signInAgain(device, PASSWORD)).rejects.toMatchObject({ code: 'verification' });
    expect(lying.proxy.paths.slice(from)).toEqual(['/v1/login/start', '/v1/login/finish']);
  });

  it('an answer that asks for another cost changes nothing of what is sent', async () => {
    await lying.world.signup();
    const { error } = await lying.login(
      altering('/v1/login/start', (answer: object) => ({
        ...answer,
        keyStretching: { 'argon2id-custom': { memory: 8, iterations: 1, parallelism: 1 } },
      })),
    );
    expect(error).toBeNull(); // not read at all: the record was made at the client's cost, and opens at it alone
  });
});

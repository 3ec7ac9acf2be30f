import { createDecipheriv, hash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromHex, type VaultId } from '../../protocol/ids.ts';
import { hkdf } from '../../sync-engine/crypto/hmac.ts';
import { NO_EXTRA, openObject } from '../../sync-engine/crypto/object.ts';
import { secureRandom } from '../../sync-engine/crypto/random.ts';
import { collide } from '../vectors/colliding-object.ts';
import { altering, LyingAccount } from './lying-account.ts';

const VAULT = '1'.repeat(32) as VaultId;
const HEADER = Buffer.from('4631010a00000000', 'hex'); // F1, suite 1, an unlock key, epoch 0

/** Key and commitment as docs/format.md derives them. */
function derived(key: Uint8Array, salt: Uint8Array): { key: Buffer; commit: Buffer } {
  const data = Buffer.concat([HEADER, fromHex(VAULT)]);
  const info = Buffer.concat([Buffer.from('F1/\u000a', 'latin1'), hash('sha256', data, 'buffer')]);
  const both = hkdf(key, salt, info, 64);
  return { key: both.subarray(0, 32), commit: both.subarray(32) };
}

function gcmOpens(key: Uint8Array, ciphertext: Uint8Array, tag: Uint8Array): boolean {
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.alloc(12), { authTagLength: 16 });
  decipher.setAuthTag(tag);
  decipher.update(ciphertext);
  try {
    decipher.final();
    return true;
  } catch {
    return false;
  }
}

describe('MS-10: one ciphertext made for two keys', () => {
  it('opens under AES-GCM with both, and as an object with the committed one alone', () => {
    for (let round = 0; round < 5; round += 1) {
      const keys = [secureRandom(32), secureRandom(32)] as const;
      const salt = secureRandom(32);
      const [first, second] = [derived(keys[0], salt), derived(keys[1], salt)];
      const { ciphertext, tag } = collide(first.key, second.key);
      expect([first, second].map(({ key }) => gcmOpens(key, ciphertext, tag))).toEqual([true, true]);
      const sealed = Buffer.concat([HEADER, salt, first.commit, ciphertext, tag]);
      const open = (key: Uint8Array) =>
        openObject({ key, type: 'unlock-key', epoch: 0, vault: VAULT, extra: NO_EXTRA, sealed });
      expect(open(keys[0]).ok).toBe(true);
      expect(open(keys[1])).toEqual({ ok: false, fault: 'wrong-commitment' });
    }
  });
});

describe('MS-10: guessing through the sign-in', () => {
  let lying: LyingAccount;
  beforeEach(async () => {
    lying = await LyingAccount.start();
    await lying.world.signup();
  });
  afterEach(async () => {
    await lying.close();
  });

  it('gets nothing made from the password for an answer that is not the account’s own', async () => {
    for (const change of [
      (response: string) => `${response.slice(0, -4)}AAAA`,
      (response: string) => `AAAA${response.slice(4)}`,
      () => 'AAAA',
    ]) {
      const from = lying.proxy.seen.length;
      const { error } = await lying.login(
        altering('/v1/login/start', (answer: { loginResponse: string }) => ({
          ...answer,
          loginResponse: change(answer.loginResponse),
        })),
      );
      expect(error).toBeInstanceOf(Error);
      expect(lying.proxy.paths.slice(from)).not.toContain('/v1/login/finish');
    }
  });
});

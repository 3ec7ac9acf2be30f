import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeOpening } from '../../protocol/commit.ts';
import { hashOf } from '../../protocol/signing.ts';
import { encodeSignedEntry } from '../../protocol/device-chain.ts';
import { genesisEntries } from '../../sync-engine/crypto/chain-entries.ts';
import {
  accountKeysOf,
  makeBoxKeys,
  makeDeviceKeys,
  makeRootKey,
} from '../../sync-engine/crypto/identity.ts';
import { epochKeyCheck } from '../../sync-engine/crypto/vault-keys.ts';
import { wrapEpochKey } from '../../sync-engine/crypto/wraps.ts';
import { makeVault } from '../fakes/account-world.ts';
import { HostileWorld } from './hostile-world.ts';
import { altering, alteringGrant, base64, LyingAccount } from './lying-account.ts';

let lying: LyingAccount;
beforeEach(async () => {
  lying = await LyingAccount.start();
});
afterEach(async () => {
  await lying.close();
});

/** Requests that could carry a key, beyond those that prove the password. */
const telling = (paths: readonly string[]): string[] =>
  paths.filter((path) => !path.startsWith('/v1/login/'));

interface Epochs {
  readonly epochs: readonly object[];
}

describe('MS-02: keys that the server keeps back or makes up', () => {
  it.each([404, 500])('make no new account out of a %i', async (status) => {
    await lying.world.signup();
    const code = status === 404 ? 'not-found' : 'internal';
    const { error, asked } = await lying.login(({ path }) =>
      path.startsWith('/v1/login/finish')
        ? { status, body: JSON.stringify({ error: { code, message: '' } }) }
        : null,
    );
    expect(error).toBeInstanceOf(Error);
    expect(telling(asked)).toEqual([]);
  });

  it('are refused when they are another account’s', async () => {
    await lying.world.signup();
    const { random } = lying.world.tools;
    const foreign = genesisEntries(
      accountKeysOf(makeRootKey(random)),
      makeBoxKeys(random),
      { keys: makeDeviceKeys(random), name: 'x', createdAtMs: 1 },
      random,
    ).map((entry) => base64(encodeSignedEntry(entry)));
    for (const chain of [[], foreign]) {
      const { error, asked } = await lying.login(alteringGrant((grant) => ({ ...grant, chain })));
      expect(error).toMatchObject({ code: 'verification' });
      expect(asked).toEqual([]);
    }
  });

  it('are refused when the server made them itself, boxed as they should be and with a check of its own', async () => {
    const { device } = await lying.world.signup();
    const { vault } = await makeVault(device);
    const { random } = lying.world.tools;
    const key = random(32);
    const recipients = [{ id: 'account', boxKey: device.chain().accountKey!.boxKey }] as const;
    const wraps = wrapEpochKey({ vault, epoch: 0, key, previousKey: null, recipients }, random);
    const opening = encodeOpening({ keyCheck: epochKeyCheck(key, vault, 0), wrapsHash: hashOf(wraps) });
    const { error } = await lying.login((request, answer) =>
      request.path.endsWith('/epochs')
        ? altering('/', ({ epochs }: Epochs) => ({
            epochs: epochs.map((one) => ({ ...one, opening: base64(opening), wraps: base64(wraps) })),
          }))(request, answer)
        : null,
    );
    expect(error).toMatchObject({ code: 'verification' });
  });

  it('are not replaced when none are shown: nothing is made, nothing sent', async () => {
    const { device } = await lying.world.signup();
    await makeVault(device);
    lying.proxy.tamper = altering('/v1/vaults', () => ({ vaults: [] }));
    const from = lying.proxy.seen.length;
    const empty = await lying.world.login(lying.through());
    expect(empty.secrets.secrets.epochKeys).toEqual([]);
    const sent = lying.proxy.seen.slice(from).filter(({ method }) => method !== 'GET');
    expect(sent.map(({ path }) => path)).toEqual(['/v1/login/start', '/v1/login/finish', '/v1/devices']);
  });

  it('are refused for a new epoch too: the wraps are those that were signed', async () => {
    const world = await HostileWorld.start();
    try {
      const ann = await world.signup();
      ann.write('a.txt', 'a');
      await ann.settle();
      const bob = await world.another(ann);
      const eve = await world.another(ann, 'Eve');
      bob.line.silent = true;
      await eve.engine.stop();
      await world.server.revoke(ann.keys, eve.identity.device);
      ann.write('b.txt', 'b');
      await ann.settle();
      const random = lying.world.tools.random;
      const key = random(32);
      const recipients = [{ id: bob.identity.device, boxKey: bob.keys.deviceKeys.boxKey }];
      const previousKey = bob.identity.vaultKeys(bob.vault).epochKey(0);
      const wraps = wrapEpochKey({ vault: bob.vault, epoch: 1, key, previousKey, recipients }, random);
      const before = bob.files();
      bob.line.lies = {
        changes: async (honest, vault, after) => {
          const page = await honest.changes(vault, after);
          const commits = page.commits.map((one) => ({ ...one, frame: { ...one.frame, wraps: null } }));
          return { ...page, commits };
        },
        epochs: async (honest, vault) => (await honest.epochs(vault)).map((one) => ({ ...one, wraps })),
      };
      expect(await bob.look()).toEqual(['log-fault bad-epoch']);
      expect(bob.identity.vaultKeys(bob.vault).has(1)).toBe(false);
      expect(bob.files()).toEqual(before);
    } finally {
      await world.close();
    }
  });
});

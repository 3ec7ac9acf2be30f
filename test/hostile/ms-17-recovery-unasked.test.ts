import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeChainEntry, encodeSignedEntry, type ChainBody } from '../../protocol/device-chain.ts';
import { addDeviceEntry } from '../../sync-engine/crypto/chain-entries.ts';
import { accountKeysOf, makeDeviceKeys, makeRootKey } from '../../sync-engine/crypto/identity.ts';
import { sign } from '../../sync-engine/crypto/sign.ts';
import { altering, base64, LyingAccount } from './lying-account.ts';

let lying: LyingAccount;
beforeEach(async () => {
  lying = await LyingAccount.start();
});
afterEach(async () => {
  await lying.close();
});

interface ChainPage {
  readonly length: number;
  readonly entries: readonly string[];
}

describe('MS-17: an enrolment, a recovery or a revocation that nobody asked for', () => {
  it('is refused when the server enters it, and nothing leaves the device for it', async () => {
    const { device } = await lying.world.signup(lying.through());
    const { random } = lying.world.tools;
    const forger = accountKeysOf(makeRootKey(random));
    const chain = device.chain();
    const spy = addDeviceEntry(
      forger,
      chain,
      { keys: makeDeviceKeys(random), name: 'spy', createdAtMs: 1 },
      random,
    );
    const bodies: readonly ChainBody[] = [
      { kind: 'notice', event: 'recovered', atMs: 1 },
      { kind: 'revoke', device: device.device, pins: [] },
      { kind: 'account-key', boxKey: random(32), sealedPrivateKey: random(120) },
    ];
    const forged = [
      spy,
      ...bodies.map((body) => {
        const { account, length: index, head: previous } = chain;
        const bytes = encodeChainEntry({ account, index, previous, body });
        return { bytes, signature: sign('chain', bytes, forger.masterSecret) };
      }),
    ];
    const from = lying.proxy.seen.length;
    for (const entry of forged) {
      lying.proxy.tamper = altering('/v1/chain', ({ entries }: ChainPage) => ({
        length: chain.length + 1,
        entries: [...entries, base64(encodeSignedEntry(entry))],
      }));
      await expect(device.followChain()).rejects.toMatchObject({ code: 'verification' });
    }
    expect(device.chain()).toBe(chain);
    const sent = lying.proxy.seen.slice(from).filter(({ method }) => method !== 'GET');
    expect(sent.map(({ path }) => path).filter((path) => path !== '/v1/token')).toEqual([]);
  });

  it('is told by the account’s own list when it was asked for, so that none passes unseen', async () => {
    const news: string[] = [];
    const { device } = await lying.world.signup(
      {},
      { news: (items) => void news.push(...items.map(({ kind }) => kind)) },
    );
    await lying.world.login({ deviceName: 'Laptop' });
    await device.followChain();
    expect(news).toEqual(['device-added']);
  });
});

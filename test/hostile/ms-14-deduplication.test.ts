import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toHex, type ChunkId, type VaultId } from '../../protocol/ids.ts';
import type { OpenDevice } from '../../sync-engine/account/open-device.ts';
import { realTools } from '../../sync-engine/account/tools.ts';
import { proveRestorable } from '../../sync-engine/engine/proof-of-restore.ts';
import { CloudError } from '../../sync-engine/remote/cloud.ts';
import { RANDOM } from './folder-device.ts';
import { HostileWorld, shown, type HostileDevice } from './hostile-world.ts';
import { poisoned } from './poison.ts';

let world: HostileWorld;
let ann: HostileDevice;

beforeEach(async () => {
  world = await HostileWorld.start();
  ann = await world.signup();
});
afterEach(async () => {
  await world.close();
});

const CONTENT = randomBytes(300_000);

function idsOf(device: HostileDevice): ChunkId[] {
  const { store } = device.sync.log;
  return store.packs('live').flatMap(({ name }) => store.chunksOf(name).map(({ id }) => id));
}

/** The audit of `coffre check`: a sample of the account, fetched and verified anew. */
async function audit(device: HostileDevice): Promise<unknown> {
  const { identity, line, manifest, disk, workers, engine } = device;
  const open = {
    account: identity.account,
    device: identity.device,
    chain: () => identity.chain(),
    followChain: () => identity.followChain(),
    vaultKeys: (vault: VaultId) => identity.vaultKeys(vault),
    connection: { cloud: line.cloud },
  } as unknown as OpenDevice;
  const folder = `${world.root}/proof`;
  mkdirSync(folder, { recursive: true });
  const at = { device: open, manifest, disk, workers, engine };
  const asking = { signal: AbortSignal.timeout(20_000), progress: () => undefined };
  const proofWorld = { random: RANDOM, nowMs: () => Date.now(), tools: realTools(), folder };
  return proveRestorable(at, { percent: 100, phrase: null }, proofWorld, asking);
}

describe('MS-14: the same file in two accounts, and in two vaults of one', () => {
  it('has no id in common, so that to know it proves nothing', async () => {
    const other = await HostileWorld.start();
    try {
      const eve = await other.signup('eve@example.org');
      for (const device of [ann, eve]) {
        device.write('same.bin', CONTENT);
        await device.settle();
      }
      const ids = new Set(idsOf(eve));
      expect(idsOf(ann).filter((id) => ids.has(id))).toEqual([]);
      const [mine, theirs] = [ann, eve].map((device) =>
        device.identity.vaultKeys(device.vault).chunkId(CONTENT),
      );
      expect(mine).not.toBe(theirs);
    } finally {
      await other.close();
    }
  });

  it('is not to be had by its name from another account', async () => {
    const eve = await world.server.signup('eve@example.org', 'Eve');
    ann.write('same.bin', CONTENT);
    await ann.settle();
    const [pack] = ann.sync.log.store.packs('live');
    const cloud = world.line(eve);
    const foreign = cloud.getPack(ann.vault, pack!.name, 0, 100);
    const missing = cloud.getPack(toHex(randomBytes(16)) as VaultId, pack!.name, 0, 100);
    await expect(foreign).rejects.toMatchObject({ fault: 'not-found' });
    await expect(missing).rejects.toMatchObject({ fault: 'not-found' });
  });
});

describe('MS-14: "already stored"', () => {
  it('is not believed where the commit shows that it was a lie', async () => {
    let lies = 1;
    ann.line.lies = {
      putPack: (honest, ...args) => {
        lies -= 1;
        return lies >= 0 ? Promise.resolve({ kind: 'stored' }) : honest.putPack(...args);
      },
    };
    ann.write('new.bin', CONTENT);
    await ann.settle();
    const bob = await world.another(ann);
    expect(bob.files()).toEqual({ 'new.bin': shown(CONTENT) });
  });

  it('is found out by the audit, and by whoever reads, where the server keeps up the lie', async () => {
    const bob = await world.another(ann);
    bob.line.silent = true;
    ann.write('new.bin', CONTENT);
    await ann.settle();
    const lost = new CloudError('not-found', 'no such pack');
    for (const device of [ann, bob]) device.line.lies = { getPack: () => Promise.reject(lost) };
    await expect(audit(ann)).rejects.toMatchObject({ code: 'verification' });
    expect(await bob.look()).toEqual(['missing-data']);
    expect(bob.files()).toEqual({});
    ann.line.lies = {};
    await expect(audit(ann)).resolves.toMatchObject({ files: 1, bytes: CONTENT.length });
  });
});

describe('MS-14: a poisoned chunk', () => {
  it('is rejected when it is read, and healed by storing the content anew', async () => {
    const eve = await world.another(ann, 'Eve');
    const content = 'what Bob will write';
    await poisoned(eve, Buffer.from(content), Buffer.from('something else indeed'));
    const bob = await world.another(ann);
    ann.line.silent = true;
    bob.write('new.txt', content); // deduplicated against what Eve says is there
    await bob.settle();
    expect(await ann.look()).toEqual(['corrupt']);
    expect(ann.files()).toEqual({});
    // From now on Ann does not rely on that pack: the same content is stored anew, and both files are whole.
    ann.write('copy.txt', content);
    await ann.look();
    await ann.until(() => ann.files()['new.txt'] === content);
    // A new device cannot tell the two packs apart: it may try Eve's first, and then finds the other.
    const carol = await world.joining(ann, 'Carol');
    await carol.until(() => carol.files()['copy.txt'] === content && carol.files()['new.txt'] === content);
  });
});

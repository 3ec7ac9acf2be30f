import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { lstat, mkdir, readFile, readdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { seededRandom } from '../../test/fakes/seeded-random.ts';
import { EMAIL } from '../../test/fakes/account-world.ts';
import { TamperingProxy } from '../../test/fakes/tampering-proxy.ts';
import { TreeWorld, type TreeUser } from '../../test/fakes/tree-world.ts';
import { LAST_PROVEN, LAST_PROVEN_WITH_WORDS } from './proof-of-restore.ts';
import { VaultKeys } from '../crypto/vault-keys.ts';
import { makePhrase } from '../crypto/phrase.ts';
import { exportAccount } from './export.ts';
import { hashLine } from './hash-list.ts';

// Real servers and sealing on machines that have other things to do.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let world: TreeWorld;
let ann: TreeUser;

beforeEach(async () => {
  world = await TreeWorld.start();
  ann = await world.first();
  await ann.makeVault();
});
afterEach(async () => {
  await world.close();
});

const bytes = (name: string, size: number): Buffer => Buffer.from(seededRandom(name)(size));

async function exported(given: { server?: string; folder?: string; phrase?: string } = {}) {
  const folder = given.folder ?? join(world.folder, 'out');
  const request = {
    server: given.server ?? world.account.server.address,
    email: EMAIL,
    phrase: given.phrase ?? world.phrase,
    folder,
  };
  return exportAccount(request, world.account.tools, ann.context);
}

describe('export', () => {
  it('writes the whole tree, from the phrase and the server alone', async () => {
    const large = randomBytes(20_000_000);
    await ann.write('work/large', large);
    await ann.write('work/run.sh', '#!/bin/sh\n', { mode: 0o755 });
    await ann.write('work/empty', '');
    await ann.write('odd \\ \n name', 'odd');
    await ann.write('link', 'work/large', { link: true });
    await ann.makeFolder('nothing in it');
    await ann.write('deleted', 'deleted');
    await ann.delete('deleted');
    const devices = ann.device.chain().devices.size;
    const proxy = await TamperingProxy.start(world.account.server.address);
    try {
      const result = await exported({ server: proxy.address });
      const folder = join(world.folder, 'out');
      expect(result).toMatchObject({ folder, files: 4, vaults: ['Files'] });
      expect((await readdir(folder)).sort()).toEqual(
        ['coffre-export.sha256', 'link', 'nothing in it', 'odd \\ \n name', 'work'].sort(),
      );
      expect(Buffer.compare(await readFile(join(folder, 'work/large')), large)).toBe(0);
      expect(await readlink(join(folder, 'link'))).toBe('work/large');
      const script = await lstat(join(folder, 'work/run.sh'));
      expect(script.mode & 0o777).toBe(0o755);
      const known = ann.vault.log.store.remote.get(ann.node('work/run.sh'));
      expect(Math.abs(script.mtimeMs - (known?.mtimeUs ?? 0) / 1000)).toBeLessThan(1);
      const list = await readFile(result.hashList, 'utf8');
      const hash = createHash('sha256').update(large).digest('hex');
      expect(list.split('\n')).toContain(`${hash}  work/large`);
      expect(list.trimEnd().split('\n')).toHaveLength(4);
      if (process.platform === 'linux') {
        execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'coffre-export.sha256'], {
          cwd: folder,
        });
      }
      expect(proxy.seen.every(({ method, path }) => method === 'GET' || path.startsWith('/v1/recover'))).toBe(
        true,
      );
    } finally {
      await proxy.close();
    }
    expect((await ann.device.followChain()).devices.size).toBe(devices);
  });

  it('gives each of several vaults a folder, two of one name too', async () => {
    await ann.write('a', 'in the first');
    await ann.makeVault();
    await ann.makeVault('coffre-export.sha256');
    const result = await exported();
    const names = (await readdir(result.folder, { withFileTypes: true })).filter((entry) =>
      entry.isDirectory(),
    );
    expect(names).toHaveLength(3);
    expect(names.map(({ name }) => name)).toContain('Files');
    expect(await readFile(join(result.folder, 'Files/a'), 'utf8')).toBe('in the first');
    expect(await readFile(result.hashList, 'utf8')).toMatch(/ {2}Files\/a\n$/);
  });

  it('refuses a wrong phrase and a folder that is not empty', async () => {
    const words = world.phrase.split(' ').reverse().join(' ');
    await expect(exported({ phrase: words })).rejects.toMatchObject({ code: /bad-input|refused/ as never });
    const folder = join(world.folder, 'full');
    await mkdir(folder);
    await writeFile(join(folder, 'mine'), 'mine');
    await expect(exported({ folder })).rejects.toMatchObject({ code: 'exists' });
    expect(await readdir(folder)).toEqual(['mine']);
  });

  it('proves the phrase again when its ten minutes are over', async () => {
    await ann.write('a', 'content');
    const proxy = await TamperingProxy.start(world.account.server.address);
    let passed = false;
    proxy.tamper = ({ path }) => {
      if (path.includes('/state?') && !passed) {
        passed = true;
        world.pass(11 * 60_000);
      }
      return null;
    };
    try {
      expect((await exported({ server: proxy.address })).files).toBe(1);
      expect(proxy.paths.filter((path) => path === '/v1/recover/finish')).toHaveLength(2);
    } finally {
      await proxy.close();
    }
  });

  it('leaves out what is damaged, writes the rest, and says so', async () => {
    await ann.write('good', bytes('good', 100_000));
    const [before] = ann.vault.log.store.packs('live');
    await ann.write('bad', bytes('bad', 100_000));
    const bad = ann.vault.log.store.packs('live').find(({ name }) => name !== before?.name);
    const proxy = await TamperingProxy.start(world.account.server.address);
    proxy.tamper = ({ path }) =>
      path.endsWith(`/packs/${bad?.name ?? ''}`) ? { status: 206, body: 'x'.repeat(131_072) } : null;
    try {
      await expect(exported({ server: proxy.address })).rejects.toMatchObject({
        code: 'verification',
        message: 'one thing could not be exported, the first: bad',
      });
    } finally {
      await proxy.close();
    }
    const folder = join(world.folder, 'out');
    expect(Buffer.compare(await readFile(join(folder, 'good')), bytes('good', 100_000))).toBe(0);
    expect((await readdir(folder)).sort()).toEqual(['coffre-export.sha256', 'good']);
  });

  it('refuses a name that is Coffre’s own', async () => {
    await ann.write('.Coffre/marker.json', '{}');
    await ann.write('a', 'a');
    await expect(exported()).rejects.toMatchObject({ code: 'verification' });
    expect((await readdir(join(world.folder, 'out'))).sort()).toEqual(['a', 'coffre-export.sha256']);
  });

  it('believes no state that its head does not sign', async () => {
    await ann.write('a', 'a');
    const proxy = await TamperingProxy.start(world.account.server.address);
    proxy.tamper = ({ path }, { status }) => (path.includes('/state?') ? { status, body: '\0\0\0' } : null);
    try {
      await expect(exported({ server: proxy.address })).rejects.toMatchObject({ code: 'verification' });
    } finally {
      await proxy.close();
    }
    expect(await readdir(join(world.folder, 'out'))).toEqual(['coffre-export.sha256']);
  });
});

describe('check', () => {
  it('fetches a sample anew, at least one file, and remembers when', async () => {
    for (let index = 0; index < 5; index += 1) await ann.write(`f${index}`, bytes(`f${index}`, 50_000));
    const one = await ann.handlers.check({ readDataPercent: 1 }, ann.context);
    expect(one).toMatchObject({ files: 1, bytes: 50_000 });
    const all = await ann.handlers.check({ readDataPercent: 100 }, ann.context);
    expect(all).toMatchObject({ files: 5, bytes: 250_000 });
    expect(ann.manifest.meta(LAST_PROVEN)).toBe(String(all.lastProvenRestorableMs));
    expect(await readdir(ann.home)).not.toContain('check');
  });

  it('takes its keys from the 24 words alone when it is given them', async () => {
    await ann.write('a', bytes('a', 50_000));
    await ann.write('b', bytes('b', 50_000));
    const session = vi.spyOn(ann.cloud, 'getPack');
    // What this device keeps of its keys is no good any more; the words do not need it.
    vi.spyOn(ann.device, 'vaultKeys').mockImplementation((vault) => new VaultKeys(vault, []));
    const devices = ann.device.chain().devices.size;
    const proven = await ann.handlers.check({ readDataPercent: 100, phrase: world.phrase }, ann.context);
    expect(proven).toMatchObject({ files: 2, bytes: 100_000, keys: 'words' });
    expect(ann.manifest.meta(LAST_PROVEN_WITH_WORDS)).toBe(String(proven.lastProvenRestorableMs));
    expect(ann.manifest.meta(LAST_PROVEN)).toBe(String(proven.lastProvenRestorableMs));
    expect(session).not.toHaveBeenCalled();
    expect((await ann.device.followChain()).devices.size).toBe(devices);
    await expect(ann.handlers.check({ readDataPercent: 100 }, ann.context)).rejects.toMatchObject({
      code: 'verification',
    });
  });

  it('says of its own keys that they are, and refuses words that are not those of the account', async () => {
    await ann.write('a', bytes('a', 50_000));
    const proven = await ann.handlers.check({ readDataPercent: 100 }, ann.context);
    expect(proven.keys).toBe('device');
    expect(ann.manifest.meta(LAST_PROVEN_WITH_WORDS)).toBeNull();
    const phrase = makePhrase((size) => Uint8Array.from(randomBytes(size))).phrase;
    await expect(ann.handlers.check({ readDataPercent: 100, phrase }, ann.context)).rejects.toMatchObject({
      code: 'refused',
    });
    expect(ann.manifest.meta(LAST_PROVEN_WITH_WORDS)).toBeNull();
  });

  it('proves nothing when the server shows no state of a vault at all', async () => {
    await ann.write('a', bytes('a', 50_000));
    ann.cloud.vaults = () => Promise.resolve([]);
    await expect(ann.handlers.check({ readDataPercent: 100 }, ann.context)).rejects.toMatchObject({
      code: 'verification',
    });
    expect(ann.manifest.meta(LAST_PROVEN)).toBeNull();
  });

  it('names the file that is damaged, and proves nothing then', async () => {
    await ann.write('work/a', bytes('a', 50_000));
    const get = ann.cloud.getPack.bind(ann.cloud);
    ann.cloud.getPack = async (...request) => {
      const answer = await get(...request);
      answer[100] = (answer[100] ?? 0) ^ 1;
      return answer;
    };
    const checking = ann.handlers.check({ readDataPercent: 100 }, ann.context);
    await expect(checking).rejects.toMatchObject({
      code: 'verification',
      message: expect.stringContaining('Files:/work/a') as string,
    });
    expect(ann.manifest.meta(LAST_PROVEN)).toBeNull();
    expect(await readdir(ann.home)).not.toContain('check');
  });
});

describe('a line of the hash list', () => {
  it('is escaped as sha256sum does it', () => {
    expect(hashLine('ab', 'plain')).toBe('ab  plain\n');
    expect(hashLine('ab', 'a\\b\nc\rd')).toBe('\\ab  a\\\\b\\nc\\rd\n');
  });
});

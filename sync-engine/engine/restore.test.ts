import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RETENTION_MS } from '../../protocol/limits.ts';
import { ROOT_NODE, TRASH_NODE, type NodeId } from '../../protocol/ids.ts';
import { CloudError } from '../remote/cloud.ts';
import { seededRandom } from '../../test/fakes/seeded-random.ts';
import { TreeWorld, type TreeUser } from '../../test/fakes/tree-world.ts';

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

const page = { limit: 200, cursor: null };
const listing = { ...page, totals: false };
const text = async (path: string, user = ann): Promise<string> => (await user.read(path)).toString();
const names = async (path: string, user = ann): Promise<string[]> =>
  (await user.handlers.ls({ ...listing, path }, user.context)).entries.map(({ name }) => name);

describe('ls', () => {
  it('shows a folder by name, page by page', async () => {
    for (const name of ['b', 'a', 'ä', 'c', 'B']) await ann.write(`work/${name}`, name);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const listed: Awaited<ReturnType<typeof ann.handlers.ls>> = await ann.handlers.ls(
        { ...listing, limit: 2, cursor, path: 'Files:/work' },
        ann.context,
      );
      expect(listed.path).toBe('Files:/work');
      seen.push(...listed.entries.map(({ name }) => name));
      cursor = listed.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(['B', 'a', 'b', 'c', 'ä']);
  });

  it('shows one file by itself, and says what is not there', async () => {
    await ann.write('work/a', 'four');
    const [entry] = (await ann.handlers.ls({ ...listing, path: '/work/a' }, ann.context)).entries;
    expect(entry).toMatchObject({ name: 'a', type: 'file', size: 4, selected: false });
    await expect(ann.handlers.ls({ ...listing, path: 'work/b' }, ann.context)).rejects.toMatchObject({
      code: 'not-found',
    });
    await expect(ann.handlers.ls({ ...listing, path: 'Other:/' }, ann.context)).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('refuses to choose between vaults of one name', async () => {
    await ann.makeVault();
    await expect(ann.handlers.ls({ ...listing, path: 'Files:/' }, ann.context)).rejects.toMatchObject({
      code: 'bad-input',
    });
    expect(await names('/')).toEqual([]);
  });
});

describe('ls with totals', () => {
  it('counts what lies beneath each folder, and nothing else', async () => {
    await ann.write('work/a', 'four');
    await ann.write('work/deep/er/b', 'sixsix');
    await ann.write('work/deep/link', 'a', { link: true });
    await ann.write('other/c', 'c');
    await ann.makeFolder('empty');
    await ann.delete('other/c');
    await ann.write('top', 'top');
    const listed = await ann.handlers.ls({ ...listing, path: '/', totals: true }, ann.context);
    expect(listed.entries.map(({ name, files, bytes }) => [name, files, bytes])).toEqual([
      ['empty', 0, 0],
      ['other', 0, 0],
      ['top', undefined, undefined],
      ['work', 3, 11],
    ]);
    const plain = await ann.handlers.ls({ ...listing, path: '/' }, ann.context);
    expect(plain.entries.every((entry) => !('files' in entry))).toBe(true);
  });

  it('walks more folders than are read at once', async () => {
    const { store } = ann.vault.log;
    const parent = await ann.makeFolder('many');
    const like = store.remote.get(parent);
    if (like === undefined) throw new Error('no folder');
    ann.manifest.transaction(() => {
      for (let index = 0; index < 450; index += 1) {
        const id = `a${index.toString(16).padStart(31, '0')}` as NodeId;
        const name = String(index);
        store.putRemote({ ...like, id, parent, name });
        store.putRemote({
          ...like,
          id: id.replace(/^a/, 'b') as NodeId,
          parent: id,
          name,
          type: 'file',
          size: 2,
        });
      }
    });
    const listed = await ann.handlers.ls({ ...listing, path: '/', totals: true }, ann.context);
    expect(listed.entries[0]).toMatchObject({ name: 'many', files: 450, bytes: 900 });
  });
});

describe('ls of what a device holds', () => {
  it('says of each folder whether it is here, not here, or in part', async () => {
    for (const path of ['a/b/c', 'a/d/e', 'f/g/h', 'i/j']) await ann.write(path, path);
    const pair = ann.manifest.addPair({
      id: 'p',
      folder: '/nowhere',
      vault: ann.vault.vault,
      bound: ROOT_NODE,
    });
    ann.pairs.push({ vault: ann.vault, pair });
    pair.deselect(ann.node('a/b'), true);
    pair.deselect(ann.node('f'), true);
    const marks = async (path: string): Promise<unknown[]> =>
      (await ann.handlers.ls({ ...listing, path }, ann.context)).entries.map(({ name, selected, partly }) => [
        name,
        selected,
        partly,
      ]);
    expect(await marks('/')).toEqual([
      ['a', true, true],
      ['f', false, false],
      ['i', true, false],
    ]);
    expect(await marks('a')).toEqual([
      ['b', false, false],
      ['d', true, false],
    ]);
    expect(await marks('f')).toEqual([['g', false, false]]);
  });

  it('says of a folder above a linked one that a part of it is here', async () => {
    for (const path of ['a/b/c', 'a/d/e']) await ann.write(path, path);
    const bound = ann.node('a/b');
    const pair = ann.manifest.addPair({ id: 'p', folder: '/nowhere', vault: ann.vault.vault, bound });
    ann.pairs.push({ vault: ann.vault, pair });
    const { entries } = await ann.handlers.ls({ ...listing, path: '/' }, ann.context);
    expect(entries).toMatchObject([{ name: 'a', selected: false, partly: true }]);
    const below = await ann.handlers.ls({ ...listing, path: '/a' }, ann.context);
    expect(below.entries).toMatchObject([
      { name: 'b', selected: true, partly: false },
      { name: 'd', selected: false, partly: false },
    ]);
  });
});

describe('ls of a time', () => {
  it('shows a folder as it was, deleted, moved and changed things included', async () => {
    await ann.write('work/a', '1');
    await ann.write('work/gone/b', '22');
    await ann.write('work/moved', '333');
    const before = world.nowMs();
    world.pass(60_000);
    await ann.write('work/a', '4444');
    await ann.delete('work/gone');
    await ann.move('work/moved', { name: 'elsewhere' });
    await ann.write('work/new', '5');
    world.pass(60_000);
    const listed = await ann.handlers.ls(
      { ...listing, path: 'work', atMs: before, totals: true },
      ann.context,
    );
    expect(listed.entries.map(({ name, size, files, bytes }) => [name, size, files, bytes])).toEqual([
      ['a', 1, undefined, undefined],
      ['gone', 0, 1, 2],
      ['moved', 3, undefined, undefined],
    ]);
    const inside = await ann.handlers.ls({ ...listing, path: 'work/gone', atMs: before }, ann.context);
    expect(inside.entries).toMatchObject([{ name: 'b', size: 2 }]);
    expect(await names('work')).toEqual(['a', 'elsewhere', 'new']);
    await expect(
      ann.handlers.ls({ ...listing, path: 'work/new', atMs: before }, ann.context),
    ).rejects.toMatchObject({ code: 'not-found' });
  });

  it('pages, reading the past once, and refuses a time before the vault', async () => {
    for (const name of ['a', 'b', 'c']) await ann.write(`work/${name}`, name);
    const before = world.nowMs();
    world.pass(60_000);
    const read = vi.spyOn(ann.cloud, 'state');
    const at = { ...listing, path: 'work', atMs: before };
    const first = await ann.handlers.ls({ ...at, limit: 2 }, ann.context);
    const rest = await ann.handlers.ls({ ...at, cursor: first.nextCursor }, ann.context);
    expect([...first.entries, ...rest.entries].map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(read).toHaveBeenCalledTimes(1);
    await expect(
      ann.handlers.ls({ ...at, atMs: before - 10 * RETENTION_MS }, ann.context),
    ).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('the timeline', () => {
  const DAY = 24 * 60 * 60_000;

  it('tells the days with changes of the vault, and of one file', async () => {
    const beganMs = world.nowMs();
    await ann.write('work/a', '1');
    world.pass(3 * DAY);
    await ann.write('work/a', '22');
    await ann.write('work/b', '1');
    const line = await ann.handlers.timeline({ path: '/' }, ann.context);
    expect(line.days.map(({ changes }) => changes)).toEqual([3, 2]);
    expect(new Date(line.days[0]?.dayStartMs ?? 0).getHours()).toBe(0);
    expect((line.days[1]?.dayStartMs ?? 0) - (line.days[0]?.dayStartMs ?? 0)).toBeGreaterThan(2.9 * DAY);
    expect(Math.abs(line.firstMs - beganMs)).toBeLessThan(20 * 60_000);
    const file = await ann.handlers.timeline({ path: 'work/a' }, ann.context);
    expect(file.days.map(({ changes }) => changes)).toEqual([1, 1]);
    await expect(ann.handlers.timeline({ path: 'none' }, ann.context)).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('goes back no further than things are kept', async () => {
    await ann.write('work/a', '1');
    world.pass(RETENTION_MS + DAY);
    await ann.write('work/a', '2');
    const line = await ann.handlers.timeline({ path: '/' }, ann.context);
    expect(line.firstMs).toBeGreaterThanOrEqual(world.nowMs() - RETENTION_MS - 60_000);
    expect(line.days.map(({ changes }) => changes)).toEqual([1]);
  });

  it('is the same on a device that joined later, and works without the server', async () => {
    await ann.write('work/a', '1');
    world.pass(2 * DAY);
    await ann.write('work/a', '2');
    const bob = await world.another();
    const line = await ann.handlers.timeline({ path: '/' }, ann.context);
    expect((await bob.handlers.timeline({ path: '/' }, bob.context)).days).toEqual(line.days);
    vi.spyOn(bob.cloud, 'headAt').mockRejectedValue(new CloudError('offline', 'no connection'));
    expect((await bob.handlers.timeline({ path: '/' }, bob.context)).days).toEqual(line.days);
  });
});

describe('versions', () => {
  it('tell sizes, devices and where the file was, a deletion too', async () => {
    await ann.write('work/a', '1');
    await ann.write('work/a', '22');
    await ann.move('work', { name: 'play' });
    await ann.move('play/a', { name: 'b' });
    const listed = await ann.handlers.versions({ ...page, path: 'play/b' }, ann.context);
    expect(listed.versions.map(({ version, size, path, current }) => [version, size, path, current])).toEqual(
      [
        [3, 2, 'Files:/play/b', true],
        [2, 2, 'Files:/work/a', false],
        [1, 1, 'Files:/work/a', false],
      ],
    );
    expect(listed.versions[0]?.deviceName).toBe('Desk');
    await ann.delete('play/b');
    const gone = await ann.handlers.versions({ limit: 2, cursor: null, path: 'play/b' }, ann.context);
    expect(gone.versions.map(({ version, size }) => [version, size])).toEqual([
      [4, null],
      [3, 2],
    ]);
    const rest = await ann.handlers.versions(
      { limit: 2, cursor: gone.nextCursor, path: 'play/b' },
      ann.context,
    );
    expect(rest.versions.map(({ version }) => version)).toEqual([2, 1]);
    expect(rest.nextCursor).toBeNull();
  });
});

describe('restore of a file', () => {
  it('brings the version before back, a given one, and one as of a time', async () => {
    await ann.write('a', 'one');
    const early = world.pass(1000);
    world.pass(1000);
    await ann.write('a', 'two');
    await ann.write('a', 'three');
    const restored = await ann.handlers.restore({ path: 'a' }, ann.context);
    expect(restored).toEqual({ path: 'Files:/a', files: 1, bytes: 3 });
    expect(await text('a')).toBe('two');
    await ann.handlers.restore({ path: 'a', version: 3 }, ann.context);
    expect(await text('a')).toBe('three');
    await ann.handlers.restore({ path: 'a', atMs: early }, ann.context);
    expect(await text('a')).toBe('one');
    expect(ann.vault.log.store.remote.get(ann.node('a'))?.revision).toBe(6);
  });

  it('keeps its present name and place', async () => {
    await ann.write('work/a', 'one');
    await ann.write('work/a', 'two');
    await ann.makeFolder('play');
    await ann.move('work/a', { parent: ann.node('play'), name: 'b' });
    await ann.handlers.restore({ path: 'play/b', version: 1 }, ann.context);
    expect(await text('play/b')).toBe('one');
    expect(await names('work')).toEqual([]);
  });

  it('makes a new node at another place, and refuses one that is taken', async () => {
    await ann.write('a', 'one');
    await ann.write('a', 'two');
    const restored = await ann.handlers.restore({ path: 'a', version: 1, to: 'old/deep/a' }, ann.context);
    expect(restored.path).toBe('Files:/old/deep/a');
    expect(await text('old/deep/a')).toBe('one');
    expect(await text('a')).toBe('two');
    expect(ann.node('old/deep/a')).not.toBe(ann.node('a'));
    const again = ann.handlers.restore({ path: 'a', version: 1, to: 'old/deep/a' }, ann.context);
    await expect(again).rejects.toMatchObject({ code: 'exists' });
    await expect(ann.handlers.restore({ path: 'a', version: 9 }, ann.context)).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('brings a deleted one back to where it was, its folder made again', async () => {
    await ann.write('work/deep/a', 'one');
    await ann.delete('work/deep/a');
    await ann.delete('work');
    await ann.handlers.restore({ path: 'work/deep/a' }, ann.context);
    expect(await text('work/deep/a')).toBe('one');
    expect(await names('work/deep')).toEqual(['a']);
  });

  it('revives the packs of content that nobody needed any more', async () => {
    const big = Buffer.from(seededRandom('big')(300_000));
    await ann.write('a', big);
    await ann.write('a', 'small');
    expect((await ann.keepHouse()).droppedPacks).toBe(1);
    await ann.handlers.restore({ path: 'a', version: 1 }, ann.context);
    expect(Buffer.compare(await ann.read('a'), big)).toBe(0);
    expect(ann.vault.log.store.packs('dropped')).toEqual([]);
  });

  it('finds those packs on a device that came after they were dropped', async () => {
    const big = Buffer.from(seededRandom('big')(300_000));
    await ann.write('a', big);
    await ann.write('a', 'small');
    await ann.keepHouse();
    const bob = await world.another();
    expect(bob.vault.log.store.packs('dropped')).toEqual([]);
    await bob.handlers.restore({ path: 'a', version: 1 }, bob.context);
    expect(Buffer.compare(await bob.read('a'), big)).toBe(0);
    await ann.vault.log.pull();
    expect(Buffer.compare(await ann.read('a'), big)).toBe(0);
  });

  it('is followed by a device that never knew the pack it revives', async () => {
    await ann.write('a', seededRandom('big')(300_000));
    await ann.write('a', 'small');
    await ann.keepHouse();
    const bob = await world.another();
    await ann.handlers.restore({ path: 'a', version: 1 }, ann.context);
    await bob.vault.log.pull();
    expect(Buffer.compare(await bob.read('a'), await ann.read('a'))).toBe(0);
  });

  it('says so when the stored bytes are no longer kept', async () => {
    await ann.write('a', seededRandom('big')(300_000));
    await ann.write('a', 'small');
    await ann.keepHouse();
    world.pass(RETENTION_MS + 60_000);
    await world.account.server.upkeep.run();
    await expect(ann.handlers.restore({ path: 'a', version: 1 }, ann.context)).rejects.toMatchObject({
      code: 'not-found',
    });
    expect(await text('a')).toBe('small');
  });

  it('wins against a change that came in between, which stays a version', async () => {
    await ann.write('a', 'one');
    await ann.write('a', 'two');
    const bob = await world.another();
    await ann.write('a', 'three');
    const restored = await bob.handlers.restore({ path: 'a', version: 1 }, bob.context);
    expect(restored.files).toBe(1);
    await ann.vault.log.pull();
    expect(await text('a')).toBe('one');
    const { versions } = await ann.handlers.versions({ ...page, path: 'a' }, ann.context);
    expect(versions.map(({ size }) => size)).toEqual([3, 5, 3, 3]);
  });
});

describe('restore of a folder', () => {
  it('brings all beneath it back as of a time and leaves what is new alone', async () => {
    await ann.write('work/kept', 'kept');
    await ann.write('work/changed', 'before');
    await ann.write('work/deep/trashed', 'trashed');
    await ann.write('work/deep/gone', 'gone for good');
    await ann.write('work/moved', 'moved');
    const [trashed, gone] = [ann.node('work/deep/trashed'), ann.node('work/deep/gone')];
    const then = world.pass(1000);
    world.pass(1000);
    await ann.write('work/changed', 'after');
    await ann.delete('work/deep/gone');
    await ann.handlers['trash.empty']({ now: false }, ann.context);
    await ann.delete('work/deep/trashed');
    await ann.move('work/moved', { parent: ROOT_NODE, name: 'elsewhere' });
    await ann.write('work/new', 'new');
    const restored = await ann.handlers.restore({ path: 'Files:/work', atMs: then }, ann.context);
    expect(restored.path).toBe('Files:/work');
    expect(restored.files).toBe(4);
    expect(await names('work')).toEqual(['changed', 'deep', 'kept', 'moved', 'new']);
    expect(await names('work/deep')).toEqual(['gone', 'trashed']);
    expect(await names('/')).toEqual(['work']);
    expect(await text('work/changed')).toBe('before');
    expect(await text('work/deep/gone')).toBe('gone for good');
    expect(ann.node('work/deep/trashed')).toBe(trashed);
    expect(ann.node('work/deep/gone')).not.toBe(gone);
  });

  it('brings a whole folder back that was deleted and emptied, beside what took its name', async () => {
    await ann.write('work/deep/a', 'one');
    const then = world.pass(1000);
    world.pass(1000);
    await ann.delete('work');
    await ann.handlers['trash.empty']({ now: false }, ann.context);
    await ann.write('work', 'a file now');
    const restored = await ann.handlers.restore({ path: 'work', atMs: then }, ann.context);
    expect(restored).toEqual({ path: 'Files:/work (restored)', files: 1, bytes: 3 });
    expect(await text('work (restored)/deep/a')).toBe('one');
    expect(await text('work')).toBe('a file now');
  });

  it('copies it as of a time to a new place', async () => {
    await ann.write('work/a', 'one');
    const then = world.pass(1000);
    world.pass(1000);
    await ann.write('work/a', 'two');
    const restored = await ann.handlers.restore({ path: 'work', atMs: then, to: 'before' }, ann.context);
    expect(restored).toEqual({ path: 'Files:/before', files: 1, bytes: 3 });
    expect(await text('before/a')).toBe('one');
    expect(await text('work/a')).toBe('two');
  });

  it('undoes a swap of two names, and a folder moved into what it held', async () => {
    await ann.write('work/a', 'a');
    await ann.write('work/b', 'b');
    await ann.makeFolder('work/in');
    const then = world.pass(1000);
    world.pass(1000);
    await ann.move('work/a', { name: 'c' });
    await ann.move('work/b', { name: 'a' });
    await ann.move('work/c', { name: 'b' });
    await ann.move('work/in', { parent: ROOT_NODE });
    await ann.move('work', { parent: ann.node('in') });
    await ann.handlers.restore({ path: 'work', atMs: then }, ann.context);
    expect(await names('/')).toEqual(['work']);
    expect(await names('work')).toEqual(['a', 'b', 'in']);
    expect([await text('work/a'), await text('work/b')]).toEqual(['a', 'b']);
  });

  it('says so when nothing of that time is kept', async () => {
    await ann.write('a', 'one');
    await expect(ann.handlers.restore({ path: 'a', atMs: 1000 }, ann.context)).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});

describe('the trash', () => {
  it('lists what was deleted, newest first, with where it was', async () => {
    await ann.write('work/a', 'one');
    await ann.write('work/deep/b', 'two!');
    await ann.delete('work/a');
    world.pass(1000);
    await ann.delete('work/deep');
    const bob = await world.another();
    for (const user of [ann, bob]) {
      const { entries } = await user.handlers['trash.list']({ ...page, vault: null }, user.context);
      expect(entries.map(({ path, size, vault }) => [path, size, vault])).toEqual([
        ['/work/deep', 4, 'Files'],
        ['/work/a', 3, 'Files'],
      ]);
      expect(entries.every(({ deletedAtMs }) => deletedAtMs !== null)).toBe(true);
    }
    const first = await ann.handlers['trash.list']({ limit: 1, cursor: null, vault: 'Files' }, ann.context);
    expect(first.entries).toHaveLength(1);
    const second = await ann.handlers['trash.list'](
      { limit: 1, cursor: first.nextCursor, vault: 'Files' },
      ann.context,
    );
    expect(second.entries[0]?.path).toBe('/work/a');
    expect(second.nextCursor).toBeNull();
  });

  it('gives things back by id or by path, in place, beside, or elsewhere', async () => {
    await ann.write('work/a', 'first');
    const first = await ann.delete('work/a');
    await ann.write('work/a', 'second');
    const restored = await ann.handlers['trash.restore']({ item: first }, ann.context);
    expect(restored).toEqual({ path: 'Files:/work/a (restored)', files: 1, bytes: 5 });
    expect(await text('work/a (restored)')).toBe('first');
    await ann.delete('work/a');
    await ann.handlers['trash.restore']({ item: 'Files:/work/a', to: 'here' }, ann.context);
    expect(await text('here')).toBe('second');
    await expect(ann.handlers['trash.restore']({ item: 'Files:/work/a' }, ann.context)).rejects.toMatchObject(
      {
        code: 'not-found',
      },
    );
  });

  it('asks which one when several were at one place', async () => {
    await ann.write('a', '1');
    await ann.delete('a');
    await ann.write('a', '2');
    await ann.delete('a');
    await expect(ann.handlers['trash.restore']({ item: '/a' }, ann.context)).rejects.toMatchObject({
      code: 'bad-input',
    });
  });

  it('is emptied of folders and all beneath them', async () => {
    await ann.write('work/deep/a', 'one');
    await ann.write('b', 'two');
    await ann.delete('work');
    await ann.delete('b');
    const emptied = await ann.handlers['trash.empty']({ now: false }, ann.context);
    expect(emptied).toEqual({ items: 2, bytes: 6 });
    expect([...ann.vault.log.store.remote.children(TRASH_NODE)]).toEqual([]);
    expect(ann.vault.log.store.remoteCount()).toBe(1);
  });
});

describe('what is restored while answers get lost', () => {
  /** The next commits are done, or not, and answered to nobody. */
  function loseAnswers(...areDone: readonly boolean[]): () => number {
    const commit = ann.cloud.commit.bind(ann.cloud);
    let sent = 0;
    vi.spyOn(ann.cloud, 'commit').mockImplementation(async (vault, frame) => {
      const isDone = areDone[sent];
      sent += 1;
      if (isDone !== false) {
        const outcome = await commit(vault, frame);
        if (isDone === undefined) return outcome;
      }
      throw new CloudError('unavailable', 'the server went away');
    });
    return () => sent;
  }

  it.each([
    ['was done', [true], 1],
    ['was not done', [false], 2],
    ['was not done, then done', [false, true], 2],
  ] as const)('is there once, when it %s', async (_what, areDone, commits) => {
    await ann.write('work/a', 'four');
    await ann.delete('work/a');
    const sent = loseAnswers(...areDone);
    await ann.handlers['trash.restore']({ item: 'Files:/work/a' }, ann.context);
    expect([sent(), await names('work')]).toEqual([commits, ['a']]);
    expect(await text('work/a')).toBe('four');
  });

  it('is an error when no answer comes at all', async () => {
    await ann.write('work/a', 'four');
    await ann.delete('work/a');
    const sent = loseAnswers(false, false, false, false);
    await expect(ann.handlers['trash.restore']({ item: 'Files:/work/a' }, ann.context)).rejects.toMatchObject(
      { code: 'server-unreachable' },
    );
    expect(sent()).toBe(3);
  });
});

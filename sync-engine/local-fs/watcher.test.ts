import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ChokidarWatcher, EVERYTHING, troubleOf, type Hint, type WatchTrouble } from './watcher.ts';

let root: string;
let watcher: ChokidarWatcher;
let hints: Hint[];
let troubles: WatchTrouble[];
let wake: () => void;

/** Resolves when the hint was given since the list was last emptied; the test's own time limit ends the wait. */
async function hinted(wanted: Hint): Promise<void> {
  while (!hints.includes(wanted)) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

async function start(): Promise<void> {
  await watcher.start(root, {
    onHint: (hint) => {
      hints.push(hint);
      wake();
    },
    onTrouble: (trouble) => troubles.push(trouble),
  });
}

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'coffre-watch-')));
  watcher = new ChokidarWatcher();
  [hints, troubles] = [[], []];
  wake = () => {};
});

afterEach(async () => {
  await watcher.close();
  rmSync(root, { recursive: true, force: true });
});

describe('the watcher hints at the folder', { timeout: 2_000 }, () => {
  it('in which a file is made, edited, renamed or deleted', async () => {
    mkdirSync(`${root}/a/b`, { recursive: true });
    await start();
    const steps = [
      () => writeFileSync(`${root}/a/b/f`, 'x'),
      () => appendFileSync(`${root}/a/b/f`, 'y'),
      () => renameSync(`${root}/a/b/f`, `${root}/a/b/g`),
      () => symlinkSync('g', `${root}/a/b/link`),
      () => unlinkSync(`${root}/a/b/g`),
    ];
    for (const step of steps) {
      hints.length = 0;
      step();
      await hinted('a/b');
    }
    expect(troubles).toEqual([]);
  });

  it('of both ends of a move', async () => {
    mkdirSync(`${root}/a`);
    mkdirSync(`${root}/b`);
    writeFileSync(`${root}/a/f`, 'x');
    await start();
    renameSync(`${root}/a/f`, `${root}/b/f`);
    await hinted('a');
    await hinted('b');
  });

  it('at the top as the empty path', async () => {
    await start();
    writeFileSync(`${root}/f`, 'x');
    await hinted('');
  });

  it('of each new folder, however deep and however fast it fills', async () => {
    await start();
    mkdirSync(`${root}/n/e/w`, { recursive: true });
    writeFileSync(`${root}/n/e/w/early`, 'x');
    await hinted('n/e/w');
    hints.length = 0;
    writeFileSync(`${root}/n/e/w/late`, 'x');
    await hinted('n/e/w');
  });

  it('of a moved folder under its new name, and of what changes in it there', async () => {
    mkdirSync(`${root}/old/deep`, { recursive: true });
    await start();
    renameSync(`${root}/old`, `${root}/new`);
    await hinted('new/deep');
    hints.length = 0;
    writeFileSync(`${root}/new/deep/f`, 'x');
    await hinted('new/deep');
  });

  it('in which a folder was removed, and again when it is back', async () => {
    mkdirSync(`${root}/a/gone`, { recursive: true });
    await start();
    rmSync(`${root}/a/gone`, { recursive: true });
    await hinted('a');
    mkdirSync(`${root}/a/gone`);
    await hinted('a/gone');
    hints.length = 0;
    writeFileSync(`${root}/a/gone/f`, 'x');
    await hinted('a/gone');
  });

  it('and not at what happens in .coffre, or behind a link', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'coffre-outside-'));
    mkdirSync(`${root}/.coffre/staging`, { recursive: true });
    symlinkSync(outside, `${root}/link`);
    await start();
    writeFileSync(`${root}/.coffre/staging/f`, 'x');
    writeFileSync(`${outside}/f`, 'x');
    mkdirSync(`${root}/last`);
    await hinted('last');
    expect(hints.filter((hint) => hint !== '' && hint !== 'last')).toEqual([]);
    rmSync(outside, { recursive: true });
  });

  it('and not at its neighbours, but at everything when it goes itself', async () => {
    const pair = `${root}/pair`;
    mkdirSync(pair);
    const outer = root;
    root = pair;
    await start();
    root = outer;
    writeFileSync(`${outer}/neighbour`, 'x');
    writeFileSync(`${pair}/f`, 'x');
    await hinted('');
    expect(hints).not.toContain(EVERYTHING);
    renameSync(pair, `${outer}/elsewhere`);
    await hinted(EVERYTHING);
  });

  it('once for many changes at a time', async () => {
    mkdirSync(`${root}/many`);
    await start();
    for (let count = 0; count < 500; count += 1) writeFileSync(`${root}/many/${count}`, 'x');
    await hinted('many');
    expect(hints.length).toBeLessThan(50);
  });
});

describe('the watcher', () => {
  it('says nothing after it is closed', async () => {
    await start();
    writeFileSync(`${root}/f`, 'x');
    await watcher.close();
    const other = new ChokidarWatcher();
    const seen = new Promise<void>((resolve) => {
      void other.start(root, { onHint: () => resolve(), onTrouble: () => {} }).then(() => {
        writeFileSync(`${root}/g`, 'x');
      });
    });
    await seen;
    expect(hints).toEqual([]);
    await other.close();
  });

  it.each([
    ['ENOSPC', 'watch-limit'],
    ['EMFILE', 'watch-limit'],
    ['EIO', 'watch-failed'],
  ])('takes %s for %s', (code, trouble) => {
    expect(troubleOf(Object.assign(new Error('watch'), { code }))).toBe(trouble);
  });
});

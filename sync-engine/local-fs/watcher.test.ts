import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ChokidarWatcher } from './chokidar-watcher.ts';
import { FolderWatcher } from './folder-watcher.ts';
import { EVERYTHING, troubleOf, type Hint, type Watcher, type WatchTrouble } from './watcher.ts';

let root: string;
let watcher: Watcher;
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
  [hints, troubles] = [[], []];
  wake = () => {};
});

afterEach(async () => {
  await watcher.close();
  rmSync(root, { recursive: true, force: true });
});

// FolderWatcher is for Linux, ChokidarWatcher for the other systems, and it must work here too.
const kinds: readonly (readonly [string, () => Watcher])[] = [
  ['ChokidarWatcher', () => new ChokidarWatcher()],
  ['FolderWatcher', () => new FolderWatcher()],
];

describe.each(process.platform === 'linux' ? kinds : kinds.slice(0, 1))('%s', (_, make) => {
  beforeEach(() => {
    watcher = make();
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
      const other = make();
      const seen = new Promise<void>((resolve) => {
        void other.start(root, { onHint: () => resolve(), onTrouble: () => {} }).then(() => {
          writeFileSync(`${root}/g`, 'x');
        });
      });
      await seen;
      expect(hints).toEqual([]);
      await other.close();
    });

    it('watches anew what it had watched, and what took its place', async () => {
      mkdirSync(`${root}/pair/in`, { recursive: true });
      const outer = root;
      root = `${outer}/pair`;
      await start();
      await watcher.close();
      renameSync(root, `${outer}/aside`);
      mkdirSync(`${root}/in`, { recursive: true });
      await start();
      writeFileSync(`${root}/in/f`, 'x');
      root = outer;
      await hinted('in');
    });

    it('that is closed while it starts has started', async () => {
      for (let folder = 0; folder < 50; folder += 1) mkdirSync(`${root}/${folder}`);
      const started = start();
      await watcher.close();
      await started;
      expect(hints).toEqual([]);
    });
  });
});

describe.runIf(process.platform === 'linux')('FolderWatcher', () => {
  beforeEach(() => {
    watcher = new FolderWatcher();
  });

  /** What the kernel keeps (inotify(7)). */
  const MAX_QUEUED = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'));

  it('knows when the kernel may have dropped events, and watches what it was not told of', async () => {
    await start();
    const files = ['a', 'b'].map((name) => openSync(`${root}/${name}`, 'w'));
    // In one turn: nothing is read meanwhile. An event like the one before it is none.
    for (let event = 0; event <= MAX_QUEUED; event += 1) writeSync(files[event % 2] ?? 0, 'x');
    for (const file of files) closeSync(file);
    mkdirSync(`${root}/untold/deep`, { recursive: true });
    await hinted(EVERYTHING);
    const writing = setInterval(() => writeFileSync(`${root}/untold/deep/f`, 'x'), 10);
    await hinted('untold/deep').finally(() => clearInterval(writing));
    expect(troubles).toEqual([]);
  });
});

it.each([
  ['ENOSPC', 'watch-limit'],
  ['EMFILE', 'watch-limit'],
  ['EIO', 'watch-failed'],
])('a watch that fails for %s is told as %s', (code, trouble) => {
  expect(troubleOf(Object.assign(new Error('watch'), { code }))).toBe(trouble);
});

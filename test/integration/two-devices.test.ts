import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderPrint } from './folder-print.ts';
import { agree } from './agree.ts';
import { until, World, type Device } from './harness.ts';

describe('two devices and a server', () => {
  let world: World;
  let one: Device;
  let two: Device;

  beforeAll(async () => {
    world = await World.begin();
    one = await world.device('one');
    two = await world.device('two');
  });
  afterAll(async () => {
    await world.end();
  });

  /** Both agree with the account; `from` first, so that its changes are there to be fetched. */
  it('brings every kind of thing across', async () => {
    mkdirSync(one.path('folder/empty'), { recursive: true });
    writeFileSync(one.path('folder/text.txt'), 'some text\n');
    writeFileSync(one.path('zero'), '');
    writeFileSync(one.path('large'), randomBytes(3_000_000));
    writeFileSync(one.path('run.sh'), '#!/bin/sh\n', { mode: 0o755 });
    symlinkSync('folder/text.txt', one.path('link'));
    symlinkSync('nowhere/../at all', one.path('dangling'));
    await agree(one, two);
    expect(folderPrint(two.folder)).toHaveLength(8);
  });

  it('brings edits, renames, moves, modes and deletions back', async () => {
    writeFileSync(two.path('folder/text.txt'), 'other text\n');
    renameSync(two.path('large'), two.path('folder/empty/moved'));
    renameSync(two.path('folder'), two.path('renamed'));
    chmodSync(two.path('run.sh'), 0o644);
    rmSync(two.path('dangling'));
    rmSync(two.path('link'));
    symlinkSync('run.sh', two.path('link'));
    await agree(two, one);
    expect(readFileSync(one.path('renamed/text.txt'), 'utf8')).toBe('other text\n');
  });

  it('replaces a file by a folder and a folder by a file', async () => {
    rmSync(one.path('zero'));
    mkdirSync(one.path('zero'));
    writeFileSync(one.path('zero/inside'), 'in what was a file');
    rmSync(one.path('renamed'), { recursive: true });
    writeFileSync(one.path('renamed'), 'what was a folder');
    await agree(one, two);
  });

  it('keeps both of two edits of one file', async () => {
    writeFileSync(one.path('both'), 'before');
    await agree(one, two);
    await Promise.all([one.ok('pause'), two.ok('pause')]);
    writeFileSync(one.path('both'), 'edited on one');
    writeFileSync(two.path('both'), 'edited on two, too');
    await Promise.all([one.ok('resume'), two.ok('resume')]);
    await until('both folders hold both edits', 30_000, async () => {
      await Promise.all([one.wait(), two.wait()]);
      return folderPrint(one.folder).filter((line) => line.startsWith('"both')).length === 2 ? true : null;
    });
    await agree(one, two);
    const texts = folderPrint(two.folder)
      .filter((line) => line.startsWith('"both'))
      .map((line) => readFileSync(two.path(JSON.parse(line.split(' file ')[0] ?? '') as string), 'utf8'));
    expect(texts.sort()).toEqual(['edited on one', 'edited on two, too']);
  });

  it('shows a small new file on the other device within two seconds', async () => {
    const latencies: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const beforeMs = performance.now();
      writeFileSync(one.path(`quick-${round}`), `round ${round}`);
      await until(
        'the file appears',
        10_000,
        () => folderPrint(two.folder).some((line) => line.startsWith(`"quick-${round}"`)) || null,
      );
      latencies.push(performance.now() - beforeMs);
    }
    console.log(`propagation: ${latencies.map((ms) => `${ms.toFixed(0)} ms`).join(', ')}`);
    // A generous bound for a busy machine; the figure itself is in the report of the run.
    expect(latencies.sort((a, b) => a - b)[2]).toBeLessThan(2000);
  });

  it('shows a new folder with all that is in it', async () => {
    const aside = mkdtempSync(join(tmpdir(), 'coffre-whole-'));
    mkdirSync(join(aside, 'whole', 'inner'), { recursive: true });
    for (let file = 0; file < 60; file += 1) {
      writeFileSync(join(aside, 'whole', file % 2 === 0 ? 'inner' : '', `file-${file}`), randomBytes(5000));
    }
    // What is there at the first moment that anything of it is.
    let seen: number | null = null;
    const watcher = watch(two.folder, () => {
      if (seen === null && existsSync(two.path('whole'))) seen = filesIn(two.path('whole'));
    });
    try {
      renameSync(join(aside, 'whole'), one.path('whole'));
      await agree(one, two);
    } finally {
      watcher.close();
      rmSync(aside, { recursive: true });
    }
    expect(seen).toBe(60);
  });

  it('goes on after a clean restart of everything', async () => {
    await Promise.all([one.stop(), two.stop()]);
    await world.server.kill9();
    writeFileSync(one.path('while stopped'), 'written while nothing ran');
    await world.server.start();
    await Promise.all([one.start(), two.start()]);
    await agree(one, two);
    expect(readFileSync(two.path('while stopped'), 'utf8')).toBe('written while nothing ran');
  });
});

function filesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .length;
}

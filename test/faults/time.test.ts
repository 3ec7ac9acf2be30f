/** Machines that sleep, lines that crawl or break, files that never rest. */
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderPrint } from '../integration/folder-print.ts';
import { until, World, type Device } from '../integration/harness.ts';

const DEEP = 100;
const SLEEP_MS = 3000;
const EDITS_MS = 3000;
/** By hand: 200,000. */
const MANY_FILES = Number(process.env['COFFRE_FAULT_FILES'] ?? 2000);

describe('two devices', () => {
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
  }, 600_000);

  async function agree(from: Device, to: Device, seconds = 60): Promise<void> {
    expect(await from.wait(seconds), from.name).toMatchObject({ code: 0 });
    expect(await to.wait(seconds), to.name).toMatchObject({ code: 0 });
    expect(folderPrint(to.folder)).toEqual(folderPrint(from.folder));
  }

  it('agree after one of them slept in the middle of its work', async () => {
    const pid = await two.learnPid();
    for (let file = 0; file < 60; file += 1)
      writeFileSync(one.path(`asleep ${file}`), `content ${file}`.repeat(500));
    await until('the first of them', 30_000, () => (folderPrint(two.folder).length > 0 ? true : null));
    process.kill(pid, 'SIGSTOP');
    try {
      writeFileSync(one.path('written while two sleeps'), 'news');
      expect(await one.wait()).toMatchObject({ code: 0 });
      await new Promise((resolve) => setTimeout(resolve, SLEEP_MS)); // a sleep is the event itself
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await agree(one, two);
  });

  it('agree after the server slept', async () => {
    writeFileSync(one.path('before the server slept'), 'a');
    await agree(one, two);
    world.server.signal('SIGSTOP');
    writeFileSync(one.path('while the server sleeps'), 'b');
    expect(await one.wait(1)).toMatchObject({ code: 4, errorCode: 'timeout' });
    await new Promise((resolve) => setTimeout(resolve, SLEEP_MS));
    world.server.signal('SIGCONT');
    await agree(one, two);
  });

  it('agree over a line that crawls and breaks', async () => {
    world.wire.drip(60_000);
    try {
      for (let file = 0; file < 10; file += 1)
        writeFileSync(one.path(`crawling ${file}`), randomBytes(20_000));
      await until('something', 30_000, () =>
        folderPrint(two.folder).some((line) => line.includes('crawling')) ? true : null,
      );
      world.wire.setOpen(false);
      writeFileSync(two.path('while the line is cut'), 'c');
      world.wire.setOpen(true);
      await agree(one, two);
    } finally {
      world.wire.drip(null);
      world.wire.setOpen(true);
    }
    await agree(two, one);
  });

  it('agree about a file that is written a thousand times a second, once it rests', async () => {
    const handle = openSync(one.path('restless.log'), 'w');
    const endMs = performance.now() + EDITS_MS;
    let edits = 0;
    while (performance.now() < endMs) {
      for (let burst = 0; burst < 10; burst += 1) {
        edits += 1;
        writeSync(handle, `line ${edits}\n`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    closeSync(handle);
    await agree(one, two);
    expect(readFileSync(two.path('restless.log'), 'utf8').trimEnd().endsWith(`line ${edits}`)).toBe(true);
  });

  it(`agree about a folder ${DEEP} deep`, async () => {
    const deep = Array.from({ length: DEEP }, (_, level) => `d${level}`).join('/');
    mkdirSync(one.path(deep), { recursive: true });
    writeFileSync(one.path(deep, 'at the bottom.txt'), 'found');
    await agree(one, two);
    expect(readFileSync(two.path(deep, 'at the bottom.txt'), 'utf8')).toBe('found');
  });

  it(`agree about ${MANY_FILES} files in one folder`, async () => {
    mkdirSync(one.path('many'));
    for (let file = 0; file < MANY_FILES; file += 1) writeFileSync(one.path('many', `f${file}`), `${file}`);
    await agree(one, two, 1200);
  }, 1_300_000);
});

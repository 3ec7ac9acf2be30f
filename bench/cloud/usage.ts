/**
 * What people cost a server: two real engines of one account, counted by the server's own metrics, the proxies before
 * them, and the rows of the database. The sizing page of docs/operations.md calculates with it.
 */
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join as place } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Traffic } from '../counting-proxy.ts';
import { Device } from '../device.ts';
import { row, type Row } from '../report.ts';
import type { Setting } from '../scenario.ts';
import { makeTree } from '../trees.ts';
import { loadProgram, type LoadServer, type LoadStorage } from './load-services.ts';
import { onBoth } from './on-both.ts';
import { difference, readCounters, told, type Counters } from './request-counters.ts';

const FILES = 10_000;
const FILE_BYTES = 16 * 1024;
const TIMES = 20;
const IDLE_S = 60;
const APART_MS = 400;
const SOON_MS = 60_000;
const FIRST_MS = 300_000;
const LOOK_MS = 25;

export const usage = onBoth(async (storage, setting) => {
  const folder = mkdtempSync(place(tmpdir(), 'coffre-usage-'));
  const server = await storage.serve();
  const devices: Device[] = [];
  try {
    const program = await loadProgram(setting.dist);
    for (const [name, verb] of [
      ['a', 'signup'],
      ['b', 'login'],
    ] as const) {
      const own = { folder: place(folder, name), name, verb, profiles: null, pace: null };
      devices.push(await Device.enrol({ ...own, program, server: server.address }));
    }
    const [a, b] = devices;
    if (a === undefined || b === undefined) throw new Error('there are two');
    const meter = new Meter(server, a, b);
    const join = async (): Promise<void> => {
      const own = {
        folder: place(folder, 'c'),
        name: 'c',
        verb: 'login',
        profiles: null,
        pace: null,
      } as const;
      const c = await Device.enrol({ ...own, program, server: server.address });
      devices.push(c);
      meter.devices.push(c);
      await meter.rest();
    };
    return await lived(meter, join, storage, setting, folder);
  } finally {
    for (const device of devices) await device.end();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

async function lived(
  meter: Meter,
  join: () => Promise<void>,
  storage: LoadStorage,
  setting: Setting,
  folder: string,
): Promise<Row[]> {
  const { a, b } = meter;
  const count = setting.quick ? 500 : FILES;
  const times = setting.quick ? 3 : TIMES;
  await meter.rest();
  const aside = place(folder, 'aside');
  mkdirSync(aside);
  makeTree(place(aside, 'tree'), count, FILE_BYTES);
  setting.say(`first sync of ${count} files`);
  const rows = await meter.rows(`first sync of ${count} files of 16 KiB`, 1, async () => {
    renameSync(place(aside, 'tree'), place(a.files, 'tree'));
    await delay(2000);
    await meter.rest();
  });
  rows.push(...(await tableRows(storage, `after ${count} files`)));
  setting.say('new files');
  const seen = async (name: string, size: number): Promise<void> => {
    await until(() => existsSync(place(b.files, name)) && statSync(place(b.files, name)).size === size);
    await delay(APART_MS);
  };
  rows.push(
    ...(await meter.rows('a new file of 1 KiB', times, async () => {
      for (let index = 0; index < times; index += 1) {
        writeFileSync(place(a.files, `new-${index}`), randomBytes(1024));
        await seen(`new-${index}`, 1024);
      }
    })),
  );
  const edited = place(a.files, 'edited');
  writeFileSync(edited, randomBytes(FILE_BYTES));
  await seen('edited', FILE_BYTES);
  await meter.rest();
  rows.push(
    ...(await meter.rows('100 bytes appended to a file of 16 KiB', times, async () => {
      for (let index = 1; index <= times; index += 1) {
        appendFileSync(edited, randomBytes(100));
        await seen('edited', FILE_BYTES + index * 100);
      }
    })),
  );
  rows.push(...(await tableRows(storage, `after ${count} files, ${times} new ones and ${times} edits`)));
  setting.say('a new device');
  await meter.rest();
  rows.push(...(await meter.rows(`a new device of ${count} files`, 1, join)));
  const idleS = setting.quick ? 5 : IDLE_S;
  setting.say(`idle for ${idleS} s`);
  await meter.rest();
  rows.push(
    ...(await meter.rows(`three idle devices for ${idleS} s`, 1, async () => {
      await delay(idleS * 1000);
    })),
  );
  return rows;
}

async function until(isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + SOON_MS;
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error('the other device has it not');
    await delay(LOOK_MS);
  }
}

/** Requests and bytes of two devices. */
class Meter {
  readonly a: Device;
  readonly b: Device;
  readonly devices: Device[];
  readonly #server: LoadServer;

  constructor(server: LoadServer, a: Device, b: Device) {
    this.#server = server;
    this.a = a;
    this.b = b;
    this.devices = [a, b];
  }

  async rest(): Promise<void> {
    const endMs = performance.now() + FIRST_MS;
    const isIdle = async (): Promise<boolean> =>
      (await Promise.all(this.devices.map((device) => device.isIdle()))).every(Boolean);
    while (!(await isIdle())) {
      if (performance.now() > endMs) throw new Error('the devices do not come to rest');
      await delay(100);
    }
    await Promise.all(this.devices.map((device) => device.wait(120)));
  }

  async rows(name: string, times: number, work: () => Promise<void>): Promise<Row[]> {
    const before = await this.#counters();
    await work();
    const spent = difference(await this.#counters(), before);
    return [
      row(`${name}: requests to the server`, spent.requests / times, { note: told(spent, times) }),
      row(`${name}: bytes through the server, up (KiB)`, spent.up / times / 1024),
      row(`${name}: bytes through the server, down (KiB)`, spent.down / times / 1024),
      row(`${name}: bytes of packs up (KiB)`, spent.packsIn / times / 1024),
      row(`${name}: bytes of packs down (KiB)`, spent.packsOut / times / 1024),
    ];
  }

  async #counters(): Promise<Counters> {
    const traffic = this.devices.map(({ proxy }) => proxy.traffic());
    const sum = (of: (one: Traffic) => number): number => traffic.reduce((so, one) => so + of(one), 0);
    const bytes = { up: sum(({ up }) => up), down: sum(({ down }) => down) };
    return { ...(await readCounters(this.#server.address)), ...bytes };
  }
}

/** Rows, and bytes of each with its part of the indexes, as PostgreSQL has them. */
async function tableRows(storage: LoadStorage, when: string): Promise<Row[]> {
  if (storage.kind === 'embedded') return [];
  await storage.ask('ANALYZE');
  const tables = await storage.ask(
    `SELECT relname AS name, reltuples::float8 AS rows, pg_total_relation_size(oid)::float8 AS bytes FROM pg_class
     WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND reltuples > 0 ORDER BY 3 DESC`,
  );
  return tables.slice(0, 8).map(({ name, rows, bytes }) =>
    row(`${when}: rows of ${String(name)}`, Number(rows), {
      note: `${(Number(bytes) / Number(rows)).toFixed(0)} bytes each, indexes included`,
    }),
  );
}

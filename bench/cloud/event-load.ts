/**
 * Many idle devices on one node (`--devices`): what each costs in memory and at rest, and how long it takes from the
 * sending of a commit until the last device of its account has heard, on the node that took it and, scaled, on another.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { randomId, type TestDevice, type VaultView } from '../../test/fakes/hand-made-client.ts';
import { cpuSecondsOf, memoryOf } from '../machine.ts';
import { row, type Row } from '../report.ts';
import { enrolMany, IdleDevices } from './idle-devices.ts';
import type { LoadServer } from './load-services.ts';
import { onBoth, timeRows } from './on-both.ts';

const USUAL = 2000;
/** Beside the sockets: the tests' own requests. */
const MORE_CONNECTIONS = 500;
const KIB = 1024;
const REST_MS = 20_000;
const PINGS_MS = 30_000;
const RECORD_BYTES = 512;
const HEAR_MS = 60_000;
/** For a busy machine to have answered what it was asked. */
const APART_MS = 20;
/** The first byte of an event that tells of a commit: whole, or by the head alone. One commit is under way at a time. */
const IS_COMMIT: ReadonlySet<number> = new Set([1, 2]);

export const eventLoad = onBoth(async (storage, setting) => {
  const count = setting.devices ?? (setting.quick ? 200 : USUAL);
  const options = ['--max-connections', String(count + MORE_CONNECTIONS), '--trust-proxy'];
  let node = await storage.serve(options);
  const other = storage.kind === 'scaled' ? await storage.serve(options) : null;
  const idle = new IdleDevices();
  try {
    const began = performance.now();
    const people = await enrolMany(node.address, count);
    setting.say(`${count} devices enrolled in ${((performance.now() - began) / 1000).toFixed(0)} s; at rest`);
    // One that has enrolled nobody holds no free memory in which sockets would find room for nothing.
    await node.stop();
    node = await storage.serve(options);
    for (const [{ person }] of people as [TestDevice][]) person.url = node.address;
    await delay(setting.quick ? 1000 : REST_MS);
    const before = memoryOf(node.pid).settled;
    const opening = performance.now();
    await idle.open(people.flat(), node.address);
    const openedMs = performance.now() - opening;
    setting.say(`${idle.sockets.length} sockets open after ${(openedMs / 1000).toFixed(1)} s`);
    const rest = await atRest(node, setting.quick ? 5000 : PINGS_MS);
    const each = (memoryOf(node.pid).settled - before) / count / KIB;
    const events = setting.quick ? 10 : 100;
    setting.say(`${events} commits`);
    const rows = [
      row('idle devices on one node, each with its event socket', idle.sockets.length, {
        note: `${(count / (openedMs / 1000)).toFixed(0)} connected a second`,
      }),
      row('memory of the server for each idle device (KiB)', each, {
        note: `${(before / KIB / KIB).toFixed(0)} MiB without any, ${(memoryOf(node.pid).settled / KIB / KIB).toFixed(0)} with all`,
      }),
      row('  CPU of the server with all of them idle (% of a core)', rest),
      ...(await heard(idle, people, node, events, '')),
      ...(other === null ? [] : await heard(idle, people, other, events, ', taken by another node')),
    ];
    // An idle device that was sent away would have made the figures better.
    if (idle.lost > 0) throw new Error(`${idle.lost} of ${count} sockets were closed by the server`);
    return rows;
  } finally {
    await idle.close();
    await node.stop();
    await other?.stop();
  }
});

async function atRest({ pid }: LoadServer, ms: number): Promise<number> {
  const cpu = cpuSecondsOf(pid);
  await delay(ms);
  return ((cpuSecondsOf(pid) - cpu) / ms) * 1e5;
}

/** From the sending of a small commit to `at` until the last device of its account has its event. */
async function heard(
  idle: IdleDevices,
  people: readonly (readonly TestDevice[])[],
  at: LoadServer,
  commits: number,
  how: string,
): Promise<Row[]> {
  const devices = people.find(({ length }) => length === Math.max(...people.map((one) => one.length))) ?? [];
  const [writer] = devices;
  if (writer === undefined) throw new Error('there is nobody');
  writer.person.url = at.address;
  const hearing = new Hearing(idle, writer, devices.length);
  const view = await writer.makeVault();
  await hearing.after(() => commitOnce(writer, view));
  const ms: number[] = [];
  for (let commit = 0; commit < commits; commit += 1) {
    const began = performance.now();
    ms.push((await hearing.after(() => commitOnce(writer, view))) - began);
    await delay(APART_MS);
  }
  return timeRows(`commit until the last of ${devices.length} devices has heard${how}`, ms);
}

async function commitOnce(writer: TestDevice, view: VaultView): Promise<void> {
  const answer = await writer.commit(view, { nodes: [[randomId(16), randomBytes(RECORD_BYTES)]] });
  if (answer.status !== 200) throw new Error(`a commit was refused: ${JSON.stringify(answer.json)}`);
}

/** Hears of the commits of one vault with all devices of a person. */
class Hearing {
  readonly #devices: number;
  readonly #heard = new Set<TestDevice>();
  #all: (atMs: number) => void = () => undefined;

  constructor(idle: IdleDevices, { person }: TestDevice, devices: number) {
    this.#devices = devices;
    idle.heard = (device, event) => {
      if (device.person !== person || !IS_COMMIT.has(event[0] ?? 0)) return;
      this.#heard.add(device);
      if (this.#heard.size === this.#devices) this.#all(performance.now());
    };
  }

  /** When the last one heard of the commit that `work` makes. */
  async after(work: () => Promise<void>): Promise<number> {
    this.#heard.clear();
    const all = new Promise<number>((resolve) => {
      this.#all = resolve;
    });
    const patience = AbortSignal.timeout(HEAR_MS);
    const tooLate = once(patience, 'abort').then(() => {
      throw new Error(`only ${this.#heard.size} of ${this.#devices} devices heard of a commit`);
    });
    tooLate.catch(() => undefined);
    await work();
    return Promise.race([all, tooLate]);
  }
}

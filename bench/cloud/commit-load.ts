/**
 * Small commits with real signatures: of eight devices with a vault each, and of four devices that want the same vault,
 * where who comes second reads what came first and tries again, as an engine does. And what the server holds in memory
 * a while after.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeId } from '../../protocol/ids.ts';
import { decodeChangesPage } from '../../protocol/pages.ts';
import { Person, randomId, type TestDevice, type VaultView } from '../../test/fakes/hand-made-client.ts';
import { CommitWriter } from '../commit-writers.ts';
import { cpuSecondsOf, machineCpuSeconds, memoryOf } from '../machine.ts';
import { row, type Row } from '../report.ts';
import type { Setting } from '../scenario.ts';
import { databaseCpuSeconds } from './database-cpu.ts';
import type { LoadStorage } from './load-services.ts';
import { onBoth, timeRows } from './on-both.ts';

const PEOPLE = 4;
const CONTENDERS = 4;
const RECORD_BYTES = 512;
const MIB = 1024 ** 2;
/** 200 small commits a second of one core; issue 5. */
const MOST_CPU_MS = 5;
const MOST_SETTLED_MIB = 150;
const SETTLE_MS = 30_000;

export const commitLoad = onBoth(async (storage, setting) => {
  const server = await storage.serve();
  const writers: CommitWriter[] = [];
  try {
    for (let person = 0; person < PEOPLE; person += 1)
      writers.push(...(await CommitWriter.pair(server.address)));
    const each = setting.quick ? 20 : 250;
    // The first ones are of a program that is not compiled yet.
    await Promise.all(writers.map((writer) => writer.send(writer.prepare(setting.quick ? 5 : 60))));
    const frames = writers.map((writer) => writer.prepare(each));
    setting.say(`${writers.length * each} commits of ${writers.length} devices`);
    const many = await cost(storage, server.pid, async () =>
      (await Promise.all(writers.map((writer, index) => writer.send(frames[index] ?? [])))).flat(),
    );
    setting.say(`${CONTENDERS} devices in one vault`);
    const rivals = await contenders(server.address);
    const shared = await cost(storage, server.pid, async () =>
      (await Promise.all(rivals.map((rival) => rival.commits(each / 2)))).flat(),
    );
    const refused = rivals.reduce((sum, rival) => sum + rival.refused, 0);
    const rows = [
      ...commitRows(`${writers.length} devices, a vault each`, MOST_CPU_MS, many),
      ...commitRows(`${CONTENDERS} devices, one vault`, null, shared),
      row(
        `${CONTENDERS} devices, one vault: refused and tried again, for each that was taken`,
        refused / shared.ms.length,
      ),
    ];
    rows.push(row('CPU of the server for a small question (ms)', await question(server.pid, writers, each)));
    return [...rows, ...(await settled(server.pid, writers, setting))];
  } finally {
    for (const writer of writers) await writer.close();
    await server.stop();
  }
});

interface Spent {
  readonly ms: readonly number[];
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Of PostgreSQL; null where there is none. */
  readonly databaseSeconds: number | null;
  /** Of the machine: what neither server, database nor this process used, 0 to 1. */
  readonly otherLoad: number;
}

async function cost(storage: LoadStorage, pid: number, work: () => Promise<number[]>): Promise<Spent> {
  const database = async (): Promise<number | null> =>
    storage.kind === 'embedded' ? null : databaseCpuSeconds(storage.ask);
  const before = await database();
  const machine = machineCpuSeconds();
  const own = process.cpuUsage();
  const cpu = cpuSecondsOf(pid);
  const began = performance.now();
  const ms = await work();
  const seconds = (performance.now() - began) / 1000;
  const cpuSeconds = cpuSecondsOf(pid) - cpu;
  const after = await database();
  const databaseSeconds = before === null || after === null ? null : after - before;
  const { user, system } = process.cpuUsage(own);
  const now = machineCpuSeconds();
  const ours = cpuSeconds + (databaseSeconds ?? 0) + (user + system) / 1e6;
  const others = Math.max(0, now.used - machine.used - ours) / (now.had - machine.had);
  return { ms, seconds, cpuSeconds, databaseSeconds, otherLoad: others };
}

/** @param target of the CPU a commit; null where those that were refused are in it */
function commitRows(
  who: string,
  target: number | null,
  { ms, seconds, cpuSeconds, databaseSeconds, otherLoad }: Spent,
): Row[] {
  const database =
    databaseSeconds === null ? '' : `, ${((databaseSeconds / ms.length) * 1000).toFixed(2)} ms of PostgreSQL`;
  return [
    row(`${who}: commits a second`, ms.length / seconds, {
      note: `others used ${Math.round(otherLoad * 100)} % of the machine`,
    }),
    ...timeRows(`${who}: a commit`, ms),
    row(`${who}: CPU of the server a commit (ms)`, (cpuSeconds / ms.length) * 1000, {
      target,
      note: `${(ms.length / cpuSeconds).toFixed(0)} a second of a core${database}`,
    }),
  ];
}

/** What an idle device asks every minute. CPU in ms. */
async function question(pid: number, writers: readonly CommitWriter[], each: number): Promise<number> {
  const cpu = cpuSecondsOf(pid);
  await Promise.all(
    writers.map(async ({ device }) => {
      for (let asked = 0; asked < each; asked += 1) await device.ask('GET', '/v1/account');
    }),
  );
  return ((cpuSecondsOf(pid) - cpu) / (writers.length * each)) * 1000;
}

/** One of several devices of a person that write into one vault. */
class Contender {
  readonly #device: TestDevice;
  readonly #view: VaultView;
  refused = 0;

  constructor(device: TestDevice, { vault, head, epoch }: VaultView) {
    this.#device = device;
    this.#view = { vault, head, epoch, revisions: new Map() };
  }

  /** How long each took until it was in the log, in ms. */
  async commits(count: number): Promise<number[]> {
    const took: number[] = [];
    while (took.length < count) {
      const began = performance.now();
      const record = randomBytes(RECORD_BYTES);
      const node = randomId<NodeId>(16);
      while (!(await this.#commit(node, record))) this.refused += 1;
      took.push(performance.now() - began);
    }
    return took;
  }

  async #commit(node: NodeId, record: Uint8Array): Promise<boolean> {
    const answer = await this.#device.commit(this.#view, { nodes: [[node, record]] });
    if (answer.status === 200) return true;
    if (answer.json.error.code !== 'stale-head') throw new Error(JSON.stringify(answer.json));
    const { vault, head } = this.#view;
    const page = await this.#device.ask('GET', `/v1/vaults/${vault}/changes?after=${head.seq}`);
    const { headSeq, headHash } = decodeChangesPage(page.bytes);
    this.#view.head = { seq: headSeq, hash: headHash };
    return false;
  }
}

async function contenders(address: string): Promise<Contender[]> {
  const person = new Person(address);
  const first = await person.signup();
  const devices = [first];
  while (devices.length < CONTENDERS) devices.push(await person.enrol());
  const view = await first.makeVault();
  return devices.map((device) => new Contender(device, view));
}

async function settled(pid: number, writers: readonly CommitWriter[], setting: Setting): Promise<Row[]> {
  const settleMs = setting.quick ? 15_000 : SETTLE_MS;
  setting.say(`at rest for ${settleMs / 1000} s`);
  const before = memoryOf(pid);
  const cpu = cpuSecondsOf(pid);
  await delay(settleMs);
  const idle = ((cpuSecondsOf(pid) - cpu) / settleMs) * 1e5;
  return [
    row(`memory of the server ${settleMs / 1000} s after (MiB)`, memoryOf(pid).settled / MIB, {
      target: MOST_SETTLED_MIB,
      note: `${(before.settled / MIB).toFixed(0)} before, ${(before.peak / MIB).toFixed(0)} at most; ${idle.toFixed(2)} % of a core with ${writers.length} idle devices`,
    }),
  ];
}

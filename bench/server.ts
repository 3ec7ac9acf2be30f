/**
 * The server alone: what a small commit costs it, from many devices at once and from one, and what it holds in
 * memory after that and after large packs have passed through it. CPU is that of the server's process as the
 * kernel counts it, which a busy machine does not change much; commits a second is what was left of this one.
 */
import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { MAX_PACK_BYTES } from '../protocol/limits.ts';
import { CommitWriter } from './commit-writers.ts';
import { cpuSecondsOf, forgetPeak, machineCpuSeconds, memoryOf, sharedMemoryOf } from './machine.ts';
import { copyProgram } from './program.ts';
import { row, type Row } from './report.ts';
import type { Setting } from './scenario.ts';
import { startServer, stopServer } from './server-process.ts';

const MIB = 1024 ** 2;
const PEOPLE = 4;
/** 200 commits a second of one core. */
const MOST_CPU_MS = 5;
const MOST_SETTLED_MIB = 150;
const SETTLE_MS = 60_000;
const FLOOR_BYTES = 2048;

interface Spent {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Of the machine: what neither the server nor this process used, 0 to 1. */
  readonly otherLoad: number;
}

export async function server(setting: Setting): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'coffre-bench-'));
  process.once('exit', () => {
    rmSync(folder, { recursive: true, force: true });
  });
  const program = await copyProgram(join(folder, 'program'), setting.dist);
  const data = join(folder, 'server');
  mkdirSync(data);
  const { child, address } = await startServer(program.cloud, data, setting.profiles);
  const writers: CommitWriter[] = [];
  try {
    const { pid } = child;
    if (pid === undefined) throw new Error('the server did not start');
    for (let person = 0; person < PEOPLE; person += 1) writers.push(...(await CommitWriter.pair(address)));
    const each = setting.quick ? 50 : 500;
    // The first commits are of a program that is not compiled yet.
    await commits(pid, writers, setting.quick ? 10 : 100);
    forgetPeak(pid);
    setting.say(`${writers.length * each} small commits of ${writers.length} devices`);
    const many = await commits(pid, writers, each);
    setting.say(`${each * 2} small commits of one device`);
    const one = await commits(pid, writers.slice(0, 1), each * 2);
    const floor = floorOf(join(folder, 'floor.sqlite'), setting.quick ? 50 : 500);
    return [
      ...commitRows(`${writers.length} devices, a vault each`, many, writers.length * each),
      ...commitRows('one device, one vault', one, each * 2),
      row('floor: Ed25519 check and flushed SQLite insert of 2 KiB, CPU (ms)', floor.cpuMs, {
        note: `${floor.ms.toFixed(2)} ms each in all, one after another`,
      }),
      ...(await memory(pid, writers, setting)),
    ];
  } finally {
    for (const writer of writers) await writer.close();
    await stopServer(child);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function commits(pid: number, writers: readonly CommitWriter[], each: number): Promise<Spent> {
  const frames = writers.map((writer) => writer.prepare(each));
  const machine = machineCpuSeconds();
  const own = process.cpuUsage();
  const cpu = cpuSecondsOf(pid);
  const began = performance.now();
  await Promise.all(writers.map((writer, index) => writer.send(frames[index] ?? [])));
  const seconds = (performance.now() - began) / 1000;
  const cpuSeconds = cpuSecondsOf(pid) - cpu;
  const { user, system } = process.cpuUsage(own);
  const after = machineCpuSeconds();
  const others = after.used - machine.used - cpuSeconds - (user + system) / 1e6;
  return { seconds, cpuSeconds, otherLoad: Math.max(0, others) / (after.had - machine.had) };
}

function commitRows(who: string, spent: Spent, count: number): Row[] {
  return [
    row(`server CPU of a small commit, ${who} (ms)`, (spent.cpuSeconds / count) * 1000, {
      target: MOST_CPU_MS,
      note: `others used ${Math.round(spent.otherLoad * 100)} % of the machine`,
    }),
    row('  commits a second', count / spent.seconds),
    row('  commits a second of a core', count / spent.cpuSeconds),
  ];
}

/** What no server can do without: the author's signature is checked, and the bytes are on the disk. */
function floorOf(file: string, count: number): { ms: number; cpuMs: number } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const bytes = randomBytes(FLOOR_BYTES);
  const signature = sign(null, bytes, privateKey);
  const database = new Sqlite(file);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec('CREATE TABLE commits (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL)');
  const insert = database.prepare('INSERT INTO commits (bytes) VALUES (?)');
  const own = process.cpuUsage();
  const began = performance.now();
  for (let done = 0; done < count; done += 1) {
    if (!verify(null, bytes, publicKey, signature)) throw new Error('a signature of its own does not hold');
    insert.run(bytes);
  }
  const ms = (performance.now() - began) / count;
  const { user, system } = process.cpuUsage(own);
  database.close();
  return { ms, cpuMs: (user + system) / 1000 / count };
}

async function memory(pid: number, writers: readonly CommitWriter[], setting: Setting): Promise<Row[]> {
  const after = memoryOf(pid).peak / MIB;
  const packs = setting.quick ? 1 : 8;
  setting.say(`${packs * writers.length} packs of 16 MiB up and down`);
  await Promise.all(
    writers.map(async (writer) => {
      for (let pack = 0; pack < packs; pack += 1) await writer.roundTrip(randomBytes(MAX_PACK_BYTES));
    }),
  );
  const peak = memoryOf(pid).peak / MIB;
  const settle = setting.quick ? 15_000 : SETTLE_MS;
  setting.say(`at rest for ${settle / 1000} s`);
  const cpu = cpuSecondsOf(pid);
  await delay(settle);
  const idle = cpuSecondsOf(pid) - cpu;
  return [
    row('server memory, most during the commits (MiB)', after),
    row('  most while packs of 16 MiB passed (MiB)', peak),
    row(`  settled, after ${settle / 1000} s at rest (MiB)`, memoryOf(pid).settled / MIB, {
      target: MOST_SETTLED_MIB,
      note: `${(sharedMemoryOf([pid]) / MIB).toFixed(0)} MiB without what it shares; ${idle.toFixed(2)} s of CPU meanwhile`,
    }),
  ];
}

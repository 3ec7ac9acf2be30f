/**
 * Packs up and down by size, four at a time, with the engine's own client: through the node where it is embedded; straight
 * to the store and from it where it is scaled, the node naming the place and being told.
 */
import { randomBytes } from 'node:crypto';
import { HttpClient } from '../../sync-engine/remote/http-client.ts';
import { HttpCloud } from '../../sync-engine/remote/http-cloud.ts';
import { parseServerAddress } from '../../sync-engine/remote/server-address.ts';
import { packName, Person } from '../../test/fakes/hand-made-client.ts';
import { cpuSecondsOf } from '../machine.ts';
import { row, type Row } from '../report.ts';
import { onBoth, timeRows } from './on-both.ts';

const KIB = 1024;
const MIB = 1024 ** 2;
const AT_ONCE = 4;
/** Packs of each size. */
const CLASSES = [
  { name: '64 KiB', bytes: 64 * KIB, count: 200 },
  { name: '1 MiB', bytes: MIB, count: 80 },
  { name: '16 MiB', bytes: 16 * MIB, count: 20 },
];

export const packLoad = onBoth(async (storage, setting) => {
  const server = await storage.serve();
  const client = new HttpClient(parseServerAddress(server.address));
  try {
    const device = await new Person(server.address).signup();
    const { vault } = await device.makeVault();
    const session = {
      authorized: <T>(work: (token: string) => Promise<T>) => work(device.session.accessToken),
    };
    const cloud = new HttpCloud(client, session);
    // Where packs go is learnt from an answer.
    await cloud.account();
    const rows: Row[] = [];
    for (const { name, bytes, count } of CLASSES) {
      setting.say(`packs of ${name}`);
      const packs = Array.from({ length: setting.quick ? AT_ONCE : count }, () => randomBytes(bytes));
      const up = await inTurn(server.pid, packs, async (pack) => {
        const body = { size: pack.length, chunks: () => pieces(pack) };
        const outcome = await cloud.putPack(vault, packName(pack), body);
        if (outcome.kind !== 'stored') throw new Error(`a pack was not stored: ${outcome.kind}`);
      });
      const down = await inTurn(server.pid, packs, async (pack) => {
        const got = await cloud.getPack(vault, packName(pack), 0, pack.length);
        if (!pack.equals(got)) throw new Error('a pack came back as another');
      });
      rows.push(...transferRows(`packs of ${name} up`, up, packs.length * bytes));
      rows.push(...transferRows(`packs of ${name} down`, down, packs.length * bytes));
    }
    return rows;
  } finally {
    await client.close();
    await server.stop();
  }
});

interface Transfers {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly ms: readonly number[];
}

async function inTurn(
  pid: number,
  packs: readonly Buffer[],
  work: (pack: Buffer) => Promise<void>,
): Promise<Transfers> {
  const ms: number[] = [];
  const next = packs.values();
  const cpu = cpuSecondsOf(pid);
  const began = performance.now();
  const worker = async (): Promise<void> => {
    for (const pack of next) {
      const from = performance.now();
      await work(pack);
      ms.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { seconds: (performance.now() - began) / 1000, cpuSeconds: cpuSecondsOf(pid) - cpu, ms };
}

function* pieces(pack: Buffer): Generator<Uint8Array> {
  for (let at = 0; at < pack.length; at += 64 * KIB) yield pack.subarray(at, at + 64 * KIB);
}

function transferRows(name: string, { seconds, cpuSeconds, ms }: Transfers, bytes: number): Row[] {
  return [
    row(`${name} (MB/s)`, bytes / 1e6 / seconds, {
      note: `${((cpuSeconds / ms.length) * 1000).toFixed(1)} ms of the server's CPU each`,
    }),
    ...timeRows(name, ms),
  ];
}

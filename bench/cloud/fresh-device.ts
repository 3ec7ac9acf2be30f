/**
 * What the server holds in memory while a fresh device reads a long log: its changes from the first one on, and the live
 * state, a page at a time. Once as it runs anyhow, and once with a small heap, which shows what of it was garbage that
 * nothing had made it collect yet.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeId } from '../../protocol/ids.ts';
import { decodeChangesPage, decodeStatePage } from '../../protocol/pages.ts';
import { Person, randomId, type TestDevice, type VaultView } from '../../test/fakes/hand-made-client.ts';
import { forgetPeak, memoryOf } from '../machine.ts';
import { row, type Row } from '../report.ts';
import type { LoadServer, LoadStorage } from './load-services.ts';
import { onBoth } from './on-both.ts';

const MIB = 1024 ** 2;
const LOGS_MIB = [34, 135];
const LONG_LOG_MIB = 400;
const OBJECT_BYTES = 300;
const ENTRIES = 1000;
/** What a client is sent for an entry, about: its object, its id, revision and hash. */
const ENTRY_BYTES = OBJECT_BYTES + 52;
const SMALL_HEAP = '--max-old-space-size=48 --max-semi-space-size=1';
const REST_MS = 3000;

export const freshDevice = onBoth(async (storage, setting) => {
  const filling = await storage.serve();
  const logs: { readonly mib: number; readonly device: TestDevice; readonly view: VaultView }[] = [];
  try {
    const sizes = setting.quick ? [5] : [...LOGS_MIB, ...(setting.long ? [LONG_LOG_MIB] : [])];
    for (const mib of sizes) {
      setting.say(`writing a log of ${mib} MiB`);
      const device = await new Person(filling.address).signup();
      const view = await device.makeVault();
      await write(device, view, mib);
      logs.push({ mib, device, view });
    }
  } finally {
    await filling.stop();
  }
  const rows: Row[] = [];
  for (const [heap, options] of [
    ['', ''],
    [', small heap', SMALL_HEAP],
  ] as const) {
    for (const { mib, device, view } of logs) {
      rows.push(...(await read(storage, device, view, { what: `${mib} MiB${heap}`, options })));
      setting.say(`${mib} MiB${heap}: read`);
    }
  }
  return rows;
});

async function write(device: TestDevice, view: VaultView, mib: number): Promise<void> {
  const commits = Math.ceil((mib * MIB) / (ENTRIES * ENTRY_BYTES));
  for (let commit = 0; commit < commits; commit += 1) {
    const nodes = Array.from(
      { length: ENTRIES },
      () => [randomId<NodeId>(16), randomBytes(OBJECT_BYTES)] as const,
    );
    const answer = await device.commit(view, { nodes });
    if (answer.status !== 200) throw new Error(`a commit was refused: ${JSON.stringify(answer.json)}`);
    // Of tens of thousands none is named again.
    view.revisions.clear();
  }
}

async function read(
  storage: LoadStorage,
  device: TestDevice,
  view: VaultView,
  { what, options }: { readonly what: string; readonly options: string },
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, readAll] of [
    ['changes', readChanges],
    ['live state', readState],
  ] as const) {
    const server = await storage.serve([], { NODE_OPTIONS: options });
    device.person.url = server.address;
    try {
      rows.push(
        await measured(server, `${name}, ${what}: memory of the server, most (MiB)`, () =>
          readAll(device, view),
        ),
      );
    } finally {
      await server.stop();
    }
  }
  return rows;
}

async function measured({ pid }: LoadServer, name: string, work: () => Promise<number>): Promise<Row> {
  await delay(REST_MS);
  const before = memoryOf(pid).settled;
  forgetPeak(pid);
  const began = performance.now();
  const bytes = await work();
  const seconds = (performance.now() - began) / 1000;
  const { peak } = memoryOf(pid);
  return row(name, peak / MIB, {
    note: `${((peak - before) / MIB).toFixed(0)} above the beginning; ${(bytes / MIB).toFixed(0)} MiB in ${seconds.toFixed(1)} s`,
  });
}

async function readChanges(device: TestDevice, { vault }: VaultView): Promise<number> {
  let [after, bytes] = [0, 0];
  for (;;) {
    const page = await device.ask('GET', `/v1/vaults/${vault}/changes?after=${after}`);
    const { commits } = decodeChangesPage(page.bytes);
    if (commits.length === 0) return bytes;
    after += commits.length;
    bytes += page.bytes.length;
  }
}

async function readState(device: TestDevice, { vault, head }: VaultView): Promise<number> {
  let bytes = 0;
  for (let cursor: string | null = ''; cursor !== null;) {
    const rest: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = await device.ask('GET', `/v1/vaults/${vault}/state?at=${head.seq}${rest}`);
    bytes += page.bytes.length;
    cursor = decodeStatePage(page.bytes).nextCursor;
  }
  return bytes;
}

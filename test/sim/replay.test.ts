/** A bug report taken from a simulated device leads to the same end in another simulation. */
import { mkdtemp, rm, writeFile as writeToDisk } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { ROOT_NODE, toHex, TRASH_NODE, type NodeId } from '../../protocol/ids.ts';
import { reportSchema, type Report } from '../../protocol/report.ts';
import { makeReport } from '../../sync-engine/engine/report.ts';
import type { PairStore } from '../../sync-engine/manifest/manifest.ts';
import type { SimDiskOptions } from '../fakes/sim-disk.ts';
import { Chance } from './chance.ts';
import { writeFile } from './files.ts';
import { replay, toldReplay, type Replayed } from './replay.ts';
import { replayFile } from './replay-file.ts';
import { ROOT, type SimDevice } from './sim-device.ts';
import { TwoDevices } from './two-devices.ts';

const SEEDS = Array.from({ length: Number(process.env['REPLAY_SEEDS'] ?? 8) }, (_, index) => index + 1);

/** A device in sync with another, which holds a little of everything. */
async function inSync(disk: Partial<SimDiskOptions> = {}): Promise<{ world: TwoDevices; device: SimDevice }> {
  const world = await TwoDevices.start('in sync', ['Other', 'Reported']);
  const other = await world.boot('Other');
  const device = await world.boot('Reported', { disk });
  other.ledger.during('the beginning', () => {
    for (const folder of ['docs', 'docs/empty', 'docs/sub'])
      other.disk.makeFolder(`${ROOT}/${folder}`, 0o755);
    for (const [path, text] of [
      ['docs/a.txt', 'a'],
      ['docs/b.txt', 'b and more'],
      ['docs/sub/same as a', 'a'],
      ['nothing', ''],
      ['caf\u00e9.jpg', 'a picture'],
    ] as const)
      writeFile(other.disk, `${ROOT}/${path}`, text);
    other.disk.makeLink('c', `${ROOT}/link`);
    other.disk.setMode(`${ROOT}/docs/b.txt`, 0o600);
  });
  expect(await world.rest()).toBe(true);
  return { world, device };
}

async function reportOf(device: SimDevice, nowMs: number): Promise<Report> {
  const { engine } = device.running;
  const source = {
    pairs: engine.pairs(),
    issues: engine.issues(),
    state: engine.state(),
    counters: engine.counters(),
    program: { version: '0', startedAtMs: nowMs - 1000 },
    nowMs,
    random: { bytes: () => new Uint8Array(), fraction: () => 0.5 },
  };
  const { text } = await makeReport(source, new AbortController().signal);
  return reportSchema.parse(JSON.parse(text));
}

async function replayed(report: Report): Promise<Replayed> {
  const [pair] = report.pairs;
  if (pair === undefined) throw new Error('the report has a pair');
  return replay(report, pair);
}

function at(device: SimDevice, path: string) {
  const { pair } = device;
  const id = pair.localAt(path);
  const local = id === null ? undefined : pair.local.get(id);
  if (local === undefined) throw new Error(`nothing at ${path}`);
  return { pair, local };
}

const deedsOf = ({ story }: Replayed): string[] =>
  story.flatMap((line) => / Reported: (\S+) /.exec(line)?.[1] ?? []).sort();

/** The same broken promises, whatever things are called and when they were. */
const shapeOf = (broken: readonly string[]): string[] =>
  broken
    .map((line) =>
      line
        .replace(/docs\/b\.txt|name-\d+\/name-\d+\.txt/g, 'FILE')
        .replace(/ is (b\.txt|name-\d+\.txt) /g, ' is NAME ')
        .replace(/ \d{10,} \d+ [0-9a-f]{6}/g, ' TIME SIZE CONTENT')
        .replace(/ \d{10,} "[^"]*"/g, ' TIME TEXT'),
    )
    .sort();

describe('the replay of a bug report', () => {
  it('is told of every pair of a file, and of a file that is no report', async () => {
    const { world, device } = await inSync();
    const folder = await mkdtemp(join(tmpdir(), 'coffre-replay-'));
    const said = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const complained = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      const file = join(folder, 'report.json');
      await writeToDisk(file, JSON.stringify(await reportOf(device, world.nowMs)));
      expect(await replayFile(file)).toBe(0);
      expect(said.mock.calls.join('')).toContain('No promise broke.');
      expect(said.mock.calls.join('')).toContain('1 pairs, 0 broken promises');
      await writeToDisk(file, '{"format":"coffre-report","version":2}');
      expect(await replayFile(file)).toBe(2);
      expect(await replayFile(join(folder, 'none'))).toBe(2);
      expect(complained).toHaveBeenCalledTimes(2);
    } finally {
      vi.restoreAllMocks();
      await rm(folder, { recursive: true });
      await world.close();
    }
  });

  it('rests, with nothing sent or changed, where the device was in sync', async () => {
    const { world, device } = await inSync();
    expect(await world.broken()).toEqual([]);
    const report = await reportOf(device, world.nowMs);
    expect(report.pairs[0]?.nodes).toHaveLength(9);
    const told = await replayed(report);
    expect(told.broken, toldReplay(told)).toEqual([]);
    expect(told.story.filter((line) => line.includes('Reported: '))).toEqual([]);
    expect(told.story.at(-1)).toContain('everything is at rest');
    await world.close();
  });

  it('sends what was not sent yet, and comes to rest', async () => {
    const { world, device } = await inSync();
    device.network.online = false;
    await world.time.pass(1000);
    device.ledger.during('edits without a line', () => {
      writeFile(device.disk, `${ROOT}/docs/a.txt`, 'a, edited here');
      writeFile(device.disk, `${ROOT}/docs/new`, 'new here');
      device.disk.rename(`${ROOT}/docs/sub`, `${ROOT}/sub`);
      device.disk.removeFile(`${ROOT}/nothing`);
    });
    await world.time.pass(20_000);
    const report = await reportOf(device, world.nowMs);
    expect(report.state).toBe('offline');
    expect(report.pairs[0]?.nodes.filter(({ dirty }) => dirty === true)).toHaveLength(4);
    const told = await replayed(report);
    expect(told.broken, toldReplay(told)).toEqual([]);
    expect(deedsOf(told)).toEqual(['move-remote', 'trash', 'upload', 'upload']);
    await world.close();
  });

  it('brings here what had come and was not done yet', async () => {
    const { world, device } = await inSync();
    const vault = device.running.manifest.vault(world.vault);
    const row = (path: string) => {
      const { id } = at(device, path).local;
      const remote = vault.remote.get(id);
      if (remote === undefined) throw new Error(`${path} is in the account`);
      return remote;
    };
    const [edited, moved, gone, model] = ['docs/b.txt', 'docs/sub', 'nothing', 'docs/a.txt'].map(row);
    if (edited === undefined || moved === undefined || gone === undefined || model === undefined) return;
    const fresh = { ...model, id: toHex(new Uint8Array(16).fill(7)) as NodeId, name: 'fresh' };
    for (const node of [
      { ...edited, content: (await world.contentIds())('other bytes'), size: 11 },
      { ...moved, parent: ROOT_NODE },
      { ...gone, parent: TRASH_NODE },
      fresh,
    ]) {
      vault.putRemote(node);
      device.pair.markDirty(node.id);
    }
    const told = await replayed(await reportOf(device, world.nowMs));
    expect(told.broken, toldReplay(told)).toEqual([]);
    expect(deedsOf(told)).toEqual(['download', 'download', 'move', 'remove']);
    await world.close();
  });

  it('keeps apart what the disk cannot, and out what is deselected or ignored', async () => {
    const { world, device } = await inSync({ caseSensitive: false, illegal: ':' });
    const [other] = world.devices;
    other?.ledger.during('names and rules', () => {
      for (const path of ['Note', 'note', 'what:not', 'docs/x.tmp'])
        writeFile(other.disk, `${ROOT}/${path}`, path);
    });
    await world.rest();
    other?.ledger.during('names and rules', () => {
      writeFile(other.disk, `${ROOT}/.coffreignore`, '*.tmp\n');
    });
    const { local } = at(device, 'docs/sub');
    device.running.engine.pair(device.pair.config.id)?.select(local.id, false);
    await world.rest();
    expect(device.disk.lstat(`${ROOT}/docs/sub`)).toBeNull();
    const report = await reportOf(device, world.nowMs);
    const nodes = report.pairs[0]?.nodes ?? [];
    expect(nodes.flatMap(({ excluded }) => excluded ?? []).sort()).toEqual([
      'deselected',
      'deselected',
      'ignored',
    ]);
    expect(nodes.filter(({ diskName }) => diskName !== undefined)).toHaveLength(2);
    const told = await replayed(report);
    expect(told.broken, toldReplay(told)).toEqual([]);
    expect(deedsOf(told)).toEqual([]);
    await world.close();
  });

  it.each(SEEDS)('comes to rest from wherever two busy devices are (seed %i)', async (seed) => {
    const chance = new Chance(`busy ${seed}`);
    const disk = chance.pick<Partial<SimDiskOptions>>([{}, {}, { caseSensitive: false, illegal: ':?' }]);
    const world = await TwoDevices.start(`${seed}`, ['Other', 'Reported']);
    await world.boot('Other');
    const device = await world.boot('Reported', { disk });
    for (const { network } of world.devices) network.delays = { leastMs: 1, mostMs: 400, timeoutMs: 5000 };
    const wanted = 1 + chance.below(5);
    for (let act = 0; act < 15 || device.pair.dirtyCount() < wanted; act += 1) {
      chance.pick(world.devices).person.act();
      await world.time.pass(chance.pick([0, 1, 30, 100, 1000]));
    }
    const told = await replayed(await reportOf(device, world.nowMs));
    expect(told.broken, toldReplay(told)).toEqual([]);
    await world.close();
  });

  it.each<[string, string, (pair: PairStore, id: NodeId) => void]>([
    [
      'differs from the account and nothing marked it',
      'met 1 nodes that differed and that nothing had marked',
      (pair, id) => {
        pair.clearDirty(id);
      },
    ],
    [
      'waits for nobody and for ever',
      'is syncing, 1 dirty, with issues: none',
      (pair, id) => {
        pair.markDirty(id);
        pair.quarantine(id, Number.MAX_SAFE_INTEGER);
      },
    ],
  ])('breaks the same promises, in the same words, where a file %s', async (_, words, mark) => {
    const { world, device } = await inSync();
    // Time does not pass between: the engine that is there does not see it come.
    const { pair, local } = at(device, 'docs/b.txt');
    device.disk.setMode(`${ROOT}/docs/b.txt`, 0o640);
    pair.putLocal({ ...local, mode: 0o640, ctimeUs: device.disk.lstat(`${ROOT}/docs/b.txt`)?.ctimeUs ?? 0 });
    mark(pair, local.id);
    const report = await reportOf(device, world.nowMs);
    device.kill();
    await device.boot();
    await world.rest();
    const broken = await world.broken();
    expect(broken).toContain(`Reported ${words}`);
    const told = await replayed(report);
    expect(told.broken).toContain(`Reported ${words}`);
    expect(shapeOf(told.broken), toldReplay(told)).toEqual(shapeOf(broken));
    await world.close();
  });
});

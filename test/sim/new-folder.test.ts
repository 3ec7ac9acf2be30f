/**
 * A folder that is new on a device, and everything that can end the engine while it comes: at no call of the disk
 * is a part of it there, and whatever the call at which the engine ends, the next one has nothing to upload.
 */
import { describe, expect, it } from 'vitest';
import { findFiles, writeFile } from './files.ts';
import { ROOT, type SimDevice } from './sim-device.ts';
import { REST_MS, TwoDevices } from './two-devices.ts';

const WHOLE = ['docs', 'docs/a', 'docs/b', 'docs/empty', 'docs/link', 'docs/sub', 'docs/sub/c', 'docs/sub/d'];

/** Two devices, of which the first has a folder in the account when the second is linked. */
class FolderWorld extends TwoDevices {
  /** Calls that the second device's engines made of its disk. */
  readonly calls: string[] = [];
  /** What there was of the folder at some call, when that was not all or nothing. */
  readonly parts = new Set<string>();
  headSeq = 0;
  /** Of the calls, those made before the second device was linked. */
  callsBefore = 0;

  static override async start(seed: string): Promise<FolderWorld> {
    const world = new FolderWorld(seed, await TwoDevices.enrol());
    const first = await world.boot('Desk');
    first.ledger.during('the folder', () => {
      const { disk } = first;
      for (const folder of ['docs', 'docs/empty', 'docs/sub']) disk.makeFolder(`${ROOT}/${folder}`, 0o755);
      for (const file of ['docs/a', 'docs/b', 'docs/sub/c', 'docs/sub/d']) {
        writeFile(disk, `${ROOT}/${file}`, `what ${file} holds`);
      }
      disk.makeLink('a', `${ROOT}/docs/link`);
      disk.setMode(`${ROOT}/docs/b`, 0o400);
      disk.setMode(`${ROOT}/docs/sub`, 0o555);
    });
    await world.time.pass(REST_MS);
    world.headSeq = await world.head();
    return world;
  }

  /** Links the second device; its engine ends at a call of the disk, when one is given. */
  async link(diesAt: number, end: (device: SimDevice) => void): Promise<SimDevice> {
    const second = await this.boot('Lap', {
      trace: (device, what) => {
        this.#look(device, what);
      },
    });
    this.callsBefore = this.calls.length;
    second.running.life.dieIn(diesAt, () => {
      end(second);
      this.time.in(500, () => void second.boot());
    });
    await this.time.pass(REST_MS);
    return second;
  }

  #look({ disk }: SimDevice, call: string): void {
    this.calls.push(call);
    const there = findFiles(disk, ROOT, (path) => path === '.coffre')
      .map(({ path }) => path)
      .sort();
    if (there.length > 0 && there.join() !== WHOLE.join()) this.parts.add(there.join(', '));
  }
}

const isOfFolder = (call: string): boolean => call.includes('-folder');

/** The calls, counted from the link, in which the folder comes, and some more. */
async function whileItComes(): Promise<number[]> {
  const world = await FolderWorld.start('calls');
  await world.link(Number.POSITIVE_INFINITY, () => undefined);
  await world.close();
  const first = world.calls.findIndex(isOfFolder);
  const placed = world.calls.findLastIndex((call) => call.startsWith('Lap rename'));
  expect(placed).toBeGreaterThan(first);
  return Array.from({ length: placed + 12 - first }, (_, index) => first + index - world.callsBefore);
}

describe('a folder that is new on a device', () => {
  it('is there with all that is in it from the first moment, by one rename', async () => {
    const world = await FolderWorld.start('calls');
    const lap = await world.link(Number.POSITIVE_INFINITY, () => undefined);
    expect(await world.broken(world.headSeq)).toEqual([]);
    expect([...world.parts]).toEqual([]);
    expect(lap.running.engine.issues()).toEqual([]);
    const calls = world.calls.slice(world.calls.findIndex(isOfFolder));
    expect(calls.filter((call) => /rename|makeHardLink/.test(call))).toHaveLength(1);
    await world.close();
  });

  it('is whole, and nothing of it is uploaded, at whichever call the engine is killed', async () => {
    for (const call of await whileItComes()) {
      const world = await FolderWorld.start('calls');
      const lap = await world.link(call, (device) => device.kill());
      expect(lap.lives, `killed at call ${call}`).toBe(2);
      expect(await world.broken(world.headSeq), `killed at call ${call}`).toEqual([]);
      expect([...world.parts], `killed at call ${call}`).toEqual([]);
      expect(await world.head(), `killed at call ${call}`).toBe(world.headSeq);
      expect(lap.disk.list(`${ROOT}/.coffre/staging`).entries, `killed at call ${call}`).toEqual([]);
      await world.close();
    }
  });

  it('is as it was sent, and nothing else is uploaded, at whichever call the power goes', async () => {
    for (const call of await whileItComes()) {
      // What is lost of it depends on the seed.
      const world = await FolderWorld.start(`power at ${call}`);
      const lap = await world.link(call, (device) => device.losePower());
      expect(lap.lives, `no power at call ${call}`).toBe(2);
      expect(await world.broken(world.headSeq), `no power at call ${call}`).toEqual([]);
      expect(await world.head(), `no power at call ${call}`).toBe(world.headSeq);
      await world.close();
    }
  });
});

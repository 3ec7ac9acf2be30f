/**
 * A folder that is new on a device, and everything that can end the engine while it comes: at no call of the disk
 * is a part of it there, and whatever the call at which the engine ends, the next one has nothing to upload.
 */
import { describe, expect, it } from 'vitest';
import { toHex, type VaultId } from '../../protocol/ids.ts';
import { seededRandom } from '../fakes/seeded-random.ts';
import { SimCloud } from '../fakes/sim-cloud.ts';
import { SimIdentity } from '../fakes/sim-identity.ts';
import { SimNetwork } from '../fakes/sim-network.ts';
import { SimServer, type SimDevice as Enrolled } from '../fakes/sim-server.ts';
import { findFiles, writeFile } from './files.ts';
import { brokenPromises } from './promises.ts';
import { ROOT, SimDevice } from './sim-device.ts';
import { virtualClock, VirtualTime } from './virtual-time.ts';

const BEGIN_MS = 1_800_000_000_000;
const REST_MS = 11 * 60_000;
const WHOLE = ['docs', 'docs/a', 'docs/b', 'docs/empty', 'docs/link', 'docs/sub', 'docs/sub/c', 'docs/sub/d'];

/** Two devices, of which the first has a folder in the account when the second is linked. */
class FolderWorld {
  readonly time = new VirtualTime();
  readonly devices: SimDevice[] = [];
  /** Calls that the second device's engines made of its disk. */
  readonly calls: string[] = [];
  /** What there was of the folder at some call, when that was not all or nothing. */
  readonly parts = new Set<string>();
  headSeq = 0;
  /** Of the calls, those made before the second device was linked. */
  callsBefore = 0;
  readonly #seed: string;
  readonly #server: SimServer;
  readonly #enrolled: Enrolled[];
  readonly #vault: VaultId;

  private constructor(seed: string, server: SimServer, enrolled: Enrolled[], vault: VaultId) {
    this.#seed = seed;
    this.#server = server;
    this.#enrolled = enrolled;
    this.#vault = vault;
  }

  static async start(seed: string): Promise<FolderWorld> {
    const random = seededRandom('the keys are the same in every world');
    const server = await SimServer.start({ random, nowMs: () => BEGIN_MS });
    const desk = await server.signup('someone@example.org', 'Desk');
    const lap = await server.addDevice(desk, 'Lap');
    const world = new FolderWorld(seed, server, [desk, lap], toHex(random(16)) as VaultId);
    const first = await world.#device(0);
    await first.boot(true);
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
    const second = await this.#device(1);
    await second.boot();
    this.callsBefore = this.calls.length;
    second.running.life.dieIn(diesAt, () => {
      end(second);
      this.time.in(500, () => void second.boot());
    });
    await this.time.pass(REST_MS);
    return second;
  }

  async head(): Promise<number> {
    const [enrolled] = this.#enrolled;
    if (enrolled === undefined) throw new Error('a world has devices');
    return (await this.#server.store.log.vaults(enrolled.account))[0]?.head.seq ?? 0;
  }

  async broken(): Promise<string[]> {
    const [enrolled] = this.#enrolled;
    if (enrolled === undefined) throw new Error('a world has devices');
    const cloud = new SimCloud(this.#server, enrolled, this.#network());
    const identity = await SimIdentity.enrol(this.#server, enrolled, cloud);
    const keys = identity.vaultKeys(this.#vault);
    return brokenPromises(this.devices, { cloud, vault: this.#vault, keys, headSeq: this.headSeq });
  }

  async close(): Promise<void> {
    for (const device of this.devices) if (device.isUp) device.kill();
    await this.time.pass(1);
    await this.#server.close();
  }

  #network(): SimNetwork {
    return new SimNetwork({ clock: virtualClock(this.time, BEGIN_MS), fraction: () => 0.5 });
  }

  async #device(index: number): Promise<SimDevice> {
    const enrolled = this.#enrolled[index];
    if (enrolled === undefined) throw new Error('no such device');
    const network = this.#network();
    const cloud = new SimCloud(this.#server, enrolled, network);
    const name = index === 0 ? 'Desk' : 'Lap';
    const device: SimDevice = new SimDevice({
      name,
      shape: { name, disk: {}, failing: 0, failures: [] },
      oddNames: false,
      isCalm: () => true,
      seed: `${this.#seed} ${name}`,
      time: this.time,
      wallMs: BEGIN_MS,
      network,
      cloud,
      identity: await SimIdentity.enrol(this.#server, enrolled, cloud),
      vault: this.#vault,
      watchFaults: () => ({ lost: 0, doubled: 0, late: 0 }),
      meddling: () => 0,
      tell: () => undefined,
      trace: (what) => {
        if (index === 1) this.#look(device, what);
      },
      broken: (error) => {
        throw error;
      },
    });
    this.devices.push(device);
    return device;
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
    expect(await world.broken()).toEqual([]);
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
      expect(await world.broken(), `killed at call ${call}`).toEqual([]);
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
      expect(await world.broken(), `no power at call ${call}`).toEqual([]);
      expect(await world.head(), `no power at call ${call}`).toBe(world.headSeq);
      await world.close();
    }
  });
});

/**
 * One world from one seed: two devices, their persons, a server, bad lines and hints, crashes. At the end the
 * faults stop, everything comes to rest, and the promises are checked.
 */
import { createHash } from 'node:crypto';
import { toHex, type VaultId } from '../../protocol/ids.ts';
import { SimCloud } from '../fakes/sim-cloud.ts';
import { SimIdentity } from '../fakes/sim-identity.ts';
import { NO_FAULTS, SimNetwork } from '../fakes/sim-network.ts';
import { SimServer, type SimDevice as Enrolled } from '../fakes/sim-server.ts';
import { seededRandom } from '../fakes/seeded-random.ts';
import { Chance } from './chance.ts';
import { brokenPromises, isAtRest } from './promises.ts';
import { ROOT, SimDevice } from './sim-device.ts';
import { shapeOf, type DeviceShape, type DiskTrouble, type Pace, type WorldShape } from './shape.ts';
import type { WatchFaults } from './sim-watcher.ts';
import { virtualClock, VirtualTime } from './virtual-time.ts';

export interface Outcome {
  readonly seed: number;
  /** Broken promises, in words. */
  readonly broken: readonly string[];
  /** What happened, in words. */
  readonly story: readonly string[];
  /** Of everything the engines did, in order. */
  readonly fingerprint: string;
  readonly commits: number;
  /** Things that were to happen, whether they were left out or not. */
  readonly events: number;
  /** Faults by kind, as far as they were told. */
  readonly faults: Readonly<Record<string, number>>;
}

export interface SimulationOptions {
  /** Two devices on good disks, as before worlds had shapes. */
  readonly plain?: boolean;
  readonly pace?: Pace;
  /** Events by number that do not happen: to find the few that matter. */
  readonly without?: ReadonlySet<number>;
}

const BEGIN_MS = 1_800_000_000_000;
const ACTS = 15;
/** Beyond the interval between full scans, which find what hints did not tell. */
const REST_MS = 11 * 60_000;
const PATIENCE_MS = 3 * 3_600_000;
/** Of a world without faults: a whole busy world has ten thousand. More is an engine that goes round for ever. */
const MOST_EVENTS_TO_REST = 100_000;
/** A full scan at least; an hour in some worlds. */
const quietMs = (seed: number): number => (seed % 8 === 0 ? 3_600_000 : REST_MS);
const NO_WATCH_FAULTS: WatchFaults = { lost: 0, doubled: 0, late: 0 };
/** Waits between two acts of a person: in one breath, or while everything comes to rest in between. */
const PAUSES_MS = [0, 1, 15, 45, 120, 600, 3000, 20_000];

class Simulation {
  readonly #seed: number;
  readonly #chance: Chance;
  readonly #time = new VirtualTime();
  readonly #story: string[] = [];
  readonly #broken: string[] = [];
  readonly #trace = createHash('sha256');
  readonly #devices: SimDevice[] = [];
  #watchFaults = NO_WATCH_FAULTS;
  #meddling = 0;
  #isCalm = false;

  readonly #shape: WorldShape;
  readonly #without: ReadonlySet<number>;
  #events = 0;
  readonly #faults: Record<string, number> = {};

  constructor(seed: number, options: SimulationOptions) {
    this.#seed = seed;
    this.#shape = shapeOf(seed, { plain: options.plain ?? false, pace: options.pace ?? 'any' });
    this.#without = options.without ?? new Set();
    this.#chance = new Chance(`world ${seed}`);
  }

  async run(): Promise<Outcome> {
    const random = seededRandom('the keys are the same in every world');
    const server = await SimServer.start({ random, nowMs: () => Math.floor(BEGIN_MS + this.#time.nowMs) });
    const desk = await server.signup('someone@example.org', 'Desk');
    const lap = await server.addDevice(desk, 'Lap');
    const vault = toHex(random(16)) as VaultId;
    const enrolled = [desk, lap];
    for (const { name } of this.#shape.devices.slice(2)) enrolled.push(await server.addDevice(desk, name));
    try {
      for (const [index, shape] of this.#shape.devices.entries()) {
        const one = enrolled[index];
        if (one !== undefined) await this.#make(server, one, vault, shape);
      }
      await this.#live();
      await this.#rest();
      await this.#judge(server, desk, vault);
    } catch (error) {
      this.#break(error);
    }
    const commits = (await server.store.log.vaults(desk.account))[0]?.head.seq ?? 0;
    for (const device of this.#devices) if (device.isUp) device.kill();
    // A world that spins has said so, and may go on spinning.
    await this.#time.pass(1).catch(() => undefined);
    await server.close();
    for (const device of this.#devices) device.letGo();
    await this.#time.end();
    const fingerprint = this.#trace.update(this.#story.join('\n')).digest('hex');
    const failures = this.#devices.reduce((sum, device) => sum + device.failures, 0);
    return {
      seed: this.#seed,
      broken: this.#broken,
      story: this.#story,
      fingerprint,
      commits,
      events: this.#events,
      faults: { ...this.#faults, 'disk call refused': failures },
    };
  }

  /** Something that happens once, at its time, unless it is left out. */
  #event(atMs: number, kind: string | null, happen: () => void): void {
    const number = this.#events;
    this.#events += 1;
    if (this.#without.has(number)) return;
    this.#time.in(atMs, () => {
      if (kind !== null) this.#faults[kind] = (this.#faults[kind] ?? 0) + 1;
      happen();
    });
  }

  #tell(what: string): void {
    this.#story.push(`${(this.#time.nowMs / 1000).toFixed(3).padStart(9)} s  ${what}`);
  }

  #break(error: unknown): void {
    this.#broken.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }

  #network(name: string): SimNetwork {
    const chance = new Chance(`${this.#seed} line of ${name}`);
    return new SimNetwork({ clock: virtualClock(this.#time, BEGIN_MS), fraction: () => chance.fraction() });
  }

  async #make(server: SimServer, enrolled: Enrolled, vault: VaultId, shape: DeviceShape): Promise<void> {
    const { name } = enrolled;
    const network = this.#network(name);
    const cloud = new SimCloud(server, enrolled, network);
    const device = new SimDevice({
      name,
      shape,
      oddNames: this.#shape.oddNames,
      isCalm: () => this.#isCalm,
      seed: `${this.#seed} ${name}`,
      time: this.#time,
      // No two clocks agree, and nothing may depend on it.
      wallMs: BEGIN_MS + this.#chance.below(7_200_000) - 3_600_000,
      network,
      cloud,
      identity: await SimIdentity.enrol(server, enrolled, cloud),
      vault,
      watchFaults: () => this.#watchFaults,
      meddling: () => this.#meddling,
      tell: (what) => {
        this.#tell(`${name} ${what}`);
      },
      trace: (what) => {
        this.#trace.update(what);
      },
      broken: (error) => {
        this.#break(error);
      },
    });
    await device.boot(this.#devices.length === 0);
    this.#devices.push(device);
  }

  /** Acts, faults and crashes, each at its time. */
  async #live(): Promise<void> {
    const chance = this.#chance;
    this.#watchFaults = chance.happens(0.5) ? { lost: 0.1, doubled: 0.1, late: 0.1 } : NO_WATCH_FAULTS;
    this.#meddling = chance.pick([0, 0, 0, 0.002, 0.02]);
    const isBadLine = chance.happens(0.5);
    let endMs = 0;
    for (const device of this.#devices) {
      const most = chance.pick([5, 50, 400]);
      device.network.delays = { leastMs: 1, mostMs: most, timeoutMs: 5000 };
      if (isBadLine) {
        device.network.faults = {
          requestLost: 0.03,
          answerLost: 0.03,
          duplicated: 0.05,
          pushLost: 0.1,
          pushCuts: 0.05,
        };
      }
      let atMs = 0;
      for (let act = 0; act < ACTS; act += 1) {
        atMs += chance.pick(PAUSES_MS);
        this.#event(atMs, null, () => {
          device.person.act();
        });
      }
      endMs = Math.max(endMs, atMs);
      for (let crashes = chance.below(4); crashes > 0; crashes -= 1) {
        this.#event(chance.below(atMs + 1000), 'crash', () => {
          this.#crash(device);
        });
      }
      if (chance.happens(0.3)) this.#cutLine(device, chance.below(atMs + 1), 1000 + chance.below(20_000));
    }
    for (const trouble of this.#shape.troubles) this.#trouble(trouble);
    await this.#time.pass(endMs + 5000);
  }

  /** A disk without room, that takes no writes, or that is not there; its folder too is another one then. */
  #trouble({ device: index, kind, atMs, forMs }: DiskTrouble): void {
    const device = this.#devices[index];
    if (device === undefined) return;
    const { disk, name } = device;
    this.#event(atMs, `disk ${kind}`, () => {
      if (this.#isCalm) return;
      this.#tell(`${name} has its disk ${kind} for ${forMs} ms`);
      if (kind === 'full') disk.capacityBytes = disk.usedBytes + 10;
      if (kind === 'read-only') disk.readOnly = true;
      if (kind === 'unmounted') disk.unmounted.add(ROOT);
      this.#time.in(forMs, () => {
        this.#mend(device);
      });
    });
  }

  #mend({ disk }: SimDevice): void {
    disk.capacityBytes = Number.MAX_SAFE_INTEGER;
    disk.readOnly = false;
    disk.unmounted.delete(ROOT);
  }

  #cutLine(device: SimDevice, atMs: number, forMs: number): void {
    const { network, name } = device;
    this.#event(atMs, 'line cut', () => {
      this.#tell(`${name} loses its line for ${forMs} ms`);
      network.online = false;
      this.#time.in(forMs, () => {
        network.online = true;
      });
    });
  }

  #crash(device: SimDevice, mostCalls = 150): void {
    if (!device.isUp) return;
    const chance = this.#chance;
    const how = chance.happens(0.5) ? 'power' : 'kill';
    const end = (where: string): void => {
      if (how === 'power') device.losePower();
      else device.kill();
      this.#tell(`${device.name} ${how === 'power' ? 'loses power' : 'is killed'} ${where}`);
      this.#time.in(chance.pick([10, 500, 8000]), () => {
        this.#start(device);
      });
    };
    if (chance.happens(0.3)) end('');
    else {
      device.running.life.dieIn(1 + chance.below(mostCalls), () => {
        end('within a call of the disk');
      });
    }
  }

  #start(device: SimDevice): void {
    if (device.isUp) return;
    this.#tell(`${device.name} starts`);
    device.boot().catch((error: unknown) => {
      this.#break(error);
    });
    // What a start repairs must bear to be broken off, too.
    if (!this.#isCalm && this.#chance.happens(0.3)) this.#crash(device, 60);
  }

  /** No faults any more; time runs until nothing moves. */
  async #rest(): Promise<void> {
    this.#tell('all faults stop');
    this.#isCalm = true;
    this.#meddling = 0;
    this.#watchFaults = NO_WATCH_FAULTS;
    for (const device of this.#devices) {
      device.network.online = true;
      device.network.faults = NO_FAULTS;
      this.#mend(device);
      if (device.isUp) device.running.life.dieIn(Number.POSITIVE_INFINITY, () => undefined);
    }
    await this.#time.pass(10_000);
    const untilMs = this.#time.nowMs + PATIENCE_MS;
    const mostEvents = this.#time.events + MOST_EVENTS_TO_REST;
    await this.#time.pass(REST_MS);
    while (!this.#isAtRest() && this.#time.nowMs < untilMs && this.#time.events < mostEvents)
      await this.#time.pass(20_000);
    this.#tell(this.#isAtRest() ? 'everything is at rest' : 'no rest was found');
  }

  #isAtRest(): boolean {
    const cursors = this.#devices.map(
      (device) => device.running.manifest.vault(device.pair.config.vault).cursor().seq,
    );
    return this.#devices.every((device) => isAtRest(device)) && new Set(cursors).size === 1;
  }

  async #judge(server: SimServer, desk: Enrolled, vault: VaultId): Promise<void> {
    if (this.#broken.length > 0) return;
    const cloud = new SimCloud(server, desk, this.#network('observer'));
    const identity = await SimIdentity.enrol(server, desk, cloud);
    const head = async (): Promise<number> => (await server.store.log.vaults(desk.account))[0]?.head.seq ?? 0;
    const keys = identity.vaultKeys(vault);
    const headSeq = await head();
    this.#broken.push(...(await brokenPromises(this.#devices, { cloud, vault, keys, headSeq })));
    if (this.#broken.length > 0) return;
    // What was applied is flushed a little later; then there is nothing left to do.
    await this.#time.pass(30_000);
    const writes = this.#devices.map(({ running }) => running.life.writes);
    await this.#time.pass(quietMs(this.#seed));
    if ((await head()) !== headSeq) this.#broken.push('the account changed while nobody did anything');
    for (const [index, { name, running }] of this.#devices.entries()) {
      if (running.life.writes !== writes[index]) this.#broken.push(`${name} wrote to its disk at rest`);
    }
  }
}

/** Lives through the world of a seed. Never rejects: what goes wrong is in the outcome. */
export function simulate(seed: number, options: SimulationOptions = {}): Promise<Outcome> {
  return new Simulation(seed, options).run();
}

/** For a person to read. */
export function told({ seed, broken, story }: Pick<Outcome, 'seed' | 'broken' | 'story'>): string {
  return [`Seed ${seed}:`, ...story, 'Broken:', ...broken.map((line) => `- ${line}`)].join('\n');
}

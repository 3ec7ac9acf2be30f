/** One simulated device: what outlives its engines, and how an engine starts and ends on it. */
import { ROOT_NODE, type VaultId } from '../../protocol/ids.ts';
import { ABOVE_ROOT } from '../../sync-engine/engine/remote-apply.ts';
import type { PairRecord } from '../../sync-engine/engine/engine-parts.ts';
import { SyncEngine } from '../../sync-engine/engine/sync-engine.ts';
import { openManifest, openManifestFrom } from '../../sync-engine/manifest/open.ts';
import type { SqliteManifest } from '../../sync-engine/manifest/sqlite-manifest.ts';
import type { Clock } from '../../sync-engine/engine/ports.ts';
import type { SimCloud } from '../fakes/sim-cloud.ts';
import { SimDisk } from '../fakes/sim-disk.ts';
import type { SimIdentity } from '../fakes/sim-identity.ts';
import type { SimNetwork } from '../fakes/sim-network.ts';
import { Chance } from './chance.ts';
import { Ledger } from './ledger.ts';
import { Killed, Life } from './life.ts';
import { Person } from './person.ts';
import type { DeviceShape } from './shape.ts';
import { SimWatcher, type WatchFaults } from './sim-watcher.ts';
import { virtualClock, type VirtualTime } from './virtual-time.ts';

export const ROOT = '/pair';
/** Acts within calls of the disk: more files make more calls, which would make more files. */
const MOST_MEDDLING = 12;
const SCAN_INTERVAL_MS = 10 * 60_000;

const FIRST_COMMIT = {
  node: ROOT_NODE,
  record: {
    parent: ABOVE_ROOT,
    name: 'Files',
    type: 'folder',
    mode: 0o755,
    mtimeUs: 0,
    size: 0,
    depth: 0,
    list: [],
    content: null,
  },
} as const;

export interface SimDeviceParts {
  readonly name: string;
  readonly shape: DeviceShape;
  readonly oddNames: boolean;
  readonly seed: string;
  readonly time: VirtualTime;
  readonly wallMs: number;
  readonly network: SimNetwork;
  readonly cloud: SimCloud;
  readonly identity: SimIdentity;
  readonly vault: VaultId;
  readonly watchFaults: () => WatchFaults;
  /** How likely the person acts within a call of the engine's disk. */
  readonly meddling: () => number;
  /** No faults any more. */
  readonly isCalm: () => boolean;
  tell(what: string): void;
  /** Something the engine does, for the fingerprint of the run. */
  trace(what: string): void;
  broken(error: unknown): void;
}

interface Running {
  readonly life: Life;
  readonly engine: SyncEngine;
  readonly manifest: SqliteManifest;
}

export class SimDevice {
  readonly name: string;
  readonly disk: SimDisk;
  readonly person: Person;
  readonly ledger: Ledger;
  readonly network: SimNetwork;
  readonly #parts: SimDeviceParts;
  readonly #chance: Chance;
  readonly #record: PairRecord;
  #kept: Buffer | null = null;
  #running: Running | null = null;
  #watcher: SimWatcher | null = null;
  readonly #failChance: Chance;
  readonly #engines: SyncEngine[] = [];
  #isLinked = false;
  lives = 0;
  failures = 0;
  /** The operating system was started so many times. */
  #boot = 0;
  #meddled = 0;

  constructor(parts: SimDeviceParts) {
    const { name, seed, time, wallMs, identity, vault } = parts;
    this.#parts = parts;
    this.name = name;
    this.network = parts.network;
    this.#chance = new Chance(`${seed} engine`);
    this.#failChance = new Chance(`${seed} failing disk`);
    let lastUs = 0;
    const diskChance = new Chance(`${seed} disk`);
    this.disk = new SimDisk({
      ...parts.shape.disk,
      random: () => diskChance.fraction(),
      nowUs: () => (lastUs = Math.max(lastUs + 1, Math.floor((wallMs + time.nowMs) * 1000))),
    });
    this.disk.hooks = {
      changed: (path) => {
        this.#watcher?.changed(path);
      },
    };
    for (const folder of [ROOT, '/home']) this.disk.makeFolder(folder, 0o755);
    this.disk.flush('/', true);
    this.ledger = new Ledger(this.disk, ROOT);
    this.person = new Person({
      disk: this.disk,
      root: ROOT,
      chance: new Chance(`${seed} person`),
      ledger: this.ledger,
      name,
      oddNames: parts.oddNames,
      tell: parts.tell,
    });
    const id = Buffer.from(this.#chance.bytes(8)).toString('hex');
    const random = Buffer.from(this.#chance.bytes(16)).toString('hex');
    const { account, device } = identity;
    this.#record = {
      config: { id, folder: ROOT, vault, bound: ROOT_NODE },
      marker: { version: 1, pair: id, account, device, random },
    };
  }

  /** On a disk that cannot hold all that others hold. */
  get isOdd(): boolean {
    return Object.keys(this.#parts.shape.disk).some((knob) => knob !== 'reusesInodes');
  }

  get isUp(): boolean {
    return this.#running !== null;
  }

  get running(): Running {
    if (this.#running === null) throw new Error(`${this.name} is off`);
    return this.#running;
  }

  get pair() {
    const { manifest } = this.running;
    return manifest.pair(this.#record.config.id);
  }

  /** What an engine is told of the pair. */
  get record(): PairRecord {
    return this.#record;
  }

  /** The first start binds the pair, unless something else is to be put into the manifest before. */
  async boot(makesVault = false, binds = true): Promise<void> {
    const { time, wallMs, cloud, identity, vault, tell, trace, broken, watchFaults, meddling } = this.#parts;
    const isFirst = this.#kept === null;
    const manifest =
      this.#kept === null ? openManifest(':memory:', { synchronous: 'off' }) : openManifestFrom(this.#kept);
    this.lives += 1;
    const life = new Life(manifest, {
      called: (call, path) => {
        trace(`${this.name} ${call} ${path}`);
        this.#failAtTimes(call);
        if (this.#meddled < MOST_MEDDLING && this.#chance.happens(meddling())) {
          this.#meddled += 1;
          tell(`meets its person within a call of the disk (${call} ${path}):`);
          this.person.act();
        }
      },
    });
    const clock: Clock = virtualClock(time, wallMs, () => life.dead);
    const disk = life.disk(this.disk);
    const engine = new SyncEngine({
      manifest: life.manifest(),
      cloud: life.cloud(cloud, (call) => {
        trace(`${this.name} asks ${call}`);
      }),
      identity,
      workers: life.workers(disk, this.#chance, clock, this.#parts.shape.slowMs),
      disk,
      clock,
      random: this.#chance,
      boot: String(this.#boot),
      ahead: '/ahead',
      watch: () => {
        this.#watcher = new SimWatcher(time, this.#chance, watchFaults);
        return this.#watcher;
      },
      pairs: isFirst ? [] : [this.#record],
      settings: { uploadLimit: null, downloadLimit: null, scanIntervalMs: SCAN_INTERVAL_MS },
      addIgnoreRule: () => Promise.resolve(),
      joinVaults: async () => {
        await Promise.resolve();
      },
      hooks: { changed: () => undefined, signedOut: () => undefined, pairRemoved: () => Promise.resolve() },
    });
    this.#running = { life, engine, manifest };
    this.#engines.push(engine);
    life.onEnd(() => {
      this.#watcher = null;
    });
    const failed = (error: unknown): void => {
      if (!life.dead && !(error instanceof Killed)) broken(error);
    };
    engine.failed().catch(failed);
    await engine.start().catch(failed);
    if (!isFirst) return;
    const sync = await engine.followVault(vault);
    if (makesVault) await sync.log.commit({ nodes: [FIRST_COMMIT], added: [], revived: [], dropped: [] });
    if (binds) engine.addPair(this.#record);
    this.#isLinked = true;
  }

  /** The call that is about to be made fails, at times, as calls of a failing disk do. */
  #failAtTimes(call: string): void {
    const { shape, isCalm, tell } = this.#parts;
    // Linking a folder is a person's command, which says that it failed.
    if (shape.failing === 0 || !this.#isLinked || isCalm() || !this.#failChance.happens(shape.failing))
      return;
    const code = this.#failChance.pick(shape.failures);
    this.disk.failNext(code);
    this.failures += 1;
    tell(`is refused a call of the disk (${call}: ${code})`);
  }

  /** The engine is gone, at a moment when it made no call of the disk. */
  kill(): void {
    const { life } = this.running;
    this.#kept = life.kept();
    this.#endLife();
    this.disk.kill();
  }

  /** The power goes: what neither the disk nor the manifest had flushed may be gone. */
  losePower(): void {
    this.#boot += 1;
    const { life } = this.running;
    this.#kept = this.#chance.happens(0.5) ? life.durable : life.kept();
    this.#endLife();
    this.ledger.duringLoss(() => {
      this.disk.crash();
    });
  }

  /** The world is over: a signal that somebody still listens to is kept for ever, and a whole engine by it. */
  letGo(): void {
    for (const engine of this.#engines) engine.stop().catch(() => undefined);
  }

  #endLife(): void {
    const { life, manifest } = this.running;
    life.end();
    this.#running = null;
    this.#parts.time.in(0, () => {
      manifest.close();
    });
  }
}

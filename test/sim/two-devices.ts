/** Two simulated devices of one account, on good disks and lines, for a story that is told and not drawn. */
import { toHex, type ContentId, type VaultId } from '../../protocol/ids.ts';
import { seededRandom } from '../fakes/seeded-random.ts';
import { SimCloud } from '../fakes/sim-cloud.ts';
import type { SimDiskOptions } from '../fakes/sim-disk.ts';
import { SimIdentity } from '../fakes/sim-identity.ts';
import { SimNetwork } from '../fakes/sim-network.ts';
import { SimServer, type SimDevice as Enrolled } from '../fakes/sim-server.ts';
import { brokenPromises, contentOf, isAtRest } from './promises.ts';
import type { SlowJobs } from './life.ts';
import { SimDevice } from './sim-device.ts';
import { virtualClock, VirtualTime } from './virtual-time.ts';

export const BEGIN_MS = 1_800_000_000_000;
/** Beyond the interval between full scans. */
export const REST_MS = 11 * 60_000;

const PATIENCE_MS = 3 * 3_600_000;

/** The first of them makes the vault. */
type Names = readonly [string, string];

interface DeviceOptions {
  readonly slowMs?: SlowJobs;
  /** On another disk also with names that not all disks can hold. */
  readonly disk?: Partial<SimDiskOptions>;
  readonly trace?: (device: SimDevice, what: string) => void;
  /** May change what becomes of its requests. */
  readonly line?: (cloud: SimCloud) => void;
}

interface Account {
  readonly server: SimServer;
  readonly enrolled: readonly [Enrolled, Enrolled];
  readonly vault: VaultId;
}

export class TwoDevices {
  readonly time = new VirtualTime();
  readonly devices: SimDevice[] = [];
  readonly #seed: string;
  readonly #account: Account;

  protected constructor(seed: string, account: Account) {
    this.#seed = seed;
    this.#account = account;
  }

  protected static async enrol([first, second]: Names = ['Desk', 'Lap']): Promise<Account> {
    const random = seededRandom('the keys are the same in every world');
    const server = await SimServer.start({ random, nowMs: () => BEGIN_MS });
    const one = await server.signup('someone@example.org', first);
    const other = await server.addDevice(one, second);
    return { server, enrolled: [one, other], vault: toHex(random(16)) as VaultId };
  }

  static async start(seed: string, names?: Names): Promise<TwoDevices> {
    return new TwoDevices(seed, await TwoDevices.enrol(names));
  }

  get vault(): VaultId {
    return this.#account.vault;
  }

  get nowMs(): number {
    return BEGIN_MS + this.time.nowMs;
  }

  /** Its first start, which links its folder; the first device's comes first. */
  async boot(name: string, options: DeviceOptions = {}): Promise<SimDevice> {
    const device = await this.make(name, options);
    await device.boot(name === this.#account.enrolled[0].name);
    return device;
  }

  /** Not started yet. */
  async make(
    name: string,
    { slowMs = {}, disk = {}, trace = () => undefined, line }: DeviceOptions = {},
  ): Promise<SimDevice> {
    const { server, vault, enrolled: both } = this.#account;
    const enrolled = both.find((one) => one.name === name);
    if (enrolled === undefined) throw new Error(`there is no ${name}`);
    const network = this.#network();
    const cloud = new SimCloud(server, enrolled, network);
    line?.(cloud);
    const device: SimDevice = new SimDevice({
      name,
      shape: { name, disk, failing: 0, failures: [], slowMs },
      oddNames: Object.keys(disk).length > 0,
      isCalm: () => true,
      seed: `${this.#seed} ${name}`,
      time: this.time,
      wallMs: BEGIN_MS,
      network,
      cloud,
      identity: await SimIdentity.enrol(server, enrolled, cloud),
      vault,
      watchFaults: () => ({ lost: 0, doubled: 0, late: 0 }),
      meddling: () => 0,
      tell: () => undefined,
      trace: (what) => {
        trace(device, what);
      },
      broken: (error) => {
        throw error;
      },
    });
    this.devices.push(device);
    return device;
  }

  /** Lets time pass until the work is done. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const ended = work.finally(() => {
      isDone = true;
    });
    ended.catch(() => undefined); // told by what is returned
    while (!isDone) await this.time.pass(10);
    return ended;
  }

  /** Lets time pass until nothing moves; false when that does not come. */
  async rest(): Promise<boolean> {
    const untilMs = this.time.nowMs + PATIENCE_MS;
    await this.time.pass(REST_MS);
    while (!this.#isAtRest && this.time.nowMs < untilMs) await this.time.pass(20_000);
    return this.#isAtRest;
  }

  get #isAtRest(): boolean {
    const seqs = this.devices.map(({ running }) => running.manifest.vault(this.vault).cursor().seq);
    return this.devices.every((device) => isAtRest(device)) && new Set(seqs).size === 1;
  }

  /** The id of a short text as content, once the vault was begun. */
  async contentIds(): Promise<(text: string) => ContentId> {
    const keys = await this.#keys();
    return (text) => contentOf(keys, text);
  }

  async #keys() {
    const { server, enrolled, vault } = this.#account;
    const cloud = new SimCloud(server, enrolled[0], this.#network());
    return (await SimIdentity.enrol(server, enrolled[0], cloud)).vaultKeys(vault);
  }

  async head(): Promise<number> {
    const { server, enrolled } = this.#account;
    return (await server.store.log.vaults(enrolled[0].account))[0]?.head.seq ?? 0;
  }

  /** What is broken, in words, now that everything should be at rest. */
  async broken(headSeq?: number, devices: readonly SimDevice[] = this.devices): Promise<string[]> {
    const { server, enrolled, vault } = this.#account;
    const cloud = new SimCloud(server, enrolled[0], this.#network());
    const keys = await this.#keys();
    return brokenPromises(devices, { cloud, vault, keys, headSeq: headSeq ?? (await this.head()) });
  }

  async close(): Promise<void> {
    for (const device of this.devices) if (device.isUp) device.kill();
    await this.time.pass(1);
    await this.#account.server.close();
  }

  #network(): SimNetwork {
    return new SimNetwork({ clock: virtualClock(this.time, BEGIN_MS), fraction: () => 0.5 });
  }
}

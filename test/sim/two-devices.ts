/** Two simulated devices of one account, on good disks and lines, for a story that is told and not drawn. */
import { toHex, type VaultId } from '../../protocol/ids.ts';
import { seededRandom } from '../fakes/seeded-random.ts';
import { SimCloud } from '../fakes/sim-cloud.ts';
import { SimIdentity } from '../fakes/sim-identity.ts';
import { SimNetwork } from '../fakes/sim-network.ts';
import { SimServer, type SimDevice as Enrolled } from '../fakes/sim-server.ts';
import { brokenPromises } from './promises.ts';
import { SimDevice } from './sim-device.ts';
import { virtualClock, VirtualTime } from './virtual-time.ts';

const BEGIN_MS = 1_800_000_000_000;
/** Beyond the interval between full scans. */
export const REST_MS = 11 * 60_000;

interface Account {
  readonly server: SimServer;
  readonly enrolled: { readonly Desk: Enrolled; readonly Lap: Enrolled };
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

  protected static async enrol(): Promise<Account> {
    const random = seededRandom('the keys are the same in every world');
    const server = await SimServer.start({ random, nowMs: () => BEGIN_MS });
    const Desk = await server.signup('someone@example.org', 'Desk');
    const Lap = await server.addDevice(Desk, 'Lap');
    return { server, enrolled: { Desk, Lap }, vault: toHex(random(16)) as VaultId };
  }

  static async start(seed: string): Promise<TwoDevices> {
    return new TwoDevices(seed, await TwoDevices.enrol());
  }

  /** Its first start, which links its folder; the desk is the first. */
  async boot(
    name: 'Desk' | 'Lap',
    {
      flushMs = 0,
      trace = () => undefined,
    }: { flushMs?: number; trace?: (device: SimDevice, what: string) => void } = {},
  ): Promise<SimDevice> {
    const { server, vault, enrolled } = this.#account;
    const network = this.#network();
    const cloud = new SimCloud(server, enrolled[name], network);
    const device: SimDevice = new SimDevice({
      name,
      shape: { name, disk: {}, failing: 0, failures: [], flushMs },
      oddNames: false,
      isCalm: () => true,
      seed: `${this.#seed} ${name}`,
      time: this.time,
      wallMs: BEGIN_MS,
      network,
      cloud,
      identity: await SimIdentity.enrol(server, enrolled[name], cloud),
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
    await device.boot(name === 'Desk');
    return device;
  }

  async head(): Promise<number> {
    const { server, enrolled } = this.#account;
    return (await server.store.log.vaults(enrolled.Desk.account))[0]?.head.seq ?? 0;
  }

  /** What is broken, in words, now that everything should be at rest. */
  async broken(headSeq?: number): Promise<string[]> {
    const { server, enrolled, vault } = this.#account;
    const cloud = new SimCloud(server, enrolled.Desk, this.#network());
    const identity = await SimIdentity.enrol(server, enrolled.Desk, cloud);
    const keys = identity.vaultKeys(vault);
    return brokenPromises(this.devices, { cloud, vault, keys, headSeq: headSeq ?? (await this.head()) });
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

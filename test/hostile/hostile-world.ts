/**
 * Devices with real folders, manifests and engines on a simulated account server that can be made to lie to each
 * of them. A device here is all of a device but its home and its HTTP client.
 */
import { randomBytes } from 'node:crypto';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT_NODE, toHex, type NodeId, type VaultId } from '../../protocol/ids.ts';
import { hashOf } from '../../protocol/signing.ts';
import { secureRandom } from '../../sync-engine/crypto/random.ts';
import type { LogFaultCode } from '../../sync-engine/engine/log-fault.ts';
import { LogFault } from '../../sync-engine/engine/log-fault.ts';
import type { VaultSync } from '../../sync-engine/engine/vault-sync.ts';
import type { Cloud } from '../../sync-engine/remote/cloud.ts';
import { SimCloud } from '../fakes/sim-cloud.ts';
import { SimIdentity } from '../fakes/sim-identity.ts';
import { SimNetwork } from '../fakes/sim-network.ts';
import { SimServer, type SimDevice } from '../fakes/sim-server.ts';
import { CLOCK, FolderDevice } from './folder-device.ts';
import { lyingCloud, TELLING, type LyingCloud } from './lies.ts';

/** Nothing in a test may hang. */
const PATIENCE_MS = 20_000;

export class HostileWorld {
  readonly server: SimServer;
  readonly root: string;
  readonly #devices: HostileDevice[] = [];
  vault: VaultId = toHex(randomBytes(16)) as VaultId;

  private constructor(server: SimServer, root: string) {
    this.server = server;
    this.root = root;
  }

  static async start(): Promise<HostileWorld> {
    const root = mkdtempSync(join(tmpdir(), 'coffre-hostile-'));
    const server = await SimServer.start({ random: secureRandom, nowMs: () => Date.now() });
    return new HostileWorld(server, root);
  }

  /** A person with a first device, `Desk`, whose folder is a vault of its own. */
  async signup(email = 'ann@example.org'): Promise<HostileDevice> {
    const keys = await this.server.signup(email, 'Desk');
    const device = await this.#start(keys);
    await device.makeVault(this.vault);
    device.bind(this.vault);
    return device;
  }

  /** One more device of the same person, at the beginning of its first sync. */
  async joining(of: HostileDevice, name: string): Promise<HostileDevice> {
    const device = await this.#start(await this.server.addDevice(of.keys, name));
    device.bind(of.vault);
    return device;
  }

  /** The same, in sync before it is returned. */
  async another(of: HostileDevice, name = 'Laptop'): Promise<HostileDevice> {
    const device = await this.joining(of, name);
    await device.settle();
    return device;
  }

  /** The server as a device of it has it. */
  line(keys: SimDevice): Cloud {
    return new SimCloud(this.server, keys, new SimNetwork({ clock: CLOCK, fraction: () => 0.5 }));
  }

  async #start(keys: SimDevice): Promise<HostileDevice> {
    const device = await HostileDevice.start(this, keys, join(this.root, keys.device));
    this.#devices.push(device);
    return device;
  }

  async close(): Promise<void> {
    for (const device of this.#devices) await device.stop();
    await this.server.close();
    rmSync(this.root, { recursive: true, force: true });
  }
}

export class HostileDevice extends FolderDevice {
  readonly world: HostileWorld;
  readonly keys: SimDevice;
  readonly identity: SimIdentity;
  readonly line: LyingCloud;
  #bound: VaultId | null = null;
  #stopped = false;

  private constructor(
    world: HostileWorld,
    keys: SimDevice,
    identity: SimIdentity,
    line: LyingCloud,
    home: string,
  ) {
    super({ cloud: line.cloud, identity, clock: CLOCK, folder: join(home, 'folder'), keys });
    this.world = world;
    this.keys = keys;
    this.identity = identity;
    this.line = line;
  }

  static async start(world: HostileWorld, keys: SimDevice, home: string): Promise<HostileDevice> {
    const line = lyingCloud(world.line(keys));
    const identity = await SimIdentity.enrol(world.server, keys, line.cloud);
    const device = new HostileDevice(world, keys, identity, line, home);
    await device.engine.start();
    return device;
  }

  get vault(): VaultId {
    if (this.#bound === null) throw new Error('the device has no vault yet');
    return this.#bound;
  }

  get sync(): VaultSync {
    const sync = this.engine.vaults().find((one) => one.vault === this.vault);
    if (sync === undefined) throw new Error('the device does not follow its vault');
    return sync;
  }

  override bind(vault: VaultId): void {
    this.#bound = vault;
    super.bind(vault);
  }

  node(path: string): NodeId {
    let current: NodeId = ROOT_NODE;
    for (const step of path.split('/')) {
      const child = this.sync.log.store.remote.child(current, step);
      if (child === undefined) throw new Error(`nothing at ${path}`);
      current = child.id;
    }
    return current;
  }

  /**
   * Everything in the folder but the pair's own: path to content (its hash where it is long), `/` for a folder,
   * `-> target` for a link.
   */
  files(): Record<string, string> {
    const found: Record<string, string> = {};
    const walk = (folder: string, prefix: string): void => {
      for (const name of readdirSync(folder).sort()) {
        if (prefix === '' && name === '.coffre') continue;
        const path = join(folder, name);
        const stat = lstatSync(path);
        if (stat.isSymbolicLink()) found[prefix + name] = `-> ${readlinkSync(path)}`;
        else if (stat.isDirectory()) {
          found[`${prefix}${name}/`] = '/';
          walk(path, `${prefix}${name}/`);
        } else found[prefix + name] = shown(readFileSync(path));
      }
    };
    walk(this.folder, '');
    return found;
  }

  /** In sync, or the test fails. */
  async settle(): Promise<void> {
    const outcome = await this.engine.wait(PATIENCE_MS, AbortSignal.timeout(PATIENCE_MS * 2));
    if (outcome !== 'in-sync') {
      const issues = this.engine.issues().map(({ code, path }) => `${code} ${path}`);
      throw new Error(`${outcome}: ${issues.join(', ')}`);
    }
  }

  /** Looks at the log as an engine does when it is told of a new head; null when it was taken. */
  async pull(): Promise<LogFaultCode | null> {
    try {
      await this.sync.log.pull();
      return null;
    } catch (error) {
      if (error instanceof LogFault) return error.code;
      throw error;
    }
  }

  /** A fresh scan and a fresh look at the log by the engine; the codes of the issues it then has. */
  async look(): Promise<string[]> {
    const outcome = await this.engine.wait(PATIENCE_MS, AbortSignal.timeout(PATIENCE_MS * 2));
    if (outcome === 'timeout') throw new Error('the engine came to no end');
    return this.issues();
  }

  /** A fault of the log with its own code. */
  issues(): string[] {
    return this.engine.issues().map(({ code, path }) => (code === 'log-fault' ? `${code} ${path}` : code));
  }

  /** Until the engine of its own accord has come to it. */
  async until(reached: () => boolean): Promise<void> {
    const deadline = AbortSignal.timeout(PATIENCE_MS);
    while (!reached()) {
      await new Promise<void>((resolve, reject) => {
        const late = (): void => {
          reject(new Error(`never came: ${this.issues().join(', ')}`));
        };
        deadline.addEventListener('abort', late);
        this.onChange(() => {
          deadline.removeEventListener('abort', late);
          resolve();
        });
      });
    }
  }

  /** Until the engine has raised an issue of its own accord. Returns the codes of all there are. */
  async alarmed(): Promise<string[]> {
    await this.until(() => this.engine.issues().length > 0);
    return this.issues();
  }

  /** What was given to the server since `from` requests ago: nothing, after an attack. */
  told(from: number): string[] {
    return this.line.asked.slice(from).filter((method) => TELLING.has(method));
  }

  override async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await super.stop();
  }
}

/** As `files` shows content. */
export function shown(content: Uint8Array): string {
  return content.length < 100 ? Buffer.from(content).toString('latin1') : `sha256 ${hashOf(content)}`;
}

/**
 * An account with a real server and devices that keep vaults without a folder: what a test writes goes through
 * real sealing, uploads and commits, and what it asks through the handlers of the control API.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CloudConfig } from '../../cloud/config.ts';
import {
  ROOT_NODE,
  TRASH_NODE,
  toHex,
  type NodeId,
  type PackName,
  type VaultId,
} from '../../protocol/ids.ts';
import type { OpenDevice } from '../../sync-engine/account/open-device.ts';
import { openVaultRing } from '../../sync-engine/account/vault-keys.ts';
import type { CallContext } from '../../sync-engine/control/facade.ts';
import { treeHandlers } from '../../sync-engine/control/tree-handlers.ts';
import type { NodeRecord } from '../../sync-engine/crypto/record.ts';
import { recordOf } from '../../sync-engine/engine/history.ts';
import { runHousekeeping, type HousekeepingOutcome } from '../../sync-engine/engine/housekeeper.ts';
import type { Clock, RandomSource } from '../../sync-engine/engine/ports.ts';
import { ABOVE_ROOT } from '../../sync-engine/engine/remote-apply.ts';
import type { TreeDevice } from '../../sync-engine/engine/tree-host.ts';
import { VaultSync } from '../../sync-engine/engine/vault-sync.ts';
import { NodeDisk } from '../../sync-engine/local-fs/node-disk.ts';
import type { Manifest, PairStore } from '../../sync-engine/manifest/manifest.ts';
import { openManifest } from '../../sync-engine/manifest/open.ts';
import { packBody } from '../../sync-engine/transfer/pack-body.ts';
import { createVaultTransfer } from '../../sync-engine/transfer/vault-transfer.ts';
import { InlineWorkers } from '../../sync-engine/workers/inline-workers.ts';
import { sealingWorkers } from '../../sync-engine/workers/sealing-workers.ts';
import { AccountWorld } from './account-world.ts';

const EMPTY: Omit<NodeRecord, 'parent' | 'name'> = {
  type: 'folder',
  mode: 0o755,
  mtimeUs: 0,
  size: 0,
  depth: 0,
  list: [],
  content: null,
};

export class TreeWorld {
  readonly account: AccountWorld;
  readonly folder: string;
  phrase = '';
  readonly #clock: { aheadMs: number };

  private constructor(account: AccountWorld, folder: string, clock: { aheadMs: number }) {
    this.account = account;
    this.folder = folder;
    this.#clock = clock;
  }

  /** By the clock that the server and every device share. */
  nowMs(): number {
    return Date.now() + this.#clock.aheadMs;
  }

  /** Lets time pass for all of them. Returns the time it then is. */
  pass(ms: number): number {
    this.#clock.aheadMs += ms;
    return this.nowMs();
  }

  static async start(config: Partial<CloudConfig> = {}): Promise<TreeWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'coffre-tree-'));
    const clock = { aheadMs: 0 };
    const account = await AccountWorld.start({ now: () => Date.now() + clock.aheadMs, ...config });
    return new TreeWorld(account, folder, clock);
  }

  async close(): Promise<void> {
    await this.account.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  async first(): Promise<TreeUser> {
    const { device, phrase } = await this.account.signup();
    this.phrase = phrase;
    return TreeUser.start(this, device);
  }

  async another(): Promise<TreeUser> {
    const user = await TreeUser.start(this, await this.account.login({ deviceName: 'Laptop' }));
    await user.join();
    return user;
  }
}

/** A person at one device. */
export class TreeUser {
  readonly world: TreeWorld;
  readonly device: OpenDevice;
  readonly manifest: Manifest = openManifest(':memory:', { synchronous: 'off' });
  readonly disk = new NodeDisk();
  readonly workers = new InlineWorkers(this.disk);
  readonly vaults: VaultSync[] = [];
  readonly pairs: { readonly vault: VaultSync; readonly pair: PairStore }[] = [];
  readonly running: TreeDevice;
  readonly handlers: ReturnType<typeof treeHandlers>;
  readonly context: CallContext;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly home: string;
  #files = 0;

  private constructor(world: TreeWorld, device: OpenDevice, home: string) {
    this.world = world;
    this.device = device;
    this.home = home;
    this.clock = {
      nowMs: () => world.nowMs(),
      monotonicMs: () => performance.now(),
      sleep: () => Promise.resolve(),
    };
    this.random = { bytes: (size) => Uint8Array.from(randomBytes(size)), fraction: () => Math.random() };
    this.context = { signal: new AbortController().signal, progress: () => undefined };
    this.running = {
      device,
      manifest: this.manifest,
      disk: this.disk,
      workers: this.workers,
      engine: {
        vaults: () => this.vaults,
        pairs: () => this.pairs,
        followVault: async (vault) => {
          const sync = this.vaults.find((one) => one.vault === vault) ?? this.#follow(vault);
          await sync.log.pull();
          return sync;
        },
      },
    };
    this.handlers = treeHandlers({
      running: () => this.running,
      tools: { ...world.account.tools, nowMs: () => world.nowMs() },
      home: { path: home },
    });
  }

  static async start(world: TreeWorld, device: OpenDevice): Promise<TreeUser> {
    const home = await mkdtemp(join(world.folder, 'home-'));
    return new TreeUser(world, device, home);
  }

  get cloud() {
    return this.device.connection.cloud;
  }

  get vault(): VaultSync {
    const [vault] = this.vaults;
    if (vault === undefined) throw new Error('the test made no vault');
    return vault;
  }

  async join(): Promise<void> {
    await this.device.followChain();
    for (const { vault } of await this.cloud.vaults()) {
      if (!this.device.vaultKeys(vault).has(0)) {
        const epochs = await this.cloud.epochs(vault);
        const { boxSecret, device } = this.device;
        const ring = openVaultRing(vault, epochs, this.device.chain(), boxSecret, device);
        if (!ring.ok) throw new Error(ring.fault);
        for (const { epoch, key } of ring.keys) await this.device.keepEpochKey(vault, epoch, key);
      }
      const sync = this.vaults.find((one) => one.vault === vault) ?? this.#follow(vault);
      await sync.log.pull();
    }
  }

  /** Called in the transaction that changed nodes of a vault. */
  onChanged: () => void = () => undefined;

  #follow(vault: VaultId): VaultSync {
    const { manifest, cloud, device, clock, random, workers } = this;
    const store = manifest.addVault(vault);
    const sync: VaultSync = new VaultSync({
      vault,
      manifest,
      cloud,
      identity: device,
      clock,
      random,
      transfer: createVaultTransfer({
        vault,
        keys: () => device.vaultKeys(vault),
        epoch: () => store.cursor().epoch,
        workers: sealingWorkers(workers),
        cloud,
        locate: (chunk) => store.locate(chunk),
      }),
      body: (bytes) => packBody(bytes),
      hooks: {
        changed: () => this.onChanged(),
        faults: (_, faults) => {
          throw new Error(`the tree has a fault: ${JSON.stringify(faults)}`);
        },
        rewinding: () => () => undefined,
        chainMoved: () => undefined,
        quota: () => undefined,
        sent: () => undefined,
        failed: (_, error) => {
          throw error;
        },
        retryUpload: (error) => Promise.reject(error),
        isFull: () => false,
        busy: () => false,
      },
    });
    this.vaults.push(sync);
    return sync;
  }

  async makeVault(name = 'Files'): Promise<VaultSync> {
    const sync = this.#follow(toHex(randomBytes(16)) as VaultId);
    await this.#commit(sync, [{ node: ROOT_NODE, record: { ...EMPTY, parent: ABOVE_ROOT, name } }]);
    return sync;
  }

  async #commit(
    sync: VaultSync,
    nodes: readonly { node: NodeId; record: NodeRecord | null }[],
  ): Promise<void> {
    const { store } = sync.log;
    const added = store.packs('uploaded').map((row) => ({ row, inline: null }));
    const outcome = await sync.log.commit({ nodes, added, revived: [], dropped: [] });
    if (outcome.kind !== 'committed') throw new Error(outcome.kind);
  }

  node(path: string): NodeId {
    let current: NodeId = ROOT_NODE;
    for (const step of path.split('/').filter((part) => part !== '')) {
      const child = this.vault.log.store.remote.child(current, step);
      if (child === undefined) throw new Error(`nothing at ${path}`);
      current = child.id;
    }
    return current;
  }

  /** Makes or changes a file; folders above it are made. */
  async write(
    path: string,
    bytes: Uint8Array | string,
    as: { link?: boolean; mode?: number } = {},
  ): Promise<NodeId> {
    const steps = path.split('/').filter((part) => part !== '');
    const name = steps.pop() ?? '';
    const parent = await this.makeFolder(steps.join('/'));
    const sync = this.vault;
    const known = sync.log.store.remote.child(parent, name);
    const node = known?.id ?? (toHex(randomBytes(16)) as NodeId);
    this.#files += 1;
    const source = join(this.home, `source-${this.#files}`);
    await writeFile(source, bytes);
    const packs: PackName[] = [];
    const { signal } = this.context;
    const [result] = await sync.transfer.ingest(
      [{ id: node, path: source, type: 'file' }],
      {
        known: (chunks) => Promise.resolve(chunks.map((id) => sync.log.store.packHolding(id) !== undefined)),
        pack: async (pack) => {
          sync.uploads.record(pack);
          packs.push(pack.name);
          await sync.uploads.send(pack, signal);
        },
      },
      signal,
    );
    for (const pack of packs) if (!(await sync.uploads.acknowledged(pack))) throw new Error('not uploaded');
    if (result?.ok !== true) throw new Error('the file was not read');
    const { id: content, size, depth, list } = result.content;
    const { link = false, mode = 0o644 } = as;
    const mtimeUs = link ? 0 : result.stat.mtimeUs;
    const type = link ? 'symlink' : 'file';
    const record: NodeRecord = {
      parent,
      name,
      type,
      mode: link ? 0o777 : mode,
      mtimeUs,
      size,
      depth,
      list,
      content,
    };
    await this.#commit(sync, [{ node, record }]);
    return node;
  }

  async makeFolder(path: string): Promise<NodeId> {
    let parent: NodeId = ROOT_NODE;
    for (const name of path.split('/').filter((part) => part !== '')) {
      const child = this.vault.log.store.remote.child(parent, name);
      const node = child?.id ?? (toHex(randomBytes(16)) as NodeId);
      if (child === undefined) await this.#commit(this.vault, [{ node, record: { ...EMPTY, parent, name } }]);
      parent = node;
    }
    return parent;
  }

  async move(path: string, to: { parent?: NodeId; name?: string }): Promise<void> {
    const { log } = this.vault;
    const node = log.store.remote.get(this.node(path));
    if (node === undefined) throw new Error(`nothing at ${path}`);
    await this.#commit(this.vault, [{ node: node.id, record: recordOf(log, node, to) }]);
  }

  async delete(path: string): Promise<NodeId> {
    const node = this.node(path);
    await this.move(path, { parent: TRASH_NODE });
    return node;
  }

  /** The content of a file as the account holds it, fetched anew. */
  async read(path: string): Promise<Buffer> {
    const { log, transfer } = this.vault;
    const node = log.store.remote.get(this.node(path));
    const content = node?.content ? log.store.content(node.content) : undefined;
    if (node === undefined || content === undefined) throw new Error(`no file at ${path}`);
    this.#files += 1;
    const stagingPath = join(this.home, `read-${this.#files}`);
    const failures: string[] = [];
    await transfer.fetch(
      [{ id: node.id, content, stagingPath }],
      (result) => {
        if (!result.ok) failures.push(result.why);
      },
      this.context.signal,
    );
    if (failures[0] !== undefined) throw new Error(failures[0]);
    const handle = this.disk.open(stagingPath, 'read');
    const bytes = Buffer.alloc(content.size);
    this.disk.read(handle, bytes, 0);
    this.disk.close(handle);
    return bytes;
  }

  keepHouse(given: { nearlyFull?: boolean } = {}): Promise<HousekeepingOutcome> {
    const { cloud, device, manifest, clock, random } = this;
    return runHousekeeping({
      vaultSync: this.vault,
      cloud,
      device,
      manifest,
      clock,
      random,
      signal: this.context.signal,
      nearlyFull: given.nearlyFull ?? false,
    });
  }
}

/** The engine of an unlocked device: opens the manifest, makes the real ports, and keeps what surrounds them. */
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { PersonError } from '../../protocol/errors.ts';
import { ROOT_NODE, TRASH_NODE, toHex, type VaultId } from '../../protocol/ids.ts';
import type { AccountAnswer } from '../../protocol/cloud.ts';
import { patientCloud } from '../account/patient-cloud.ts';
import type { ChainNews } from '../account/chain-follow.ts';
import type { Home } from '../account/home.ts';
import type { OpenDevice } from '../account/open-device.ts';
import { openVaultRing } from '../account/vault-keys.ts';
import type { Clock, RandomSource } from '../engine/ports.ts';
import { ABOVE_ROOT } from '../engine/remote-apply.ts';
import { folderTotals } from '../engine/folder-totals.ts';
import { keepVaults } from '../engine/keep-vaults.ts';
import type { PairRecord } from '../engine/engine-parts.ts';
import { SyncEngine } from '../engine/sync-engine.ts';
import type { VaultSync } from '../engine/vault-sync.ts';
import { NodeDisk } from '../local-fs/node-disk.ts';
import { pruneTrash } from '../local-fs/local-trash.ts';
import { DiskError } from '../local-fs/disk.ts';
import { ChokidarWatcher } from '../local-fs/chokidar-watcher.ts';
import { FolderWatcher } from '../local-fs/folder-watcher.ts';
import { ManifestDamagedError, setAsideDamaged } from '../manifest/damage.ts';
import { openManifest } from '../manifest/open.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { CloudError } from '../remote/cloud.ts';
import { WorkerPool } from '../workers/worker-pool.ts';
import { DAY_MS } from '../../protocol/limits.ts';
import { IdleHeap } from '../workers/idle-heap.ts';
import { thisBoot } from './boot.ts';
import { addIgnoreRule } from './ignore-file.ts';
import { forgetPairs, MANIFEST_FILE, readPairs, writePairs } from './pair-file.ts';
import type { SettingsFile } from './settings.ts';

const realClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      await delay(Math.min(ms, 2_000_000_000), undefined, signal === undefined ? {} : { signal });
    } catch {
      // Aborted: the sleep is over.
    }
  },
};

const realRandom: RandomSource = {
  bytes: (size) => Uint8Array.from(randomBytes(size)),
  fraction: () => Math.random(),
};

export interface RunningHooks {
  readonly changed: (what: 'status' | 'issues' | 'activity') => void;
  readonly signedOut: () => void;
  readonly notice: (code: string, message: string) => void;
}

/** In the manifest: the device it is of. */
const OWNER = 'device';
/** What the account holds is asked again after changes, and at least this often. */
const QUOTA_MS = 60_000;
const TRASH_MS = 60_000;
const LOOK_MS = 5000;
const HOUR_MS = 60 * 60_000;
/** After a start other things come first. */
const FIRST_HOUSEKEEPING_MS = 10 * 60_000;

export class RunningDevice {
  readonly device: OpenDevice;
  readonly engine: SyncEngine;
  readonly manifest: Manifest;
  readonly disk = new NodeDisk();
  readonly workers: WorkerPool;
  readonly #home: Home;
  readonly #settings: SettingsFile;
  readonly #stop = new AbortController();
  readonly #hooks: RunningHooks;
  #pairs: PairRecord[];
  #account: AccountAnswer | null = null;
  #trashBytes: number | null = null;
  #trashCountedMs = Number.NEGATIVE_INFINITY;
  #timers: Promise<void> = Promise.resolve();

  private constructor(parts: {
    device: OpenDevice;
    manifest: Manifest;
    home: Home;
    pairs: PairRecord[];
    settings: SettingsFile;
    hooks: RunningHooks;
    rebuilt: boolean;
  }) {
    const { device, manifest, home, pairs, settings, hooks } = parts;
    this.device = device;
    this.manifest = manifest;
    this.#home = home;
    this.#pairs = pairs;
    this.#settings = settings;
    this.#hooks = hooks;
    this.workers = new WorkerPool({ keepFirst: true });
    this.engine = new SyncEngine({
      manifest,
      // Asked each time: the connection is another one after signing in anew.
      cloud: forwarding(() => device.connection.cloud),
      identity: device,
      workers: this.workers,
      disk: this.disk,
      clock: realClock,
      random: realRandom,
      boot: thisBoot(),
      ahead: home.aheadPath,
      watch: () => (process.platform === 'linux' ? new FolderWatcher() : new ChokidarWatcher()),
      pairs,
      settings: {
        uploadLimit: settings.number('upload-limit') || null,
        downloadLimit: settings.number('download-limit') || null,
        scanIntervalMs: settings.number('scan-interval') * 1000,
      },
      addIgnoreRule,
      joinVaults: () => this.joinVaults(),
      hooks: {
        changed: hooks.changed,
        signedOut: hooks.signedOut,
        pairRemoved: (id) => this.#forgetPair(id),
      },
    });
    if (parts.rebuilt) this.engine.raise(null, null, 'manifest-rebuilt', '');
  }

  static async start(
    home: Home,
    device: OpenDevice,
    settings: SettingsFile,
    hooks: RunningHooks,
  ): Promise<RunningDevice> {
    let pairs = await readPairs(home);
    const path = join(home.path, MANIFEST_FILE);
    let manifest: Manifest;
    let rebuilt = false;
    try {
      manifest = openManifest(path);
    } catch (error) {
      if (!(error instanceof ManifestDamagedError)) throw error;
      setAsideDamaged(path);
      manifest = openManifest(path);
      rebuilt = true;
    }
    const owner = manifest.meta(OWNER);
    if (owner !== null && owner !== device.device) {
      // A new identity was written down, and a stop came before what the old one had was forgotten.
      manifest.close();
      await forgetPairs(home);
      manifest = openManifest(path);
      pairs = [];
    }
    if (owner !== device.device) manifest.setMeta(OWNER, device.device);
    const running = new RunningDevice({ device, manifest, home, pairs, settings, hooks, rebuilt });
    await running.engine.start();
    running.#timers = running.#keepHouse();
    return running;
  }

  /** Ends syncing in good order; the device stays open for what comes after. */
  async stopSyncing(): Promise<void> {
    this.#stop.abort(new Error('the engine stops'));
    await this.engine.stop();
    await this.workers.close();
    await this.#timers;
    this.manifest.close();
  }

  async stop(): Promise<void> {
    await this.stopSyncing();
    await this.device.close();
  }

  announce(news: readonly ChainNews[]): void {
    for (const item of news) {
      switch (item.kind) {
        case 'device-added':
          if (item.device === this.device.device) break;
          this.#hooks.notice(
            'device-added',
            `A new device joined your account: ${this.device.nameOf(item.device) ?? item.device}. If this was not you, revoke it.`,
          );
          break;
        case 'device-revoked':
          this.#hooks.notice(
            'device-revoked',
            `A device was removed from your account: ${this.device.nameOf(item.device) ?? item.device}.`,
          );
          break;
        case 'log-voided':
          this.#hooks.notice('log-voided', 'A vault was set back to an older state by your decision.');
          break;
        case 'recovered':
          this.#hooks.notice('recovered', 'Your account was opened with the recovery phrase.');
          break;
        case 'phrase-renewed':
          this.#hooks.notice(
            'phrase-renewed',
            'Your account has new recovery words; the ones before open nothing. If this was not you, change your password.',
          );
          break;
        case 'password-changed':
          this.#hooks.notice('password-changed', 'The password of your account was changed.');
          break;
      }
    }
  }

  // Quota and the other things that are looked at now and then.

  get account(): AccountAnswer | null {
    return this.#account;
  }

  /** What lies in the trash of all vaults, by the sizes of its files; null until it was counted. */
  get trashBytes(): number | null {
    return this.#trashBytes;
  }

  async refreshAccount({ recount = false } = {}): Promise<AccountAnswer> {
    const { connection, tools } = this.device;
    const account = await patientCloud(connection.cloud, tools).account();
    this.#account = account;
    // While much is committed this is asked every few seconds, and a large trash takes a while to count.
    const nowMs = realClock.monotonicMs();
    if (recount || nowMs - this.#trashCountedMs > TRASH_MS) {
      this.#trashCountedMs = nowMs;
      this.#trashBytes = Math.min(await this.#countTrash(), account.quota.liveBytes);
    }
    this.engine.heardQuota(account.quota.usedBytes, account.quota.limitBytes);
    this.#hooks.changed('status');
    return account;
  }

  async #countTrash(): Promise<number> {
    const { signal } = this.#stop;
    let bytes = 0;
    try {
      for (const { log } of this.engine.vaults()) {
        bytes += (await folderTotals(log.store, [TRASH_NODE], signal)).get(TRASH_NODE)?.bytes ?? 0;
      }
    } catch (error) {
      if (!signal.aborted) throw error; // the engine stops, and nobody reads the number any more
    }
    return bytes;
  }

  async #keepHouse(): Promise<void> {
    const { signal } = this.#stop;
    const startedMs = realClock.monotonicMs();
    let prunedMs = Number.NEGATIVE_INFINITY;
    let keptMs = startedMs - DAY_MS + FIRST_HOUSEKEEPING_MS;
    let askedMs = Number.NEGATIVE_INFINITY;
    let askedAtSeq = -1;
    let wasIdle = false;
    const heap = new IdleHeap();
    let tidiedUp = 0;
    while (!signal.aborted) {
      const nowMs = realClock.monotonicMs();
      const seq = this.engine.vaults().reduce((sum, vault) => sum + vault.log.cursor().seq, 0);
      if (this.engine.isOnline && (seq !== askedAtSeq || nowMs - askedMs > QUOTA_MS)) {
        try {
          await this.refreshAccount();
          askedMs = nowMs;
          askedAtSeq = seq;
        } catch (error) {
          if (!(error instanceof CloudError)) throw error; // the connection says so itself
        }
      }
      if (nowMs - prunedMs > DAY_MS) {
        this.#pruneTrash();
        prunedMs = nowMs;
      }
      if (nowMs - keptMs > DAY_MS && this.engine.state() === 'idle') {
        const isIdle = (): boolean => this.engine.state() === 'idle';
        const kept = await keepVaults(this, { clock: realClock, random: realRandom, signal, isIdle });
        // What could not be done now is tried again within the hour.
        keptMs = realClock.monotonicMs() - (kept ? 0 : DAY_MS - HOUR_MS);
      }
      const isIdle = this.engine.state() === 'idle';
      if (isIdle && wasIdle) {
        // Packs that went up since were in memory shared with the workers.
        const up = this.engine.counters()['bytesUp'] ?? 0;
        if (heap.tidy(up - tidiedUp)) tidiedUp = up;
      }
      wasIdle = isIdle;
      await realClock.sleep(this.#account === null ? 500 : LOOK_MS, signal);
    }
  }

  #pruneTrash(): void {
    const limits = {
      maxAgeMs: this.#settings.number('local-trash-days') * DAY_MS,
      maxBytes: this.#settings.number('local-trash-bytes'),
    };
    for (const { config } of this.#pairs) {
      try {
        pruneTrash(this.disk, config.folder, limits, realClock.nowMs());
      } catch (error) {
        if (!(error instanceof DiskError)) throw error; // the pair has an issue of its own then
      }
    }
  }

  // Vaults and pairs.

  /** Takes the keys of vaults that another device made since, and follows every vault of the account. */
  async joinVaults(): Promise<void> {
    const { device, engine } = this;
    const { cloud } = device.connection;
    for (const { vault } of await cloud.vaults()) {
      if (engine.vaults().some((known) => known.vault === vault)) continue;
      if (!device.vaultKeys(vault).has(0)) {
        const ring = openVaultRing(
          vault,
          await cloud.epochs(vault),
          device.chain(),
          device.boxSecret,
          device.device,
        );
        if (!ring.ok) continue; // of a device that was revoked, or made before this one: never half-opened
        for (const { epoch, key } of ring.keys) await device.keepEpochKey(vault, epoch, key);
      }
      await engine.followVault(vault);
    }
  }

  /** A new vault of that name. @throws CloudError */
  async makeVault(name: string): Promise<VaultSync> {
    const vault = toHex(realRandom.bytes(16)) as VaultId;
    const sync = await this.engine.followVault(vault);
    const outcome = await sync.log.commit({
      nodes: [
        {
          node: ROOT_NODE,
          record: {
            parent: ABOVE_ROOT,
            name,
            type: 'folder',
            mode: 0o755,
            mtimeUs: 0,
            size: 0,
            depth: 0,
            list: [],
            content: null,
          },
        },
      ],
      added: [],
      revived: [],
      dropped: [],
    });
    if (outcome.kind === 'committed') return sync;
    if (outcome.kind === 'quota') {
      throw new PersonError('quota', 'your storage is full', 'Free some space, or empty the trash.');
    }
    throw new PersonError('failed', 'the server did not take the new vault', 'Try again.');
  }

  get pairs(): readonly PairRecord[] {
    return this.#pairs;
  }

  async addPair(folder: string, vault: VaultSync, bound: PairRecord['config']['bound']): Promise<PairRecord> {
    const id = toHex(realRandom.bytes(8));
    const record: PairRecord = {
      config: { id, folder, vault: vault.vault, bound },
      marker: {
        version: 1,
        pair: id,
        account: this.device.account,
        device: this.device.device,
        random: toHex(realRandom.bytes(16)),
      },
    };
    // The engine makes the marker first; only what has one is remembered.
    this.engine.addPair(record);
    this.#pairs = [...this.#pairs, record];
    await writePairs(this.#home, this.#pairs);
    return record;
  }

  async #forgetPair(id: string): Promise<void> {
    this.#pairs = this.#pairs.filter((record) => record.config.id !== id);
    await writePairs(this.#home, this.#pairs);
  }
}

/** An object whose methods are those of whatever `current` answers at the time of the call. */
function forwarding<T extends object>(current: () => T): T {
  return new Proxy({} as T, {
    get: (_, name) => {
      const target = current();
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}

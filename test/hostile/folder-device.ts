/** A device with a real folder, manifest and engine, over any line to a server: all of it but its home. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { ROOT_NODE, toHex, type AccountId, type DeviceId, type VaultId } from '../../protocol/ids.ts';
import type { NodeRecord } from '../../sync-engine/crypto/record.ts';
import type { Clock, RandomSource } from '../../sync-engine/engine/ports.ts';
import { ABOVE_ROOT } from '../../sync-engine/engine/remote-apply.ts';
import { SyncEngine } from '../../sync-engine/engine/sync-engine.ts';
import { NodeDisk } from '../../sync-engine/local-fs/node-disk.ts';
import { createMarker, makePairFolders } from '../../sync-engine/local-fs/root-marker.ts';
import type { Manifest } from '../../sync-engine/manifest/manifest.ts';
import { openManifest } from '../../sync-engine/manifest/open.ts';
import { InlineWorkers } from '../../sync-engine/workers/inline-workers.ts';

export const CLOCK: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  },
};
export const RANDOM: RandomSource = {
  bytes: (size) => Uint8Array.from(randomBytes(size)),
  fraction: () => Math.random(),
};

export const FOLDER: Omit<NodeRecord, 'parent' | 'name'> = {
  type: 'folder',
  mode: 0o755,
  mtimeUs: 0,
  size: 0,
  depth: 0,
  list: [],
  content: null,
};

type EnginePorts = ConstructorParameters<typeof SyncEngine>[0];

export interface FolderDeviceParts extends Pick<EnginePorts, 'cloud' | 'identity' | 'clock'> {
  readonly folder: string;
  readonly keys: { readonly account: AccountId; readonly device: DeviceId };
}

export class FolderDevice {
  readonly manifest: Manifest = openManifest(':memory:', { synchronous: 'off' });
  readonly disk = new NodeDisk();
  readonly workers = new InlineWorkers(this.disk);
  readonly engine: SyncEngine;
  readonly folder: string;
  readonly #keys: FolderDeviceParts['keys'];
  #changed: (() => void)[] = [];

  constructor({ cloud, identity, clock, folder, keys }: FolderDeviceParts) {
    this.folder = folder;
    this.#keys = keys;
    mkdirSync(folder, { recursive: true });
    this.engine = new SyncEngine({
      manifest: this.manifest,
      cloud,
      identity,
      workers: this.workers,
      disk: this.disk,
      clock,
      random: RANDOM,
      boot: 'one',
      ahead: `${folder}.ahead`,
      // Every wait scans the whole folder: no hint is needed.
      watch: () => ({ start: () => Promise.resolve(), close: () => Promise.resolve() }),
      pairs: [],
      settings: { uploadLimit: null, downloadLimit: null, scanIntervalMs: 3_600_000 },
      addIgnoreRule: () => Promise.resolve(),
      joinVaults: () => Promise.resolve(),
      hooks: {
        changed: () => {
          const waiting = this.#changed;
          this.#changed = [];
          for (const go of waiting) go();
        },
        signedOut: () => undefined,
        pairRemoved: () => Promise.resolve(),
      },
    });
  }

  /** Calls back once, at the next change of the engine. */
  onChange(go: () => void): void {
    this.#changed.push(go);
  }

  async makeVault(vault: VaultId): Promise<void> {
    const sync = await this.engine.followVault(vault);
    const nodes = [{ node: ROOT_NODE, record: { ...FOLDER, parent: ABOVE_ROOT, name: 'Files' } }];
    const outcome = await sync.log.commit({ nodes, added: [], revived: [], dropped: [] });
    if (outcome.kind !== 'committed') throw new Error(outcome.kind);
  }

  bind(vault: VaultId): void {
    const id = toHex(randomBytes(8));
    const { account, device } = this.#keys;
    const marker = { version: 1, pair: id, account, device, random: toHex(randomBytes(16)) } as const;
    makePairFolders(this.disk, this.folder);
    createMarker(this.disk, this.folder, marker);
    this.engine.addPair({ config: { id, folder: this.folder, vault, bound: ROOT_NODE }, marker });
  }

  write(path: string, content: string | Uint8Array): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), content);
  }

  remove(path: string): void {
    rmSync(join(this.folder, path), { recursive: true });
  }

  async stop(): Promise<void> {
    await this.engine.stop();
    await this.workers.close();
    this.manifest.close();
  }
}

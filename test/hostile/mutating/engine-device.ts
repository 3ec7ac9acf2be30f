/** A whole engine with a real folder over the real HTTP client, on an account of a real server. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ROOT_NODE, toHex, type VaultId } from '../../../protocol/ids.ts';
import type { OpenDevice } from '../../../sync-engine/account/open-device.ts';
import type { Clock, RandomSource } from '../../../sync-engine/engine/ports.ts';
import { ABOVE_ROOT } from '../../../sync-engine/engine/remote-apply.ts';
import { SyncEngine } from '../../../sync-engine/engine/sync-engine.ts';
import { NodeDisk } from '../../../sync-engine/local-fs/node-disk.ts';
import { createMarker, makePairFolders } from '../../../sync-engine/local-fs/root-marker.ts';
import { openManifest } from '../../../sync-engine/manifest/open.ts';
import { InlineWorkers } from '../../../sync-engine/workers/inline-workers.ts';
import { FOLDER } from '../hostile-world.ts';

/** Waits are short: what they are for is tested elsewhere. */
const MOST_SLEEP_MS = 100;
const CLOCK: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    const options = signal === undefined ? {} : { signal };
    await delay(Math.min(ms, MOST_SLEEP_MS), undefined, options).catch(() => undefined);
  },
};
const RANDOM: RandomSource = {
  bytes: (size) => Uint8Array.from(randomBytes(size)),
  fraction: () => Math.random(),
};
/** Nothing in a test may hang. */
const PATIENCE_MS = 30_000;

export class EngineDevice {
  readonly engine: SyncEngine;
  readonly folder: string;
  readonly #device: OpenDevice;
  readonly #manifest = openManifest(':memory:', { synchronous: 'off' });
  readonly #disk = new NodeDisk();
  readonly #workers = new InlineWorkers(this.#disk);
  #changed: (() => void)[] = [];

  constructor(device: OpenDevice, folder: string) {
    this.#device = device;
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    this.engine = new SyncEngine({
      manifest: this.#manifest,
      cloud: device.connection.cloud,
      identity: device,
      workers: this.#workers,
      disk: this.#disk,
      clock: CLOCK,
      random: RANDOM,
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

  async makeVault(): Promise<VaultId> {
    const vault = toHex(randomBytes(16)) as VaultId;
    const sync = await this.engine.followVault(vault);
    const nodes = [{ node: ROOT_NODE, record: { ...FOLDER, parent: ABOVE_ROOT, name: 'Files' } }];
    const outcome = await sync.log.commit({ nodes, added: [], revived: [], dropped: [] });
    if (outcome.kind !== 'committed') throw new Error(outcome.kind);
    return vault;
  }

  bind(vault: VaultId): void {
    const id = toHex(randomBytes(8));
    const { account, device } = this.#device;
    const marker = { version: 1, pair: id, account, device, random: toHex(randomBytes(16)) } as const;
    makePairFolders(this.#disk, this.folder);
    createMarker(this.#disk, this.folder, marker);
    this.engine.addPair({ config: { id, folder: this.folder, vault, bound: ROOT_NODE }, marker });
  }

  write(path: string, content: string | Uint8Array): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), content);
  }

  remove(path: string): void {
    rmSync(join(this.folder, path), { recursive: true });
  }

  /** Path to content of every file but the pair's own. */
  files(): Record<string, string> {
    const found: Record<string, string> = {};
    for (const entry of readdirSync(this.folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name).slice(this.folder.length + 1);
      if (entry.isFile() && !path.startsWith('.coffre'))
        found[path] = readFileSync(join(this.folder, path), 'latin1');
    }
    return Object.fromEntries(Object.entries(found).sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  /** The codes of its issues. */
  issues(): string[] {
    return this.engine.issues().map(({ code, path }) => `${code} ${path}`.trim());
  }

  /** A person says of every issue that it be tried again. */
  async tryAgain(): Promise<void> {
    for (const { id } of this.engine.issues())
      await this.engine.resolveIssue(id, 'retry').catch(() => undefined);
  }

  async settle(): Promise<void> {
    const outcome = await this.engine.wait(PATIENCE_MS, AbortSignal.timeout(PATIENCE_MS * 2));
    if (outcome !== 'in-sync') throw new Error(`${outcome}: ${this.issues().join(', ')}`);
  }

  /** Until what changes by itself has come to it; something changes at the least with every retry. */
  async until(reached: () => boolean): Promise<void> {
    const deadline = AbortSignal.timeout(PATIENCE_MS);
    while (!reached()) {
      if (deadline.aborted) throw new Error(`it hangs: ${this.engine.state()} ${this.issues().join(', ')}`);
      await Promise.race([
        new Promise<void>((resolve) => this.#changed.push(resolve)),
        delay(50), // some of what is waited for is the proxy's
      ]);
    }
  }

  async stop(): Promise<void> {
    await this.engine.stop();
    await this.#workers.close();
    this.#manifest.close();
  }
}

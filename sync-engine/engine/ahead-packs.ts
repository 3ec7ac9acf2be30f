/**
 * Packs that another device has in the account before the file they belong to: a large file crosses both lines at
 * the same time then, not one after the other. They are kept as they came, sealed, beside the manifest, and verified
 * when they are opened, as what comes from the server is. Nothing depends on them: what is not here is fetched.
 */
import type { PackEntry } from '../../protocol/commit.ts';
import type { PackName, VaultId } from '../../protocol/ids.ts';
import { MIB } from '../../protocol/limits.ts';
import { DiskError, type Disk } from '../local-fs/disk.ts';
import { unlessDiskFails } from '../local-fs/displace.ts';
import { CloudError, type Cloud } from '../remote/cloud.ts';
import type { Bandwidth } from '../transfer/bandwidth.ts';
import type { Clock } from './ports.ts';

/** What is kept at most; of a larger file the rest is fetched when the file is known. */
const MAX_BYTES = 1024 * MIB;
/** Room that is left to the person, beside what the file itself takes. */
const FREE_BYTES = 4096 * MIB;
const LANES = 2;
/** Nobody asked for them: the file was given up, or is not wanted here. */
const KEPT_MS = 5 * 60_000;
/** The rest of a pack is padding, or what a file of before has already. */
const MOST_OF_IT = 0.95;

export interface AheadPacksParts {
  readonly vault: VaultId;
  readonly cloud: Pick<Cloud, 'getPack'>;
  readonly disk: Disk;
  /** An absolute path, for these alone; made when it is needed. */
  readonly folder: string;
  readonly clock: Clock;
  readonly down: Bandwidth;
  readonly signal: AbortSignal;
  /** Whether all that comes into the vault is wanted here, now. */
  readonly isWanted: () => boolean;
  /** Bytes that came from the account. */
  readonly received: (bytes: number) => void;
  readonly crashed: (error: unknown) => void;
}

interface Ahead {
  readonly size: number;
  /** Resolves when it is here, or is not to come. Null before it was begun. */
  coming: Promise<void> | null;
  isHere: boolean;
  /** Where reads began that were answered: once each, for a second read means that the first did not hold. */
  readonly read: Set<number>;
  readBytes: number;
}

export class AheadPacks {
  readonly #parts: AheadPacksParts;
  readonly #packs = new Map<PackName, Ahead>();
  #lanes = 0;
  #lastCameMs = 0;
  #isClearing = false;

  constructor(parts: AheadPacksParts) {
    this.#parts = parts;
  }

  /** Added to the account by another device, in a commit without a file. */
  came(packs: readonly PackEntry[]): void {
    const { clock, isWanted } = this.#parts;
    if (!isWanted()) return;
    let bytes = [...this.#packs.values()].reduce((sum, { size }) => sum + size, 0);
    for (const { name, size } of packs) {
      if (this.#packs.has(name) || bytes + size > MAX_BYTES) continue;
      bytes += size;
      this.#packs.set(name, { size, coming: null, isHere: false, read: new Set(), readBytes: 0 });
    }
    this.#lastCameMs = clock.monotonicMs();
    this.#pump();
    this.#clearInTime().catch(this.#parts.crashed);
  }

  /** Bytes [start, end) of a pack, fewer where it ends before; null when they are not to be had here. */
  async range(name: PackName, start: number, end: number): Promise<Uint8Array | null> {
    const pack = this.#packs.get(name);
    if (pack === undefined) return null;
    if (pack.coming === null || pack.read.has(start)) {
      this.#drop(name);
      return null;
    }
    await pack.coming;
    if (!pack.isHere) return null;
    pack.read.add(start);
    const bytes = this.#read(name, start, Math.min(end, pack.size));
    pack.readBytes += bytes?.length ?? 0;
    if (bytes === null || pack.readBytes >= pack.size * MOST_OF_IT) this.#drop(name);
    return bytes;
  }

  #pump(): void {
    const { signal, isWanted, crashed } = this.#parts;
    for (const [name, pack] of this.#packs) {
      if (this.#lanes >= LANES || signal.aborted || !isWanted()) return;
      if (pack.coming !== null) continue;
      this.#lanes += 1;
      pack.coming = this.#bring(name, pack)
        .catch((error: unknown) => {
          if (signal.aborted) return;
          // The file's own fetch will meet the same, and tells.
          if (error instanceof CloudError || error instanceof DiskError) this.#drop(name);
          else crashed(error);
        })
        .finally(() => {
          this.#lanes -= 1;
          this.#pump();
        });
    }
  }

  /** @throws CloudError, DiskError */
  async #bring(name: PackName, pack: Ahead): Promise<void> {
    const { cloud, vault, disk, folder, down, received, signal } = this.#parts;
    await down.take(pack.size, signal);
    signal.throwIfAborted();
    const bytes = await cloud.getPack(vault, name, 0, pack.size, signal);
    received(bytes.length);
    if (signal.aborted || this.#packs.get(name) !== pack || bytes.length !== pack.size) return;
    if (disk.lstat(folder) === null) disk.makeFolder(folder, 0o700);
    if (disk.freeBytes(folder) < FREE_BYTES) return;
    const handle = disk.open(this.#path(name), 'create');
    try {
      disk.write(handle, bytes, 0);
    } finally {
      disk.close(handle);
    }
    pack.isHere = true;
  }

  #read(name: PackName, start: number, end: number): Uint8Array | null {
    const { disk } = this.#parts;
    try {
      const handle = disk.open(this.#path(name), 'read');
      try {
        const bytes = new Uint8Array(end - start);
        return disk.read(handle, bytes, start) === bytes.length ? bytes : null;
      } finally {
        disk.close(handle);
      }
    } catch (cause) {
      if (cause instanceof DiskError) return null;
      throw cause;
    }
  }

  #drop(name: PackName): void {
    this.#packs.delete(name);
    unlessDiskFails(() => {
      const path = this.#path(name);
      if (this.#parts.disk.lstat(path) !== null) this.#parts.disk.removeFile(path);
    });
  }

  async #clearInTime(): Promise<void> {
    if (this.#isClearing) return;
    this.#isClearing = true;
    const { clock, signal } = this.#parts;
    for (;;) {
      const restMs = this.#lastCameMs + KEPT_MS - clock.monotonicMs();
      if (restMs <= 0 || signal.aborted) break;
      await clock.sleep(restMs, signal);
    }
    this.#isClearing = false;
    if (!signal.aborted) for (const name of this.#packs.keys()) this.#drop(name);
  }

  #path(name: PackName): string {
    return `${this.#parts.folder}/${name}`;
  }
}

/** Removes what an engine before this one had fetched ahead. */
export function clearAhead(disk: Disk, folder: string): void {
  unlessDiskFails(() => {
    if (disk.lstat(folder) === null) return;
    for (const { name } of disk.list(folder).entries) disk.removeFile(`${folder}/${name}`);
  });
}

/**
 * One life of an engine, from start to its end. When it is over, whatever the engine still tries has no effect:
 * its disk throws, its requests and sleeps never end. It can end between any two calls of the disk, and
 * between what a call did and what the engine writes down about it.
 */
import type { Disk } from '../../sync-engine/local-fs/disk.ts';
import type { Cloud } from '../../sync-engine/remote/cloud.ts';
import type { SqliteManifest } from '../../sync-engine/manifest/sqlite-manifest.ts';
import type { Manifest } from '../../sync-engine/manifest/manifest.ts';
import type { Clock } from '../../sync-engine/engine/ports.ts';
import { InlineWorkers } from '../../sync-engine/workers/inline-workers.ts';
import type { JobName } from '../../sync-engine/workers/jobs.ts';
import type { Workers } from '../../sync-engine/workers/workers.ts';
import type { SimDisk } from '../fakes/sim-disk.ts';
import type { Chance } from './chance.ts';

/** How long some jobs take, at most, in milliseconds; the others some. */
export type SlowJobs = Partial<Readonly<Record<JobName, number>>>;

/** What a disk call of a dead engine throws. */
export class Killed extends Error {
  override readonly name = 'Killed';
}

/** Calls that are no moment of their own. */
const PURE = new Set(['close', 'inFolder']);
const READS = new Set([
  'lstat',
  'list',
  'readLink',
  'stat',
  'read',
  'openFolder',
  'freeBytes',
  'flush',
  'sync',
]);

export interface LifeHooks {
  /** A call of the disk is about to be made; false while the manifest is in a transaction. */
  called(call: string, path: string, canDie: boolean): void;
}

export class Life {
  dead = false;
  /** Calls that changed the disk. */
  writes = 0;
  /** Manifest as of the last checkpoint: what is sure to survive a loss of power. */
  durable: Buffer;
  readonly #manifest: SqliteManifest;
  readonly #hooks: LifeHooks;
  #depth = 0;
  #ending: (() => void)[] = [];
  /** Ends the life in so many calls; null: it goes on. */
  #callsLeft: number | null = null;
  #died: () => void = () => undefined;

  constructor(manifest: SqliteManifest, hooks: LifeHooks) {
    this.#manifest = manifest;
    this.#hooks = hooks;
    this.durable = manifest.serialize();
  }

  /** The manifest as of its last transaction. */
  kept(): Buffer {
    return this.#manifest.serialize();
  }

  /** Dies within a disk call, `calls` from now; `died` is called there. */
  dieIn(calls: number, died: () => void): void {
    this.#callsLeft = calls;
    this.#died = died;
  }

  end(): void {
    if (this.dead) return;
    this.dead = true;
    for (const step of this.#ending) step();
    this.#ending = [];
  }

  onEnd(step: () => void): void {
    if (this.dead) step();
    else this.#ending.push(step);
  }

  /** Settles as the promise does, unless the life is over. */
  guard<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => {
          if (!this.dead) resolve(value);
        },
        (error: unknown) => {
          // eslint wants an Error, and every port throws one
          if (!this.dead) reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }

  manifest(): Manifest {
    const real = this.#manifest;
    return {
      ...real,
      transaction: (work) => {
        this.#depth += 1;
        try {
          return real.transaction(work);
        } finally {
          this.#depth -= 1;
        }
      },
      checkpoint: () => {
        real.checkpoint();
        this.durable = real.serialize();
      },
    };
  }

  disk(disk: SimDisk): Disk {
    const made = new Map<string | symbol, unknown>();
    return new Proxy<Disk>(disk, {
      get: (_, name) => {
        const known = made.get(name);
        if (known !== undefined) return known;
        const method: unknown = Reflect.get(disk, name);
        if (typeof method !== 'function') return method;
        const call = String(name);
        const wrapped = (...args: unknown[]): unknown => this.#call(call, disk, method, args);
        made.set(name, wrapped);
        return wrapped;
      },
    });
  }

  #call(call: string, disk: SimDisk, method: CallableFunction, args: unknown[]): unknown {
    this.#dieIfDead();
    if (PURE.has(call)) return Reflect.apply(method, disk, args);
    const path = typeof args[0] === 'string' ? args[0] : '';
    this.#hooks.called(call, path, this.#depth === 0);
    this.#dieIfDue();
    const result: unknown = Reflect.apply(method, disk, args);
    if (!READS.has(call) && !(call === 'open' && args[1] === 'read')) this.writes += 1;
    // What it did stands; the engine never hears of it.
    this.#dieIfDue();
    return result;
  }

  #dieIfDead(): void {
    if (this.dead) throw new Killed('this engine is no more');
  }

  #dieIfDue(): void {
    if (this.#callsLeft === null) return;
    this.#callsLeft -= 0.5;
    if (this.#callsLeft > 0 || this.#depth > 0) return;
    this.#callsLeft = null;
    this.#died();
    this.#dieIfDead();
  }

  workers(disk: Disk, chance: Chance, clock: Clock, slowMs: SlowJobs): Workers {
    const inline = new InlineWorkers(disk, (size) => Buffer.from(chance.bytes(size)));
    return {
      size: inline.size,
      run: async (job, request, hooks, options) => {
        // Work takes time, and others act meanwhile.
        await clock.sleep(chance.below(4));
        const longest = slowMs[job] ?? 0;
        if (longest > 0) await clock.sleep(chance.below(longest));
        const result = await this.guard(inline.run(job, request, hooks, options));
        // What a flush waits for is the disk; of all others what they did may be long done before it is heard of.
        if (longest > 0 && job !== 'flush') await clock.sleep(chance.below(longest));
        await clock.sleep(chance.below(4));
        return result;
      },
      close: () => inline.close(),
    };
  }

  cloud(cloud: Cloud, asked: (call: string) => void): Cloud {
    return new Proxy<Cloud>(cloud, {
      get: (_, name) => {
        if (name === 'events')
          return (handlers: Parameters<Cloud['events']>[0]) => this.#events(cloud, handlers);
        const method: unknown = Reflect.get(cloud, name);
        if (typeof method !== 'function') return method;
        return (...args: unknown[]): unknown => {
          if (this.dead) return new Promise(() => undefined);
          asked(String(name));
          const answer = Reflect.apply(method, cloud, args) as Promise<unknown>;
          return this.guard(answer);
        };
      },
    });
  }

  #events(cloud: Cloud, handlers: Parameters<Cloud['events']>[0]): ReturnType<Cloud['events']> {
    if (this.dead) return { close: () => undefined };
    const events = cloud.events({
      event: (event) => {
        if (!this.dead) handlers.event(event);
      },
      opened: () => {
        if (!this.dead) handlers.opened();
      },
      lost: (fault) => {
        if (!this.dead) handlers.lost(fault);
      },
    });
    this.onEnd(() => {
      events.close();
    });
    return events;
  }
}

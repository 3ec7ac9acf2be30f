/** Hints of a simulated disk: late, lost, doubled, never wrong. */
import { EVERYTHING, type Watcher, type WatcherHooks } from '../../sync-engine/local-fs/watcher.ts';
import type { Chance } from './chance.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface WatchFaults {
  /** Each in [0, 1]. */
  readonly lost: number;
  readonly doubled: number;
  readonly late: number;
}

const GATHER_MS = 20;
const LATE_MS = 20_000;

export class SimWatcher implements Watcher {
  readonly #time: VirtualTime;
  readonly #chance: Chance;
  /** Asked for each event: faults come and go. */
  readonly #faults: () => WatchFaults;
  #watched: { readonly root: string; readonly hooks: WatcherHooks } | null = null;

  constructor(time: VirtualTime, chance: Chance, faults: () => WatchFaults) {
    this.#time = time;
    this.#chance = chance;
    this.#faults = faults;
  }

  start(root: string, hooks: WatcherHooks): Promise<void> {
    this.#watched = { root, hooks };
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#watched = null;
    return Promise.resolve();
  }

  /** Something at an absolute path changed. */
  changed(path: string): void {
    const { root } = this.#watched ?? { root: null };
    if (root === null || (path !== root && !path.startsWith(`${root}/`))) return;
    if (path === `${root}/.coffre` || path.startsWith(`${root}/.coffre/`)) return;
    const { lost, doubled, late } = this.#faults();
    if (this.#chance.happens(lost)) return;
    const folder = path.slice(0, Math.max(root.length, path.lastIndexOf('/'))).slice(root.length + 1);
    const hint = path === root ? EVERYTHING : folder;
    for (let times = this.#chance.happens(doubled) ? 2 : 1; times > 0; times -= 1) {
      const ms = this.#chance.happens(late) ? this.#chance.below(LATE_MS) : GATHER_MS;
      this.#time.in(ms, () => this.#watched?.hooks.onHint(hint));
    }
  }
}

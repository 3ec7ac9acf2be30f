/** How long what is pending will take, by what was done of late; null when that says nothing. */
import type { Clock } from './ports.ts';
import { Rate } from './rate.ts';
import type { Traffic } from './traffic.ts';

/** Commits come every few seconds, with many nodes each. */
const WINDOW_MS = 20_000;

export class TimeLeft {
  readonly #traffic: Traffic;
  readonly #nodes: Rate;
  readonly #bytes: Rate;

  constructor(clock: Clock, traffic: Traffic) {
    this.#traffic = traffic;
    this.#nodes = new Rate(clock, WINDOW_MS);
    this.#bytes = new Rate(clock, WINDOW_MS);
  }

  /** One node is done with all its bytes. */
  did(bytes: number): void {
    this.#nodes.add(1);
    this.#bytes.add(bytes);
  }

  seconds(pending: { readonly files: number; readonly bytes: number }): number | null {
    if (pending.files === 0) return null;
    // What is stored already does not travel; of a large file bytes travel long before it is done.
    const travelling = this.#traffic.upRate.perSecond() + this.#traffic.downRate.perSecond();
    const bytesPerSecond = Math.max(this.#bytes.perSecond(), travelling);
    const nodesPerSecond = this.#nodes.perSecond();
    if (pending.bytes > 0 && bytesPerSecond === 0) return null;
    if (pending.bytes === 0 && nodesPerSecond === 0) return null;
    const byBytes = pending.bytes === 0 ? 0 : pending.bytes / bytesPerSecond;
    const byFiles = nodesPerSecond === 0 ? 0 : pending.files / nodesPerSecond;
    return Math.ceil(Math.max(byBytes, byFiles));
  }
}

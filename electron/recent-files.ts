/** The files that came or went last, newest first, for the tray. */
import path from 'node:path';
import type { ActivityRow, Status } from '../protocol/control-shapes.ts';

export interface RecentFile {
  readonly name: string;
  /** On this machine. */
  readonly path: string;
}

const MOST = 8;
const KEPT = 50;
/** What leaves a file where it can be opened. */
const SHOWN: ReadonlySet<string> = new Set(['upload', 'download', 'conflict']);

export class RecentFiles {
  /** Newest first. */
  #rows: ActivityRow[] = [];

  /** In whatever order; a row that is known already changes nothing. */
  add(rows: readonly ActivityRow[]): void {
    const known = new Set(this.#rows.map((row) => row.id));
    const fresh = rows.filter((row) => SHOWN.has(row.action) && row.pair !== null && !known.has(row.id));
    if (fresh.length === 0) return;
    this.#rows = [...fresh, ...this.#rows].sort((a, b) => b.id - a.id).slice(0, KEPT);
  }

  /** Another account: nothing of the one before is shown. */
  clear(): void {
    this.#rows = [];
  }

  list(pairs: Status['pairs']): RecentFile[] {
    const folders = new Map(pairs.map((pair) => [pair.id, pair.folder]));
    const found = new Map<string, RecentFile>();
    for (const row of this.#rows) {
      const folder = row.pair === null ? undefined : folders.get(row.pair);
      if (folder === undefined) continue;
      const place = path.join(folder, row.path);
      if (!found.has(place)) found.set(place, { name: path.basename(place), path: place });
      if (found.size === MOST) break;
    }
    return [...found.values()];
  }
}

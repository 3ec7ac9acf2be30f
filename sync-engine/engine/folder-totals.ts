/** What lies beneath folders of the account: files and bytes, from the remote tree alone. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { NodeId } from '../../protocol/ids.ts';
import { MAX_DEPTH } from '../../protocol/limits.ts';
import type { VaultStore } from '../manifest/manifest.ts';

export interface FolderTotals {
  /** Files and links. */
  readonly files: number;
  readonly bytes: number;
}

/** Read at a time; between two reads the engine does other things. */
const FOLDERS_PER_READ = 200;

/**
 * One walk, level by level, for all the folders that were asked for; none of them may lie in another. A tree
 * that changes meanwhile is counted partly as it was.
 */
export async function folderTotals(
  store: VaultStore,
  folders: readonly NodeId[],
  signal: AbortSignal,
): Promise<ReadonlyMap<NodeId, FolderTotals>> {
  const totals = new Map<NodeId, { files: number; bytes: number }>();
  for (const folder of folders) totals.set(folder, { files: 0, bytes: 0 });
  let level = new Map<NodeId, NodeId>(folders.map((folder) => [folder, folder]));
  for (let depth = 0; depth <= MAX_DEPTH + 1 && level.size > 0; depth += 1) {
    const below = new Map<NodeId, NodeId>();
    const ids = [...level.keys()];
    for (let from = 0; from < ids.length; from += FOLDERS_PER_READ) {
      signal.throwIfAborted();
      for (const row of store.contentsOf(ids.slice(from, from + FOLDERS_PER_READ))) {
        const asked = level.get(row.folder);
        const total = asked === undefined ? undefined : totals.get(asked);
        if (asked === undefined || total === undefined) continue;
        total.files += row.files;
        total.bytes += row.bytes;
        for (const folder of row.folders) below.set(folder, asked);
      }
      await nextTurn();
    }
    level = below;
  }
  return totals;
}

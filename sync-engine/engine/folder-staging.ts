/** New folders in staging: made before the fetch, and what becomes of them when that fails. */
import type { Manifest } from '../manifest/manifest.ts';
import type { FetchFailure } from './fetch-lane.ts';
import type { Mutex } from './mutex.ts';
import type { NewFolder, NewFolders } from './new-folders.ts';
import type { PairDisk } from './pair-disk.ts';
import type { Setbacks } from './setbacks.ts';

export interface FolderStagingParts {
  readonly manifest: Manifest;
  readonly disk: PairDisk;
  readonly newFolders: NewFolders;
  readonly setbacks: Setbacks;
  readonly folder: Mutex;
}

export class FolderStaging {
  readonly #parts: FolderStagingParts;

  constructor(parts: FolderStagingParts) {
    this.#parts = parts;
  }

  /** Makes what is to be filled; answers the folders that could be made. */
  async make(folders: readonly NewFolder[]): Promise<readonly NewFolder[]> {
    const { disk, newFolders, folder: mutex } = this.#parts;
    const made = await mutex.run(() => disk.stageFolders(folders));
    for (const folder of folders) if (!made.includes(folder)) newFolders.fallsApart(folder);
    return made;
  }

  /** With the account out of reach it waits as it is; else what does not fail comes without what does. */
  async failed(folder: NewFolder, results: readonly FetchFailure[]): Promise<void> {
    const { manifest, disk, newFolders, setbacks, folder: mutex } = this.#parts;
    const failed = new Set(results.map(({ id }) => id));
    const isOffline = results.every(({ why }) => why === 'offline');
    manifest.transaction(() => {
      for (const { id, why, pack } of results) setbacks.fetchFailed(id, why, pack);
      // What is in it would ask for the folder again at once.
      for (const { id } of isOffline ? [folder.top, ...folder.inside.map(({ state }) => state)] : []) {
        if (!failed.has(id)) setbacks.postpone(id);
      }
    });
    if (isOffline) return;
    newFolders.fallsApart(folder, [...failed]);
    await mutex.run(() => disk.dropStaged([folder]));
  }
}

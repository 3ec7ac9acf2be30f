/** Where the chunks of old content lie, in packs live, dropped, or known to the log alone. */
import type { ChunkId, PackName } from '../../protocol/ids.ts';
import type { NodeRecord } from '../crypto/record.ts';
import { ChunkLists } from './chunk-lists.ts';
import { noLongerKept } from './person-work.ts';
import { readSnapshot } from './snapshot.ts';
import { cloudOf, type TreeDevice } from './tree-host.ts';
import type { VaultSync } from './vault-sync.ts';

export class OldContent {
  readonly #at: TreeDevice;
  readonly #vault: VaultSync;
  readonly #lists: ChunkLists;
  #learnt = false;

  constructor(at: TreeDevice, vault: VaultSync, signal: AbortSignal) {
    this.#at = at;
    this.#vault = vault;
    const { store } = vault.log;
    this.#lists = new ChunkLists({
      vault: vault.vault,
      keys: at.device.vaultKeys(vault.vault),
      cloud: cloudOf(at),
      locate: (chunk) => store.locate(chunk) ?? store.locateDropped(chunk),
      signal,
    });
  }

  /**
   * The packs that have to be live for the record's content to be whole.
   * @param seq a commit as of which it was live: its packs are learnt where this device does not know them
   * @throws PersonError not-found (no longer kept), CloudError, LogFault, ChunkUnreadable
   */
  async packsOf(record: NodeRecord, seq: number): Promise<PackName[]> {
    const { content, size, depth, list } = record;
    if (content === null || size === 0) return [];
    try {
      return await this.#locateAll({ id: content, size, depth, list });
    } catch (error) {
      if (this.#learnt || !(error instanceof NotLocated || isMissing(error))) throw asTold(error);
      await this.#learn(seq);
      try {
        return await this.#locateAll({ id: content, size, depth, list });
      } catch (again) {
        throw asTold(again);
      }
    }
  }

  async #locateAll(content: Parameters<ChunkLists['each']>[0]): Promise<PackName[]> {
    const { store } = this.#vault.log;
    const packs = new Set<PackName>();
    await this.#lists.each(content, (chunk: ChunkId) => {
      const place = store.locate(chunk) ?? store.locateDropped(chunk);
      if (place === undefined) throw new NotLocated();
      packs.add(place.pack);
    });
    return [...packs];
  }

  /** Packs that were live then and that this device does not know were dropped before it came. */
  async #learn(seq: number): Promise<void> {
    this.#learnt = true;
    const { log, vault } = this.#vault;
    const snapshot = await readSnapshot({
      vault,
      cloud: cloudOf(this.#at),
      identity: this.#at.device,
      at: seq,
    });
    if (snapshot === null) return;
    this.#at.manifest.transaction(() => {
      for (const { row, chunks } of snapshot.packs) {
        if (log.store.pack(row.name) === undefined) log.store.addPack({ ...row, state: 'dropped' }, chunks);
      }
    });
  }
}

class NotLocated extends Error {
  override readonly name = 'NotLocated';
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'why' in error && error.why === 'missing';
}

function asTold(error: unknown): unknown {
  return error instanceof NotLocated ? noLongerKept('some of the stored data', error) : error;
}

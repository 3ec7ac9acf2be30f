/** Every chunk that a live record of a vault names, the trash included: what housekeeping must not drop. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ContentId } from '../../protocol/ids.ts';
import type { Content } from '../transfer/sealing-jobs.ts';
import type { ChunkLists } from './chunk-lists.ts';
import { ChunkSet } from './chunk-set.ts';
import type { VaultLog } from './vault-log.ts';

/** Rows between two turns of the event loop. */
const ROWS_PER_TURN = 1000;

export class NeededChunkSet {
  readonly #log: VaultLog;
  readonly #lists: ChunkLists;
  readonly #signal: AbortSignal;
  readonly #chunks = new ChunkSet();
  /** Content whose lists were read: it never changes. */
  readonly #read = new Set<ContentId>();

  constructor(log: VaultLog, lists: ChunkLists, signal: AbortSignal) {
    this.#log = log;
    this.#lists = lists;
    this.#signal = signal;
  }

  has(chunk: Parameters<ChunkSet['has']>[0]): boolean {
    return this.#chunks.has(chunk);
  }

  /**
   * Adds what the present tree needs; what an older one needed stays in. Returns the seq it holds for, or null
   * when a record could not be read: nobody can say what that one needs. @throws ChunkUnreadable, MalformedError
   */
  async update(): Promise<number | null> {
    const { store } = this.#log;
    const { seq } = this.#log.cursor();
    let rows = 0;
    for (const { content: id, fault } of store.remoteRows()) {
      if (fault !== null) return null;
      rows += 1;
      if (rows % ROWS_PER_TURN === 0) {
        await nextTurn();
        this.#signal.throwIfAborted();
      }
      if (id === null) continue;
      const content = store.content(id);
      if (content === undefined) return null;
      await this.#add(content);
    }
    return seq;
  }

  async #add(content: Content): Promise<void> {
    if (content.depth === 0) {
      for (const { chunk } of content.list) this.#chunks.add(chunk);
      return;
    }
    if (this.#read.has(content.id)) return;
    await this.#lists.each(content, (chunk) => {
      this.#chunks.add(chunk);
    });
    this.#read.add(content.id);
  }
}

/** Every chunk that content rests on, lists of lists included, without holding a whole list. */
import type { ChunkId, PackName, VaultId } from '../../protocol/ids.ts';
import type { VaultKeys } from '../crypto/vault-keys.ts';
import { CloudError, type Cloud } from '../remote/cloud.ts';
import {
  ChunkReader,
  ChunkUnreadable,
  type ChunkOutcome,
  type RangeAnswer,
} from '../transfer/chunk-reader.ts';
import { flattenContent } from '../transfer/content-lists.ts';
import type { ChunkLocation, Content } from '../transfer/sealing-jobs.ts';

export interface ChunkListParts {
  readonly vault: VaultId;
  readonly keys: VaultKeys;
  readonly cloud: Pick<Cloud, 'getPack'>;
  readonly locate: (chunk: ChunkId) => ChunkLocation | undefined;
  readonly signal: AbortSignal;
}

export class ChunkLists {
  readonly #parts: ChunkListParts;
  readonly #reader: ChunkReader;

  constructor(parts: ChunkListParts) {
    this.#parts = parts;
    const { signal } = parts;
    const stop = {
      throwIfAborted: () => {
        signal.throwIfAborted();
      },
    };
    this.#reader = new ChunkReader(
      parts.keys,
      {
        locate: (chunks) => Promise.resolve(chunks.map((chunk) => parts.locate(chunk) ?? null)),
        range: (pack, start, end) => this.#range(pack, start, end),
      },
      stop,
      () => Promise.resolve(),
    );
  }

  /** Calls `take` with each chunk, some more than once. @throws ChunkUnreadable, MalformedError */
  async each(content: Content, take: (chunk: ChunkId) => void): Promise<void> {
    if (content.depth === 0) {
      for (const { chunk } of content.list) take(chunk);
      return;
    }
    const read = (chunk: ChunkId): Promise<Uint8Array> => {
      take(chunk);
      return this.#read(chunk);
    };
    for await (const run of flattenContent(content, read)) for (const { chunk } of run) take(chunk);
  }

  async #read(chunk: ChunkId): Promise<Uint8Array> {
    const taken: ChunkOutcome[] = [];
    const { done } = await this.#reader.issue([chunk], (_id, outcome) => {
      taken.push(outcome.ok ? { ok: true, bytes: Uint8Array.from(outcome.bytes) } : outcome);
    });
    await done;
    const [outcome] = taken;
    if (outcome === undefined) throw new Error('a chunk that was asked for is taken');
    if (!outcome.ok) throw new ChunkUnreadable(outcome.why, outcome.pack);
    return outcome.bytes;
  }

  async #range(pack: PackName, start: number, end: number): Promise<RangeAnswer> {
    const { cloud, vault, signal } = this.#parts;
    try {
      return { ok: true, bytes: await cloud.getPack(vault, pack, start, end, signal) };
    } catch (error) {
      if (signal.aborted || !(error instanceof CloudError)) throw error;
      if (error.fault === 'not-found' || error.fault === 'gone') return { ok: false, why: 'missing' };
      return { ok: false, why: error.fault === 'malformed' ? 'corrupt' : 'offline' };
    }
  }
}

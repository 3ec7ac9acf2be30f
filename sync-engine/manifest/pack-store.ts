/** The part of a vault that knows packs and where each chunk lies in them. */
import type { ChunkId, DeviceId, PackName } from '../../protocol/ids.ts';
import type { ChunkRow, PackRow, VaultStore } from './manifest.ts';
import { hexOf, PACK_STATE_NUMBERS, packState, type Shared } from './rows.ts';

export type PackStore = Pick<
  VaultStore,
  | 'addPack'
  | 'pack'
  | 'setPackState'
  | 'setPackTrusted'
  | 'distrustPacksOf'
  | 'deletePack'
  | 'packs'
  | 'locate'
  | 'locateDropped'
  | 'chunksOf'
  | 'packHolding'
>;

interface StoredPack {
  readonly key: number;
  readonly name: PackName;
  readonly size: number;
  readonly indexHash: PackRow['indexHash'];
  readonly epoch: number;
  readonly state: number;
  readonly trusted: number;
  /** Hex; empty for this device. */
  readonly author: DeviceId | '' | null;
  readonly index: Uint8Array | null;
}

const PACK_COLUMNS = `p.key AS key, ${hexOf('p.name')} AS name, p.size AS size, ${hexOf('p.index_hash')} AS indexHash,
  p.epoch AS epoch, p.state AS state, p.trusted AS trusted, iif(p.author IS NULL, NULL, ${hexOf('p.author')}) AS author, p.sealed_index AS "index"`;
const CHUNK_COLUMNS = `${hexOf('c.id')} AS id, ${hexOf('p.name')} AS pack, c.epoch AS epoch,
  c.segment_offset AS segmentOffset, c.segment_length AS segmentLength, c.method AS method,
  c.offset AS offset, c.stored_length AS storedLength, c.length AS length`;
type StoredPlace = Omit<ChunkRow, 'id' | 'pack'> & { readonly packKey: number };

const { uploaded, live, dropped } = PACK_STATE_NUMBERS;
/** Trust of a pack that did not give what its index says; 0 is one nobody vouches for. */
const FAILED = -1;

function packRow(row: StoredPack): PackRow {
  const { key: _key, ...rest } = row;
  const author = row.author === '' ? 'self' : row.author;
  return { ...rest, state: packState(row.state), trusted: row.trusted === 1, author };
}

/** @param vault the vault's key in the database. */
export function packStore({ database, transaction }: Shared, vault: number): PackStore {
  const putPack = database
    .prepare<
      [number, string, number, string, number, number, number, string | null, Uint8Array | null],
      number
    >(
      `INSERT INTO pack (vault, name, size, index_hash, epoch, state, trusted, author, sealed_index)
       VALUES (?, unhex(?), ?, unhex(?), ?, ?, ?, unhex(?), ?)
       ON CONFLICT (vault, name) DO UPDATE SET size = excluded.size, index_hash = excluded.index_hash,
         epoch = excluded.epoch, state = excluded.state, trusted = excluded.trusted,
         author = excluded.author,
         sealed_index = excluded.sealed_index
       RETURNING key`,
    )
    .pluck();
  const putChunk = database.prepare<
    [number, string, number, number, number, number, number, number, number, number]
  >(
    `INSERT INTO chunk (vault, id, pack, epoch, segment_offset, segment_length, method, offset,
       stored_length, length)
     VALUES (?, unhex(?), ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const keyOf = database
    .prepare<[number, string], number>('SELECT key FROM pack WHERE vault = ? AND name = unhex(?)')
    .pluck();
  const read = database.prepare<[number, string], StoredPack>(
    `SELECT ${PACK_COLUMNS} FROM pack p WHERE p.vault = ? AND p.name = unhex(?)`,
  );
  const readState = database.prepare<[number, number], StoredPack>(
    `SELECT ${PACK_COLUMNS} FROM pack p WHERE p.vault = ? AND p.state = ? ORDER BY p.key`,
  );
  // The sealed index is kept only for the commit that will carry it.
  const writeState = database.prepare<[number, number, number, string]>(
    `UPDATE pack SET state = ?, sealed_index = iif(? >= ${live}, NULL, sealed_index)
     WHERE vault = ? AND name = unhex(?)`,
  );
  const writeTrusted = database.prepare<[number, number, string]>(
    'UPDATE pack SET trusted = ? WHERE vault = ? AND name = unhex(?)',
  );
  const distrustUnknown = database.prepare<[number]>(
    'UPDATE pack SET trusted = 0 WHERE vault = ? AND author IS NULL AND trusted = 1',
  );
  const distrustAuthor = database.prepare<[number, DeviceId]>(
    'UPDATE pack SET trusted = 0 WHERE vault = ? AND author = unhex(?) AND trusted = 1',
  );
  const removeChunks = database.prepare<[number]>('DELETE FROM chunk WHERE pack = ?');
  const removePack = database.prepare<[number]>('DELETE FROM pack WHERE key = ?');
  // One table at a time: SQLite prepares a join anew at every call (see rows.ts), and few packs hold one chunk.
  const places = database.prepare<[number, string], StoredPlace>(
    `SELECT pack AS packKey, epoch, segment_offset AS segmentOffset, segment_length AS segmentLength, method,
       offset, stored_length AS storedLength, length FROM chunk WHERE vault = ? AND id = unhex(?)`,
  );
  const holders = database
    .prepare<[number, string], number>('SELECT pack FROM chunk WHERE vault = ? AND id = unhex(?)')
    .pluck();
  const readKey = database.prepare<[number], StoredPack>(
    `SELECT ${PACK_COLUMNS} FROM pack p WHERE p.key = ?`,
  );
  const chunks = database.prepare<[number, string], ChunkRow>(
    `SELECT ${CHUNK_COLUMNS} FROM pack p JOIN chunk c ON c.pack = p.key
     WHERE p.vault = ? AND p.name = unhex(?) ORDER BY c.segment_offset, c.offset, c.id`,
  );
  /** The pack furthest on its way among those that `serves` accepts: live before the others, trusted first, failed last. */
  function furthest(keys: readonly number[], serves: (pack: StoredPack) => boolean): StoredPack | undefined {
    let best: StoredPack | undefined;
    for (const key of keys) {
      const pack = readKey.get(key);
      if (pack === undefined || !serves(pack)) continue;
      const rank = pack.state * 4 + pack.trusted;
      if (best === undefined || rank > best.state * 4 + best.trusted) best = pack;
    }
    return best;
  }

  function placeOf(chunk: ChunkId, serves: (pack: StoredPack) => boolean): ChunkRow | undefined {
    const rows = places.all(vault, chunk);
    const keys = rows.map((row) => row.packKey);
    const pack = furthest(keys, serves);
    const row = rows.find(({ packKey }) => packKey === pack?.key);
    if (pack === undefined || row === undefined) return undefined;
    const { packKey: _key, ...place } = row;
    return { id: chunk, pack: pack.name, ...place };
  }

  return {
    addPack(pack: PackRow, rows: readonly ChunkRow[]): void {
      transaction(() => {
        const state = PACK_STATE_NUMBERS[pack.state];
        const index = state < live ? pack.index : null;
        const trusted = pack.trusted ? 1 : 0;
        const key = putPack.get(
          vault,
          pack.name,
          pack.size,
          pack.indexHash,
          pack.epoch,
          state,
          trusted,
          pack.author === 'self' ? '' : pack.author,
          index,
        );
        if (key === undefined) throw new Error('a pack row got no key');
        removeChunks.run(key);
        for (const row of rows) {
          putChunk.run(
            vault,
            row.id,
            key,
            row.epoch,
            row.segmentOffset,
            row.segmentLength,
            row.method,
            row.offset,
            row.storedLength,
            row.length,
          );
        }
      });
    },
    pack(name) {
      const row = read.get(vault, name);
      return row === undefined ? undefined : packRow(row);
    },
    setPackState(name, state) {
      const number = PACK_STATE_NUMBERS[state];
      const { changes } = writeState.run(number, number, vault, name);
      if (changes === 0) throw new Error('the state of a pack the manifest does not hold');
    },
    setPackTrusted(name, trusted) {
      const { changes } = writeTrusted.run(trusted ? 1 : FAILED, vault, name);
      if (changes === 0) throw new Error('the trust of a pack the manifest does not hold');
    },
    distrustPacksOf(authors) {
      transaction(() => {
        distrustUnknown.run(vault);
        for (const author of authors) distrustAuthor.run(vault, author);
      });
    },
    deletePack(name) {
      transaction(() => {
        const key = keyOf.get(vault, name);
        if (key === undefined) return;
        removeChunks.run(key);
        removePack.run(key);
      });
    },
    packs: (state) => readState.all(vault, PACK_STATE_NUMBERS[state]).map(packRow),
    locate: (chunk) => placeOf(chunk, ({ state }) => state === uploaded || state === live),
    locateDropped: (chunk) => placeOf(chunk, ({ state }) => state === dropped),
    chunksOf: (name) => chunks.all(vault, name),
    packHolding(chunk) {
      const serves = ({ state, trusted }: StoredPack) => state < live || (state === live && trusted === 1);
      const row = furthest(holders.all(vault, chunk), serves);
      return row === undefined ? undefined : packRow(row);
    },
  };
}

import type { StatePage } from '../../../protocol/pages.ts';
import { blob } from '../columns.ts';
import { StatePageRows, type StateCursor } from '../log-pages.ts';
import type { Sql } from './sql.ts';

/** Rows read at once: a record has 8 KiB at most. */
const NODE_ROWS = 1000;
const PACK_ROWS = 500;
/** Of indexes read at once. */
const INDEX_BYTES = 4 * 1024 * 1024;

/** One page of the live state at a commit. Memory is bounded by the page and by what is read at once. */
export async function readState(
  sql: Sql,
  vault: number,
  at: number,
  from: StateCursor,
  maxBytes: number,
): Promise<StatePage> {
  const page = new StatePageRows(maxBytes);
  if (from.nodes) {
    const full = await readNodes(sql, vault, at, blob(from.after), page);
    if (full !== null) return full;
  }
  return (await readPacks(sql, vault, at, blob(from.nodes ? '' : from.after), page)) ?? page.last();
}

async function readNodes(
  sql: Sql,
  vault: number,
  at: number,
  afterNode: Buffer,
  page: StatePageRows,
): Promise<StatePage | null> {
  let after = afterNode;
  for (;;) {
    const rows = await sql.all<{ node: Buffer; revision: number; object: Buffer }>(
      `SELECT node, revision, object FROM records
       WHERE vault = $1 AND node > $2 AND from_seq <= $3 AND (to_seq IS NULL OR to_seq > $3) AND object IS NOT NULL
       ORDER BY vault, node, revision LIMIT $4`,
      vault,
      after,
      at,
      NODE_ROWS,
    );
    for (const row of rows) {
      const full = page.addNode(row);
      if (full !== null) return full;
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < NODE_ROWS) return null;
    after = last.node;
  }
}

interface SizedPack {
  name: Buffer;
  size: number;
  index_bytes: number;
}

async function readPacks(
  sql: Sql,
  vault: number,
  at: number,
  afterPack: Buffer,
  page: StatePageRows,
): Promise<StatePage | null> {
  let after = afterPack;
  for (;;) {
    const rows = await sql.all<SizedPack>(
      `SELECT p.name, p.size, octet_length(p.index_object)::bigint AS index_bytes
       FROM pack_spans s JOIN packs p ON p.vault = s.vault AND p.name = s.name
       WHERE s.vault = $1 AND s.name > $2 AND s.from_seq <= $3 AND (s.to_seq IS NULL OR s.to_seq > $3)
       ORDER BY s.vault, s.name LIMIT $4`,
      vault,
      after,
      at,
      PACK_ROWS,
    );
    for (const together of batches(rows)) {
      const indexes = await sql.all<{ name: Buffer; index_object: Buffer }>(
        'SELECT name, index_object FROM packs WHERE vault = $1 AND name = ANY($2::bytea[]) ORDER BY name',
        vault,
        together.map((row) => row.name),
      );
      for (const [position, row] of together.entries()) {
        const index = indexes[position]?.index_object;
        if (index === undefined) throw new Error('a snapshot reads the same rows twice');
        const full = page.fullBefore(index.length);
        if (full !== null) return full;
        page.addPack({ name: row.name, size: row.size, index_object: index });
      }
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PACK_ROWS) return null;
    after = last.name;
  }
}

/** Runs of packs whose indexes together stay within the bound; one larger than that stands alone. */
function* batches(rows: readonly SizedPack[]): Generator<readonly SizedPack[]> {
  let run: SizedPack[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (run.length > 0 && bytes + row.index_bytes > INDEX_BYTES) {
      yield run;
      run = [];
      bytes = 0;
    }
    run.push(row);
    bytes += row.index_bytes;
  }
  if (run.length > 0) yield run;
}

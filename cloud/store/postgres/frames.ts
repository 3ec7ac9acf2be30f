import { decodeEntries, decodePacks } from '../../../protocol/commit.ts';
import { blob, hex } from '../columns.ts';
import { assembleFrame, type FrameColumns, type StoredFrame } from '../frame-parts.ts';
import type { Sql } from './sql.ts';

/** The commits of a range whose lists are still kept, oldest first. */
export async function readFrames(
  sql: Sql,
  vault: number,
  from: number,
  to: number,
): Promise<readonly (StoredFrame & { readonly seq: number })[]> {
  const rows = await sql.all<FrameColumns & { seq: number }>(
    `SELECT c.seq, c.hash, c.received_ms, c.header, c.signature, l.entries, l.packs, l.heads, l.rejoin, e.opening, e.wraps
     FROM commits c JOIN commit_lists l ON l.vault = c.vault AND l.seq = c.seq
     LEFT JOIN epochs e ON e.vault = c.vault AND e.seq = c.seq
     WHERE c.vault = $1 AND c.seq BETWEEN $2 AND $3 ORDER BY c.seq`,
    vault,
    from,
    to,
  );
  const objects = await readObjects(sql, vault, from, to, rows);
  const indexes = await readIndexes(sql, vault, rows);
  return rows.map((row) => ({
    seq: row.seq,
    ...assembleFrame(
      row,
      (entry) => objects.get(`${entry.node}/${entry.revision}`) ?? null,
      (pack) => indexes.get(`${pack.name}/${pack.indexHash}`) ?? null,
    ),
  }));
}

async function readObjects(
  sql: Sql,
  vault: number,
  from: number,
  to: number,
  rows: readonly FrameColumns[],
): Promise<Map<string, Buffer>> {
  const objects = new Map<string, Buffer>();
  if (rows.every((row) => decodeEntries(row.entries).length === 0)) return objects;
  const found = await sql.all<{ node: Buffer; revision: number; object: Buffer }>(
    `SELECT node, revision, object FROM records
     WHERE vault = $1 AND from_seq BETWEEN $2 AND $3 AND object IS NOT NULL`,
    vault,
    from,
    to,
  );
  for (const { node, revision, object } of found) objects.set(`${hex(node)}/${revision}`, object);
  return objects;
}

async function readIndexes(
  sql: Sql,
  vault: number,
  rows: readonly FrameColumns[],
): Promise<Map<string, Buffer>> {
  const indexes = new Map<string, Buffer>();
  const names = rows.flatMap((row) => decodePacks(row.packs).added.map((pack) => blob(pack.name)));
  if (names.length === 0) return indexes;
  const found = await sql.all<{ name: Buffer; index_hash: Buffer; index_object: Buffer }>(
    `SELECT name, index_hash, index_object FROM packs
     WHERE vault = $1 AND name = ANY($2::bytea[]) AND index_object IS NOT NULL`,
    vault,
    names,
  );
  for (const { name, index_hash, index_object } of found)
    indexes.set(`${hex(name)}/${hex(index_hash)}`, index_object);
  return indexes;
}

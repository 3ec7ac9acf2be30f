import type { Database } from './database.ts';
import type { Sql } from './sql.ts';
import { lockAccount, lockVault, moveBytes } from './locks.ts';

interface ExpiredRecord {
  vault: number;
  node: Buffer;
  revision: number;
}

/**
 * Forgets up to `batch` superseded records whose retention is over, a transaction for each vault they are of; returns
 * how many were found.
 */
export async function forgetExpiredRecords(
  database: Database,
  endedBefore: number,
  batch: number,
): Promise<number> {
  const found = await database.all<ExpiredRecord>(
    'SELECT vault, node, revision FROM records WHERE to_ms <= $1 ORDER BY to_ms LIMIT $2',
    endedBefore,
    batch,
  );
  const byVault = new Map<number, ExpiredRecord[]>();
  for (const record of found) byVault.set(record.vault, [...(byVault.get(record.vault) ?? []), record]);
  for (const [vault, records] of byVault) {
    await database.write((sql) => forgetOf(sql, vault, records, endedBefore));
  }
  return found.length;
}

async function forgetOf(
  sql: Sql,
  key: number,
  records: readonly ExpiredRecord[],
  endedBefore: number,
): Promise<void> {
  const vault = await lockVault(sql, key);
  if (vault === null) return;
  const gone = await sql.all<{ from_seq: number; to_seq: number; bytes: number }>(
    `DELETE FROM records AS r USING unnest($2::bytea[], $3::bigint[]) AS e (node, revision)
     WHERE r.vault = $1 AND r.node = e.node AND r.revision = e.revision AND r.to_ms <= $4
     RETURNING r.from_seq, r.to_seq, coalesce(octet_length(r.object), 0)::bigint AS bytes`,
    key,
    records.map((record) => record.node),
    records.map((record) => record.revision),
    endedBefore,
  );
  if (gone.length === 0) return;
  await raiseFloor(sql, key, Math.max(...gone.map((row) => row.to_seq)));
  await forgetLists(
    sql,
    key,
    gone.flatMap((row) => [row.from_seq, row.to_seq]),
  );
  await lockAccount(sql, vault.account);
  await moveBytes(sql, vault.account, { retained: -gone.reduce((sum, row) => sum + row.bytes, 0) });
}

/** Changes up to this commit are whole no more. */
export async function raiseFloor(sql: Sql, vault: number, seq: number): Promise<void> {
  await sql.run('UPDATE vaults SET floor_seq = $2 WHERE key = $1 AND floor_seq < $2', vault, seq);
}

/** Forgets the lists of those commits that nothing live or retained came from any more. */
export async function forgetLists(sql: Sql, vault: number, seqs: readonly number[]): Promise<void> {
  await sql.run(
    `DELETE FROM commit_lists AS l USING unnest($2::bigint[]) AS s (seq)
     WHERE l.vault = $1 AND l.seq = s.seq
       AND l.seq <= (SELECT floor_seq FROM vaults WHERE key = $1)
       AND NOT EXISTS (SELECT 1 FROM records WHERE vault = $1 AND from_seq = s.seq AND object IS NOT NULL)
       AND NOT EXISTS (SELECT 1 FROM pack_spans WHERE vault = $1 AND from_seq = s.seq)
       AND NOT EXISTS (SELECT 1 FROM pack_spans WHERE vault = $1 AND to_seq = s.seq)`,
    vault,
    [...new Set(seqs)],
  );
}

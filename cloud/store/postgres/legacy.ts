import type { Hash } from '../../../protocol/ids.ts';
import { addressHash } from '../../legacy/address.ts';
import { blob, hex } from '../columns.ts';
import { countShapes, LEGACY_COLUMNS, legacyRow, newColumns, type LegacyColumns } from '../legacy-columns.ts';
import { LEGACY_BATCH, type ImportedShape, type LegacyStore } from '../legacy-store.ts';
import { recordEntry } from './audit.ts';
import type { Database } from './database.ts';
import type { Sql } from './sql.ts';

const ROWS = `SELECT ${LEGACY_COLUMNS} FROM legacy_rows r JOIN legacy_imports i ON i.import = r.import`;
/** `$1` is the time. */
const OPEN = 'ended_ms IS NULL AND import IN (SELECT import FROM legacy_imports WHERE expires_ms > $1)';
const END = 'UPDATE legacy_rows SET email = NULL, proof_hash = NULL, code_hash = NULL, ended_ms = $1';

export function postgresLegacy(database: Database): LegacyStore {
  const inBatches = async (work: (sql: Sql) => Promise<number>): Promise<void> => {
    while ((await database.write(work)) === LEGACY_BATCH);
  };
  const isOver = async (sql: Sql, nowMs: number): Promise<boolean> =>
    (await sql.get('SELECT 1 FROM legacy_imports WHERE expires_ms > $1 LIMIT 1', nowMs)) === null;

  return {
    async add({ import: given, service, expiresMs, rows, nowMs, audit }) {
      return database.write(async (sql) => {
        const number = given ?? (await addImport(sql, service, expiresMs, nowMs));
        const columns = rows.map(newColumns);
        const added = await sql.all<{ parameters: string | null }>(
          `INSERT INTO legacy_rows AS r (import, address, email, parameters, proof_hash, quota_bytes)
           SELECT $1, * FROM unnest($2::bytea[], $3::text[], $4::text[], $5::bytea[], $6::bigint[])
           ON CONFLICT (address) DO UPDATE SET import = excluded.import, email = excluded.email,
             parameters = excluded.parameters, proof_hash = excluded.proof_hash, code_hash = NULL,
             quota_bytes = excluded.quota_bytes, ended_ms = NULL
           WHERE NOT r.claimed AND (r.ended_ms IS NOT NULL
             OR EXISTS (SELECT 1 FROM legacy_imports i WHERE i.import = r.import AND i.expires_ms <= $7))
           RETURNING parameters`,
          number,
          columns.map((row) => row.address),
          columns.map((row) => row.email),
          columns.map((row) => row.parameters),
          columns.map((row) => row.proof_hash),
          columns.map((row) => row.quota_bytes),
          nowMs,
        );
        for (const [shape, count] of countShapes(added)) {
          await sql.run(
            `INSERT INTO legacy_shapes AS s (import, shape, rows) VALUES ($1, $2, $3)
             ON CONFLICT (import, shape) DO UPDATE SET rows = s.rows + excluded.rows`,
            number,
            shape,
            count,
          );
        }
        if (added.length > 0) await recordEntry(sql, { ...audit, amount: added.length });
        if (given !== null || added.length > 0) return { import: number, added: added.length };
        await sql.run('DELETE FROM legacy_imports WHERE import = $1', number);
        return { import: null, added: 0 };
      });
    },
    async offer(nowMs) {
      if (await isOver(database, nowMs)) return null;
      const named = await database.get<{ service: string }>(
        'SELECT service FROM legacy_imports WHERE service IS NOT NULL ORDER BY import DESC LIMIT 1',
      );
      const shapes = await database.all<ImportedShape>(
        'SELECT import, shape, rows FROM legacy_shapes ORDER BY import, shape',
      );
      return { service: named?.service ?? null, shapes };
    },
    async find(address, nowMs) {
      const row = await database.get<LegacyColumns>(`${ROWS} WHERE r.address = $1`, blob(address));
      return row === null ? null : legacyRow(row, nowMs);
    },
    async page(after, limit, nowMs) {
      const rows = await database.all<LegacyColumns>(
        `${ROWS} WHERE r.address > $1 ORDER BY r.address LIMIT $2`,
        blob(after ?? ''),
        limit,
      );
      return rows.map((row) => legacyRow(row, nowMs));
    },
    async setCodes(codes, nowMs, audit) {
      return database.write(async (sql) => {
        const rows = await sql.all<{ address: Buffer }>(
          `UPDATE legacy_rows SET code_hash = c.code_hash
           FROM unnest($2::bytea[], $3::bytea[]) AS c (address, code_hash)
           WHERE legacy_rows.address = c.address AND ${OPEN} RETURNING legacy_rows.address`,
          nowMs,
          codes.map(({ address }) => blob(address)),
          codes.map(({ codeHash }) => blob(codeHash)),
        );
        if (rows.length > 0) await recordEntry(sql, { ...audit, amount: rows.length });
        return rows.map((row) => hex(row.address) as Hash);
      });
    },
    async expire(which, nowMs, audit) {
      return database.write(async (sql) => {
        const ended = await (which === 'all' ? expireAll(sql, nowMs) : expireSome(sql, which, nowMs));
        if (ended > 0) await recordEntry(sql, { ...audit, amount: ended });
        return ended;
      });
    },
    async forgetExpired(nowMs) {
      await inBatches((sql) =>
        sql.run(
          `${END} WHERE address = ANY(ARRAY(SELECT address FROM legacy_rows WHERE ended_ms IS NULL AND import IN
             (SELECT import FROM legacy_imports WHERE expires_ms <= $1) LIMIT $2)) AND ended_ms IS NULL`,
          nowMs,
          LEGACY_BATCH,
        ),
      );
      await inBatches(async (sql) => {
        if (!(await isOver(sql, nowMs))) return 0;
        // What an import brings back meanwhile has not ended.
        const gone = await sql.run(
          `DELETE FROM legacy_rows WHERE address = ANY(ARRAY(SELECT address FROM legacy_rows LIMIT $1))
             AND ended_ms IS NOT NULL`,
          LEGACY_BATCH,
        );
        if (gone === LEGACY_BATCH) return gone;
        const over = 'SELECT import FROM legacy_imports WHERE expires_ms <= $1';
        await sql.run(`DELETE FROM legacy_shapes WHERE import IN (${over})`, nowMs);
        await sql.run(
          `DELETE FROM legacy_imports WHERE import IN (${over})
             AND NOT EXISTS (SELECT 1 FROM legacy_rows r WHERE r.import = legacy_imports.import)`,
          nowMs,
        );
        return 0;
      });
    },
  };
}

async function expireSome(sql: Sql, which: readonly Hash[], nowMs: number): Promise<number> {
  return sql.run(`${END} WHERE address = ANY($2::bytea[]) AND ${OPEN}`, nowMs, which.map(blob));
}

async function expireAll(sql: Sql, nowMs: number): Promise<number> {
  const open = await sql.get<{ count: number }>(
    `SELECT count(*) AS count FROM legacy_rows WHERE ${OPEN}`,
    nowMs,
  );
  await sql.run('UPDATE legacy_imports SET expires_ms = $1 WHERE expires_ms > $1', nowMs);
  return open?.count ?? 0;
}

async function addImport(
  sql: Sql,
  service: string | null,
  expiresMs: number,
  nowMs: number,
): Promise<number> {
  const row = await sql.get<{ import: number }>(
    'INSERT INTO legacy_imports (service, created_ms, expires_ms) VALUES ($1, $2, $3) RETURNING import',
    service,
    nowMs,
    expiresMs,
  );
  if (row === null) throw new Error('an insert returns its row');
  return row.import;
}

/**
 * Uses up a claim and the row it is for, inside a transaction; null where either does not hold, and nothing is
 * changed. The answer to the address stays what it was.
 */
export async function claimRow(
  sql: Sql,
  claimHash: Hash,
  email: string,
  nowMs: number,
): Promise<{ readonly quotaBytes: number | null } | null> {
  const claim = await sql.get(
    "SELECT 1 FROM proofs WHERE hash = $1 AND kind = 'claim' AND data = $2 AND expires_ms > $3 FOR UPDATE",
    blob(claimHash),
    email,
    nowMs,
  );
  if (claim === null) return null;
  const row = await sql.get<{ quota_bytes: number | null }>(
    `${END}, claimed = true WHERE address = $2 AND ${OPEN} RETURNING quota_bytes`,
    nowMs,
    blob(addressHash(email)),
  );
  if (row === null) return null;
  // Other claims of the same person, of answers that were lost, hold nothing any more.
  await sql.run('DELETE FROM proofs WHERE hash = $1', blob(claimHash));
  return { quotaBytes: row.quota_bytes };
}

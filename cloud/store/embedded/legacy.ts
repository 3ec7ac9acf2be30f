import type { Hash } from '../../../protocol/ids.ts';
import { addressHash } from '../../legacy/address.ts';
import { blob } from '../columns.ts';
import { countShapes, LEGACY_COLUMNS, legacyRow, newColumns, type LegacyColumns } from '../legacy-columns.ts';
import { LEGACY_BATCH, type ImportedShape, type LegacyStore } from '../legacy-store.ts';
import { recordEntry } from './audit.ts';
import type { Database } from './database.ts';

const ROWS = `SELECT ${LEGACY_COLUMNS} FROM legacy_rows r JOIN legacy_imports i ON i.import = r.import`;
/** `?1` is the time. */
const OPEN = 'ended_ms IS NULL AND import IN (SELECT import FROM legacy_imports WHERE expires_ms > ?1)';
const END = 'UPDATE legacy_rows SET email = NULL, proof_hash = NULL, code_hash = NULL, ended_ms = ?1';

export function embeddedLegacy(database: Database): LegacyStore {
  const inBatches = async (work: () => number): Promise<void> => {
    while ((await database.write(work)) === LEGACY_BATCH);
  };
  const isOver = (nowMs: number): boolean =>
    database.get('SELECT 1 FROM legacy_imports WHERE expires_ms > ?', nowMs) === null;

  return {
    async add({ import: given, service, expiresMs, rows, nowMs, audit }) {
      return database.write(() => {
        const number =
          given ??
          database.run(
            'INSERT INTO legacy_imports (service, created_ms, expires_ms) VALUES (?, ?, ?)',
            service,
            nowMs,
            expiresMs,
          ).id;
        const added = rows.flatMap((row) => {
          const { address, email, parameters, proof_hash, quota_bytes } = newColumns(row);
          const taken = database.get<{ parameters: string | null }>(
            `INSERT INTO legacy_rows (address, import, email, parameters, proof_hash, quota_bytes)
             VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (address) DO UPDATE SET import = excluded.import, email = excluded.email,
               parameters = excluded.parameters, proof_hash = excluded.proof_hash, code_hash = NULL,
               quota_bytes = excluded.quota_bytes, ended_ms = NULL
             WHERE claimed = 0 AND (ended_ms IS NOT NULL
               OR EXISTS (SELECT 1 FROM legacy_imports i WHERE i.import = legacy_rows.import AND i.expires_ms <= ?))
             RETURNING parameters`,
            address,
            number,
            email,
            parameters,
            proof_hash,
            quota_bytes,
            nowMs,
          );
          return taken === null ? [] : [taken];
        });
        for (const [shape, count] of countShapes(added)) {
          database.run(
            `INSERT INTO legacy_shapes (import, shape, rows) VALUES (?, ?, ?)
             ON CONFLICT (import, shape) DO UPDATE SET rows = rows + excluded.rows`,
            number,
            shape,
            count,
          );
        }
        if (added.length > 0) recordEntry(database, { ...audit, amount: added.length });
        if (given !== null || added.length > 0) return { import: number, added: added.length };
        database.run('DELETE FROM legacy_imports WHERE import = ?', number);
        return { import: null, added: 0 };
      });
    },
    async offer(nowMs) {
      if (isOver(nowMs)) return null;
      const named = database.get<{ service: string }>(
        'SELECT service FROM legacy_imports WHERE service IS NOT NULL ORDER BY import DESC LIMIT 1',
      );
      const shapes = database.all<ImportedShape>(
        'SELECT import, shape, rows FROM legacy_shapes ORDER BY import, shape',
      );
      return { service: named?.service ?? null, shapes };
    },
    async find(address, nowMs) {
      const row = database.get<LegacyColumns>(`${ROWS} WHERE r.address = ?`, blob(address));
      return row === null ? null : legacyRow(row, nowMs);
    },
    async page(after, limit, nowMs) {
      return database
        .all<LegacyColumns>(
          `${ROWS} WHERE r.address > ? ORDER BY r.address LIMIT ?`,
          blob(after ?? ''),
          limit,
        )
        .map((row) => legacyRow(row, nowMs));
    },
    async setCodes(codes, nowMs, audit) {
      return database.write(() => {
        const taken = codes.flatMap(({ address, codeHash }) => {
          const { changes } = database.run(
            `UPDATE legacy_rows SET code_hash = ?2 WHERE address = ?3 AND ${OPEN}`,
            nowMs,
            blob(codeHash),
            blob(address),
          );
          return changes === 0 ? [] : [address];
        });
        if (taken.length > 0) recordEntry(database, { ...audit, amount: taken.length });
        return taken;
      });
    },
    async expire(which, nowMs, audit) {
      return database.write(() => {
        const ended = which === 'all' ? expireAll(database, nowMs) : expireSome(database, which, nowMs);
        if (ended > 0) recordEntry(database, { ...audit, amount: ended });
        return ended;
      });
    },
    async forgetExpired(nowMs) {
      await inBatches(
        () =>
          database.run(
            `${END} WHERE address IN (SELECT address FROM legacy_rows WHERE ended_ms IS NULL AND import IN
               (SELECT import FROM legacy_imports WHERE expires_ms <= ?1) LIMIT ?2)`,
            nowMs,
            LEGACY_BATCH,
          ).changes,
      );
      await inBatches(() => {
        if (!isOver(nowMs)) return 0;
        const gone = database.run(
          'DELETE FROM legacy_rows WHERE address IN (SELECT address FROM legacy_rows LIMIT ?)',
          LEGACY_BATCH,
        ).changes;
        if (gone < LEGACY_BATCH)
          for (const table of ['legacy_shapes', 'legacy_imports']) database.run(`DELETE FROM ${table}`);
        return gone;
      });
    },
  };
}

function expireSome(database: Database, which: readonly Hash[], nowMs: number): number {
  let ended = 0;
  for (const address of which)
    ended += database.run(`${END} WHERE address = ?2 AND ${OPEN}`, nowMs, blob(address)).changes;
  return ended;
}

function expireAll(database: Database, nowMs: number): number {
  const open = database.get<{ count: number }>(
    `SELECT count(*) AS count FROM legacy_rows WHERE ${OPEN}`,
    nowMs,
  );
  database.run('UPDATE legacy_imports SET expires_ms = ?1 WHERE expires_ms > ?1', nowMs);
  return open?.count ?? 0;
}

/**
 * Uses up a claim and the row it is for, inside a write; null where either does not hold, and nothing is changed.
 * The answer to the address stays what it was.
 */
export function claimRow(
  database: Database,
  claimHash: Hash,
  email: string,
  nowMs: number,
): { readonly quotaBytes: number | null } | null {
  const claim = database.get<{ data: string }>(
    "SELECT data FROM proofs WHERE hash = ? AND kind = 'claim' AND expires_ms > ?",
    blob(claimHash),
    nowMs,
  );
  if (claim?.data !== email) return null;
  const row = database.get<{ address: Buffer; quota_bytes: number | null }>(
    `SELECT address, quota_bytes FROM legacy_rows WHERE address = ?2 AND ${OPEN}`,
    nowMs,
    blob(addressHash(email)),
  );
  if (row === null) return null;
  database.run(`${END}, claimed = 1 WHERE address = ?2`, nowMs, row.address);
  // Other claims of the same person, of answers that were lost, hold nothing any more.
  database.run('DELETE FROM proofs WHERE hash = ?', blob(claimHash));
  return { quotaBytes: row.quota_bytes };
}

import type { PackState } from '../../packs/pack-state.ts';
import { judgeReservation, judgeStored } from '../../quota/judge-reservation.ts';
import { retainedTooMuch, type Usage } from '../../quota/quota.ts';
import { blob, leaseHolder, type LeaseColumns } from '../columns.ts';
import type { PackStore } from '../metadata-store.ts';
import { recordEntry } from './audit.ts';
import type { Database } from './database.ts';
import type { Sql } from './sql.ts';
import { lockAccount, lockedUsage, lockVaultOf, moveBytes } from './locks.ts';

/** When the oldest dropped packs will have left enough room; null when waiting brings nothing. */
export async function returnsAtMs(
  sql: Sql,
  account: Uint8Array,
  usage: Usage,
  retentionMs: number,
): Promise<number | null> {
  const excess = usage.retainedBytes - usage.limitBytes;
  if (excess <= 0) return null;
  const row = await sql.get<{ changed_ms: number }>(
    `SELECT changed_ms FROM (
       SELECT p.changed_ms, sum(p.size) OVER (ORDER BY p.changed_ms, p.vault, p.name) AS gone
       FROM vaults v JOIN packs p ON p.vault = v.key WHERE v.account = $1 AND p.state = 'dropped') AS dropped
     WHERE gone >= $2 ORDER BY gone LIMIT 1`,
    account,
    excess,
  );
  return row === null ? null : row.changed_ms + retentionMs;
}

interface UploadColumns {
  vault: number;
  name: Buffer;
  size: number;
  device: Buffer;
  account: Buffer;
}

export function postgresPacks(database: Database, defaultLimit: number, retentionMs: number): PackStore {
  return {
    async find(account, vault, name) {
      const row = await database.get<{ size: number; state: PackState; bytes: Buffer | null }>(
        `SELECT p.size, p.state, i.bytes FROM vaults v JOIN packs p ON p.vault = v.key
         LEFT JOIN inline_packs i ON i.vault = p.vault AND i.name = p.name
         WHERE v.account = $1 AND v.vault = $2 AND p.name = $3`,
        blob(account),
        blob(vault),
        blob(name),
      );
      return row === null ? null : { size: row.size, state: row.state, inline: row.bytes };
    },
    async reserve({ account, vault, name, size, device, nowMs, resume }) {
      const found = await database.get<LeaseColumns & { key: number; state: PackState | null }>(
        `SELECT v.key, v.lease_device, v.lease_until_ms, p.state FROM vaults v
         LEFT JOIN packs p ON p.vault = v.key AND p.name = $3 WHERE v.account = $1 AND v.vault = $2`,
        blob(account),
        blob(vault),
        blob(name),
      );
      if (found === null) return null;
      if (found.state !== null) return judgeStored(found.state);
      return database.write(async (sql) => {
        const locked = await lockAccount(sql, blob(account));
        const begun = await stateOf(sql, { vault: found.key, name, size, device });
        // Since it was looked for above, the reaper may have taken what nobody named.
        if (begun.state !== null) return judgeStored(begun.state);
        if (resume && begun.upload !== null) {
          await sql.run('UPDATE uploads SET started_ms = $2 WHERE upload = $1', begun.upload, nowMs);
          return { kind: 'reserved', upload: begun.upload };
        }
        const usage = lockedUsage(locked, defaultLimit);
        const returns = retainedTooMuch(usage)
          ? await returnsAtMs(sql, blob(account), usage, retentionMs)
          : null;
        const refused = judgeReservation({
          usage,
          size,
          housekeeping: leaseHolder(found, nowMs) === device,
          returnsAtMs: () => returns,
        });
        if (refused !== null) return refused;
        const row = await sql.get<{ upload: number }>(
          `WITH charged AS (UPDATE accounts SET uncommitted_bytes = uncommitted_bytes + $3 WHERE account = $6)
           INSERT INTO uploads (vault, name, size, device, started_ms) VALUES ($1, $2, $3, $4, $5) RETURNING upload`,
          found.key,
          blob(name),
          size,
          blob(device),
          nowMs,
          blob(account),
        );
        if (row === null) throw new Error('an insertion returns its row');
        return { kind: 'reserved', upload: row.upload };
      });
    },
    async findUpload(account, vault, name, upload) {
      return database.get<{ size: number }>(
        `SELECT u.size FROM uploads u JOIN vaults v ON v.key = u.vault
         WHERE u.upload = $1 AND v.account = $2 AND v.vault = $3 AND u.name = $4`,
        upload,
        blob(account),
        blob(vault),
        blob(name),
      );
    },
    async complete(upload, nowMs) {
      return database.write(async (sql) => {
        const row = await takeUpload(sql, upload);
        if (row === null) return 'gone';
        const stored = await sql.run(
          `INSERT INTO packs (vault, name, size, state, device, changed_ms, inline)
           VALUES ($1, $2, $3, 'uploaded', $4, $5, false) ON CONFLICT DO NOTHING`,
          row.vault,
          row.name,
          row.size,
          row.device,
          nowMs,
        );
        if (stored > 0) return 'stored';
        await moveBytes(sql, row.account, { uncommitted: -row.size });
        const pack = await sql.get<{ state: PackState }>(
          'SELECT state FROM packs WHERE vault = $1 AND name = $2',
          row.vault,
          row.name,
        );
        // The reaper took it between the two statements: as if the bytes had come a moment earlier.
        return pack === null ? 'deleting' : judgeStored(pack.state).kind;
      });
    },
    async release(upload) {
      await database.write(async (sql) => {
        const row = await takeUpload(sql, upload);
        if (row !== null) await moveBytes(sql, row.account, { uncommitted: -row.size });
      });
    },
    async purge(account, vault, names, audit) {
      return database.write(async (sql) => {
        const key = await lockVaultOf(sql, blob(account), blob(vault));
        if (key === null) return null;
        const purged = await sql.all<{ size: number }>(
          `UPDATE packs SET state = 'purged' WHERE vault = $1 AND name = ANY($2::bytea[]) AND state = 'dropped'
           RETURNING size`,
          key,
          names.map(blob),
        );
        const bytes = purged.reduce((sum, { size }) => sum + size, 0);
        if (bytes > 0) await moveBytes(sql, blob(account), { retained: -bytes });
        if (purged.length > 0) await recordEntry(sql, { ...audit, amount: purged.length });
        return purged.length;
      });
    },
  };
}

/** Of a pack: its row, and this device's upload of it. The account is locked. */
async function stateOf(
  sql: Sql,
  pack: { readonly vault: number; readonly name: string; readonly size: number; readonly device: string },
): Promise<{ state: PackState | null; upload: number | null }> {
  const row = await sql.get<{ state: PackState | null; upload: number | null }>(
    `SELECT (SELECT state FROM packs WHERE vault = $1 AND name = $2) AS state,
       (SELECT min(upload) FROM uploads WHERE vault = $1 AND name = $2 AND size = $3 AND device = $4) AS upload`,
    pack.vault,
    blob(pack.name),
    pack.size,
    blob(pack.device),
  );
  return row ?? { state: null, upload: null };
}

function takeUpload(sql: Sql, upload: number): Promise<UploadColumns | null> {
  return sql.get<UploadColumns>(
    `DELETE FROM uploads AS u USING vaults AS v WHERE u.upload = $1 AND v.key = u.vault
     RETURNING u.vault, u.name, u.size, u.device, v.account`,
    upload,
  );
}

import { judgeReservation, judgeStored } from '../../quota/judge-reservation.ts';
import type { Usage } from '../../quota/quota.ts';
import type { PackState } from '../../packs/pack-state.ts';
import type { PackStore } from '../metadata-store.ts';
import { blob, leaseHolder, type LeaseColumns } from '../columns.ts';
import { recordEntry } from './audit.ts';
import type { Database } from './database.ts';
import { moveBytes, readUsage } from './usage.ts';

/** When the oldest dropped packs will have left enough room; null when waiting brings nothing. */
export function returnsAtMs(
  database: Database,
  account: Uint8Array,
  usage: Usage,
  retentionMs: number,
): number | null {
  let excess = usage.retainedBytes - usage.limitBytes;
  if (excess <= 0) return null;
  const rows = database.iterate<{ size: number; changed_ms: number }>(
    `SELECT p.size, p.changed_ms FROM packs p JOIN vaults v ON v.key = p.vault
     WHERE v.account = ? AND p.state = 'dropped' ORDER BY p.changed_ms`,
    account,
  );
  for (const row of rows) {
    excess -= row.size;
    if (excess <= 0) return row.changed_ms + retentionMs;
  }
  return null;
}

interface UploadColumns {
  vault: number;
  name: Buffer;
  size: number;
  device: Buffer;
  account: Buffer;
}

export function embeddedPacks(database: Database, defaultLimit: number, retentionMs: number): PackStore {
  const findVault = (account: string, vault: string): (LeaseColumns & { key: number }) | null =>
    database.get(
      'SELECT key, lease_device, lease_until_ms FROM vaults WHERE account = ? AND vault = ?',
      blob(account),
      blob(vault),
    );
  /** An upload that goes on already, begun anew. */
  const takeUp = (again: {
    readonly vault: number;
    readonly name: string;
    readonly size: number;
    readonly device: string;
    readonly nowMs: number;
  }): number | null => {
    const row = database.get<{ upload: number }>(
      `UPDATE uploads SET started_ms = ? WHERE vault = ? AND name = ? AND device = ? AND size = ?
       RETURNING upload`,
      again.nowMs,
      again.vault,
      blob(again.name),
      blob(again.device),
      again.size,
    );
    return row?.upload ?? null;
  };
  const takeUpload = (upload: number): UploadColumns | null => {
    const row = database.get<UploadColumns>(
      `SELECT u.vault, u.name, u.size, u.device, v.account FROM uploads u JOIN vaults v ON v.key = u.vault
       WHERE u.upload = ?`,
      upload,
    );
    database.run('DELETE FROM uploads WHERE upload = ?', upload);
    return row;
  };

  return {
    async find(account, vault, name) {
      const row = database.get<{ key: number; size: number; state: PackState; bytes: Buffer | null }>(
        `SELECT p.key, p.size, p.state, i.bytes FROM packs p JOIN vaults v ON v.key = p.vault
         LEFT JOIN inline_packs i ON i.pack = p.key WHERE v.account = ? AND v.vault = ? AND p.name = ?`,
        blob(account),
        blob(vault),
        blob(name),
      );
      return row === null ? null : { size: row.size, state: row.state, inline: row.bytes };
    },
    async reserve({ account, vault, name, size, device, nowMs, resume }) {
      return database.write(() => {
        const found = findVault(account, vault);
        if (found === null) return null;
        const stored = database.get<{ state: PackState }>(
          'SELECT state FROM packs WHERE vault = ? AND name = ?',
          found.key,
          blob(name),
        );
        if (stored !== null) return judgeStored(stored.state);
        const begun = resume ? takeUp({ vault: found.key, name, size, device, nowMs }) : null;
        if (begun !== null) return { kind: 'reserved', upload: begun };
        const usage = readUsage(database, blob(account), defaultLimit);
        const refused = judgeReservation({
          usage,
          size,
          housekeeping: leaseHolder(found, nowMs) === device,
          returnsAtMs: () => returnsAtMs(database, blob(account), usage, retentionMs),
        });
        if (refused !== null) return refused;
        moveBytes(database, blob(account), { uncommitted: size });
        const { id } = database.run(
          'INSERT INTO uploads (vault, name, size, device, started_ms) VALUES (?, ?, ?, ?, ?)',
          found.key,
          blob(name),
          size,
          blob(device),
          nowMs,
        );
        return { kind: 'reserved', upload: id };
      });
    },
    async findUpload(account, vault, name, upload) {
      return database.get<{ size: number }>(
        `SELECT u.size FROM uploads u JOIN vaults v ON v.key = u.vault
         WHERE u.upload = ? AND v.account = ? AND v.vault = ? AND u.name = ?`,
        upload,
        blob(account),
        blob(vault),
        blob(name),
      );
    },
    async complete(upload, nowMs) {
      return database.write(() => {
        const row = takeUpload(upload);
        if (row === null) return 'gone';
        const stored = database.get<{ state: PackState }>(
          'SELECT state FROM packs WHERE vault = ? AND name = ?',
          row.vault,
          row.name,
        );
        if (stored !== null) {
          moveBytes(database, row.account, { uncommitted: -row.size });
          return judgeStored(stored.state).kind;
        }
        database.run(
          `INSERT INTO packs (vault, name, size, state, device, changed_ms, inline) VALUES (?, ?, ?, 'uploaded', ?, ?, 0)`,
          row.vault,
          row.name,
          row.size,
          row.device,
          nowMs,
        );
        return 'stored';
      });
    },
    async release(upload) {
      await database.write(() => {
        const row = takeUpload(upload);
        if (row !== null) moveBytes(database, row.account, { uncommitted: -row.size });
      });
    },
    async purge(account, vault, names, audit) {
      return database.write(() => {
        const found = findVault(account, vault);
        if (found === null) return null;
        let purged = 0;
        for (const name of names) {
          const row = database.get<{ size: number }>(
            `UPDATE packs SET state = 'purged' WHERE vault = ? AND name = ? AND state = 'dropped' RETURNING size`,
            found.key,
            blob(name),
          );
          if (row === null) continue;
          purged += 1;
          moveBytes(database, blob(account), { retained: -row.size });
        }
        if (purged > 0) recordEntry(database, { ...audit, amount: purged });
        return purged;
      });
    },
  };
}

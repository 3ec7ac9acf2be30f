import { DAY_MS } from '../../../protocol/limits.ts';
import type { AccountId } from '../../../protocol/ids.ts';
import { doomedMoves, UPLOAD_MS } from '../../packs/pack-state.ts';
import { auditUsage, type AuditedStore } from '../audit-usage.ts';
import { blob, blobName, hex, type BlobNameColumns } from '../columns.ts';
import type { StoreStats, UpkeepStore } from '../metadata-store.ts';
import type { BlobName } from '../blob-store.ts';
import { forgetAccountRows } from './forget-account.ts';
import type { Database } from './database.ts';
import { readSetting, writeSetting } from './settings.ts';
import { embeddedTables } from './table-rows.ts';
import { moveBytes } from './usage.ts';

const HOLD = 'blobs-held-until-ms';
const AUDITED = 'usage-audited';

interface ExpiredRecord {
  id: number;
  vault: number;
  account: Buffer;
  from_seq: number;
  to_seq: number;
  bytes: number;
}

interface ExpiredPack {
  key: number;
  vault: number;
  account: Buffer;
  state: 'dropped' | 'purged' | 'uploaded';
  size: number;
  index_bytes: number;
}

export interface Retention {
  readonly retentionMs: number;
  readonly uncommittedMs: number;
}

export function embeddedUpkeep(database: Database, { retentionMs, uncommittedMs }: Retention): UpkeepStore {
  return {
    // Whoever runs the upkeep holds the data directory.
    hold: () => Promise.resolve(true),
    release: () => Promise.resolve(),
    async forgetExpired(nowMs) {
      await database.write(() => {
        for (const table of ['tokens', 'grants', 'proofs']) {
          database.run(`DELETE FROM ${table} WHERE expires_ms <= ?`, nowMs);
        }
        database.run(
          'DELETE FROM sessions WHERE created_ms < ? AND session NOT IN (SELECT session FROM tokens)',
          nowMs - DAY_MS,
        );
        database.run('DELETE FROM voided_commits WHERE voided_ms <= ?', nowMs - retentionMs);
        releaseUploads(database, nowMs - UPLOAD_MS);
      });
    },
    async forgetRecords(nowMs, batch) {
      return database.write(() => {
        const rows = database.all<ExpiredRecord>(
          `SELECT r.rowid AS id, r.vault, v.account, r.from_seq, r.to_seq, coalesce(length(r.object), 0) AS bytes
           FROM records r JOIN vaults v ON v.key = r.vault WHERE r.to_ms <= ? LIMIT ?`,
          nowMs - retentionMs,
          batch,
        );
        for (const row of rows) {
          database.run('DELETE FROM records WHERE rowid = ?', row.id);
          moveBytes(database, row.account, { retained: -row.bytes });
          raiseFloor(database, row.vault, row.to_seq);
        }
        for (const row of rows) forgetLists(database, row.vault, [row.from_seq, row.to_seq]);
        return rows.length;
      });
    },
    async doomPacks(nowMs, batch) {
      return database.write(() => {
        if (heldBlobs(database, nowMs)) return [];
        for (const pack of expiredPacks(database, nowMs - retentionMs, nowMs - uncommittedMs, batch)) {
          doom(database, pack);
        }
        return database
          .all<BlobNameColumns & { inline: number }>(
            `SELECT v.account, v.vault, p.name, p.inline FROM packs p JOIN vaults v ON v.key = p.vault
             WHERE p.state = 'deleting' OR (p.state = 'purged' AND p.bytes_gone = 0) LIMIT ?`,
            batch,
          )
          .map((row) => ({ ...blobName(row), inline: row.inline !== 0 }));
      });
    },
    async doomStrays(blobs, nowMs) {
      return database.write(() => {
        if (heldBlobs(database, nowMs)) return 0;
        return blobs.filter(({ name, size }) => doomStray(database, name, size, nowMs)).length;
      });
    },
    async forgetPacks(packs) {
      await database.write(() => {
        for (const { account, vault, name } of packs) {
          const key = database.get<{ key: number }>(
            `SELECT p.key FROM packs p JOIN vaults v ON v.key = p.vault
             WHERE v.account = ? AND v.vault = ? AND p.name = ?`,
            blob(account),
            blob(vault),
            blob(name),
          )?.key;
          if (key === undefined) continue;
          database.run('DELETE FROM inline_packs WHERE pack = ?', key);
          database.run("UPDATE packs SET bytes_gone = 1 WHERE key = ? AND state = 'purged'", key);
          const gone = database.get<{ vault: number }>(
            "DELETE FROM packs WHERE key = ? AND state = 'deleting' RETURNING vault",
            key,
          );
          if (gone === null) continue;
          const spans = database.all<{ from_seq: number; to_seq: number | null }>(
            'DELETE FROM pack_spans WHERE pack = ? RETURNING from_seq, to_seq',
            key,
          );
          forgetLists(
            database,
            gone.vault,
            spans.flatMap((span) => [span.from_seq, span.to_seq ?? span.from_seq]),
          );
        }
      });
    },
    async doomedAccounts(nowMs) {
      if (heldBlobs(database, nowMs)) return [];
      return database
        .all<{ account: Buffer }>(
          `SELECT account FROM accounts a WHERE doomed = 1 AND NOT EXISTS
             (SELECT 1 FROM uploads u JOIN vaults v ON v.key = u.vault WHERE v.account = a.account)`,
        )
        .map((row) => hex(row.account) as AccountId);
    },
    async forgetAccount(account, batch, audit) {
      return database.write(() => forgetAccountRows(database, blob(account), batch, audit));
    },
    auditUsage: (nowMs, batch, roundMs) => auditUsage(auditedStore(database), nowMs, batch, roundMs),
    async holdBlobs(untilMs) {
      await database.write(() => {
        writeSetting(database, HOLD, String(untilMs));
      });
    },
    async stats() {
      const stats = database.get<StoreStats>(
        `SELECT count(*) AS accounts, coalesce(sum(live_bytes), 0) AS liveBytes,
           coalesce(sum(uncommitted_bytes), 0) AS uncommittedBytes,
           coalesce(sum(retained_bytes), 0) AS retainedBytes,
           (SELECT count(*) FROM vaults) AS vaults, (SELECT coalesce(sum(head_seq), 0) FROM vaults) AS commits,
           (SELECT count(*) FROM packs) AS packs
         FROM accounts WHERE doomed = 0`,
      );
      if (stats === null) throw new Error('an aggregate has a row');
      return stats;
    },
  };
}

function auditedStore(database: Database): AuditedStore {
  return {
    tables: embeddedTables(database),
    readPlace: () => Promise.resolve(readSetting(database, AUDITED)),
    advance: (from, to, mend) =>
      database.write(() => {
        if (readSetting(database, AUDITED) !== from) return false;
        writeSetting(database, AUDITED, to);
        if (mend !== null) moveBytes(database, blob(mend.account), mend.moves);
        return true;
      }),
    accountsAfter: (account, count) =>
      Promise.resolve(
        database
          .all<{ account: Buffer }>(
            'SELECT account FROM accounts WHERE account > ? AND doomed = 0 ORDER BY account LIMIT ?',
            account,
            count,
          )
          .map((row) => row.account),
      ),
  };
}

function heldBlobs(database: Database, nowMs: number): boolean {
  return Number(readSetting(database, HOLD) ?? 0) > nowMs;
}

/** Gives back bytes charged for uploads that began before `beforeMs` and never ended. */
export function releaseUploads(database: Database, beforeMs: number): void {
  const rows = database.all<{ account: Buffer; size: number }>(
    `SELECT v.account, u.size FROM uploads u JOIN vaults v ON v.key = u.vault WHERE u.started_ms < ?`,
    beforeMs,
  );
  for (const row of rows) moveBytes(database, row.account, { uncommitted: -row.size });
  database.run('DELETE FROM uploads WHERE started_ms < ?', beforeMs);
}

function raiseFloor(database: Database, vault: number, seq: number): void {
  database.run('UPDATE vaults SET floor_seq = ? WHERE key = ? AND floor_seq < ?', seq, vault, seq);
}

/** Forgets the lists of those commits that nothing live or retained came from any more. */
function forgetLists(database: Database, vault: number, seqs: readonly number[]): void {
  for (const seq of seqs) {
    database.run(
      `DELETE FROM commit_lists WHERE vault = ?1 AND seq = ?2
         AND seq <= (SELECT floor_seq FROM vaults WHERE key = ?1)
         AND NOT EXISTS (SELECT 1 FROM records WHERE vault = ?1 AND from_seq = ?2 AND object IS NOT NULL)
         AND NOT EXISTS (SELECT 1 FROM pack_spans WHERE vault = ?1 AND from_seq = ?2)
         AND NOT EXISTS (SELECT 1 FROM pack_spans WHERE vault = ?1 AND to_seq = ?2)`,
      vault,
      seq,
    );
  }
}

function expiredPacks(
  database: Database,
  retainedBefore: number,
  silentBefore: number,
  batch: number,
): ExpiredPack[] {
  const columns = `p.key, p.vault, v.account, p.state, p.size, coalesce(length(p.index_object), 0) AS index_bytes`;
  const dropped = database.all<ExpiredPack>(
    `SELECT ${columns} FROM packs p JOIN vaults v ON v.key = p.vault
     WHERE p.state IN ('dropped', 'purged') AND p.changed_ms <= ? LIMIT ?`,
    retainedBefore,
    batch,
  );
  const uploaded = database.all<ExpiredPack>(
    `SELECT ${columns} FROM packs p JOIN vaults v ON v.key = p.vault
     LEFT JOIN devices d ON d.account = v.account AND d.device = p.device
     WHERE p.state = 'uploaded' AND p.changed_ms <= ?1 AND coalesce(d.last_heard_ms, 0) <= ?1 LIMIT ?2`,
    silentBefore,
    batch,
  );
  return [...dropped, ...uploaded];
}

/** False where something names it. The row keeps it from being uploaded while its bytes are removed. */
function doomStray(
  database: Database,
  { account, vault, pack }: BlobName,
  size: number,
  nowMs: number,
): boolean {
  const doomed = database.get<{ key: number }>(
    `INSERT INTO packs (vault, name, size, state, device, changed_ms, inline)
     SELECT v.key, ?1, ?2, 'deleting', zeroblob(16), ?3, 0 FROM vaults v
     WHERE v.account = ?4 AND v.vault = ?5
       AND NOT EXISTS (SELECT 1 FROM packs p WHERE p.vault = v.key AND p.name = ?1)
       AND NOT EXISTS (SELECT 1 FROM uploads u WHERE u.vault = v.key AND u.name = ?1)
     RETURNING key`,
    blob(pack),
    size,
    nowMs,
    blob(account),
    blob(vault),
  );
  return doomed !== null;
}

function doom(database: Database, pack: ExpiredPack): void {
  database.run("UPDATE packs SET state = 'deleting' WHERE key = ?", pack.key);
  moveBytes(database, pack.account, doomedMoves(pack));
  if (pack.state === 'uploaded') return;
  const last = database.get<{ seq: number | null }>(
    'SELECT max(to_seq) AS seq FROM pack_spans WHERE pack = ?',
    pack.key,
  );
  raiseFloor(database, pack.vault, last?.seq ?? 0);
}

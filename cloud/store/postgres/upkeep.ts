import { DAY_MS } from '../../../protocol/limits.ts';
import type { AccountId } from '../../../protocol/ids.ts';
import { UPLOAD_MS } from '../../packs/pack-state.ts';
import { auditUsage, type AuditedStore } from '../audit-usage.ts';
import { blob, blobName, hex, type BlobNameColumns } from '../columns.ts';
import type { StoreStats, UpkeepStore } from '../metadata-store.ts';
import type { Database } from './database.ts';
import { doomExpired, doomUnnamed, forgetDoomed } from './expired-packs.ts';
import { forgetExpiredRecords } from './expired-records.ts';
import { forgetAccountRows } from './forget-account.ts';
import { moveBytes } from './locks.ts';
import { readSetting, writeSetting } from './settings.ts';
import { postgresTables } from './table-rows.ts';

const HOLD = 'blobs-held-until-ms';
const AUDITED = 'usage-audited';
const STATS = 'stats';
/** By then every bucket is full again, which is as if it were not there. */
const RATES_MS = DAY_MS;
/** Rows of one kind deleted at once. */
const ROWS = 5000;

export interface UpkeepOptions {
  readonly retentionMs: number;
  readonly uncommittedMs: number;
  /** Sums over everything are made no more often: they read everything. */
  readonly statsAgeMs: number;
}

export function postgresUpkeep(database: Database, options: UpkeepOptions): UpkeepStore {
  const { retentionMs, uncommittedMs, statsAgeMs } = options;
  const held = async (nowMs: number): Promise<boolean> =>
    Number((await readSetting(database, HOLD)) ?? 0) > nowMs;
  const inBatches = async (sql: string, beforeMs: number): Promise<void> => {
    while ((await database.run(sql, beforeMs, ROWS)) === ROWS);
  };

  return {
    async hold(holder, lengthMs) {
      const row = await database.get(
        `INSERT INTO leases AS l (name, holder, until) VALUES ('upkeep', $1, clock_timestamp() + $2 * interval '1 ms')
         ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
         WHERE l.holder = excluded.holder OR l.until < clock_timestamp() RETURNING 1`,
        holder,
        lengthMs,
      );
      return row !== null;
    },
    async release(holder) {
      await database.run("DELETE FROM leases WHERE name = 'upkeep' AND holder = $1", holder);
    },
    async forgetExpired(nowMs) {
      await forgetTokens(database, nowMs);
      await inBatches(deleteOldest('grants', 'expires_ms'), nowMs);
      await inBatches(deleteOldest('proofs', 'expires_ms'), nowMs);
      await inBatches(deleteOldest('voided_commits', 'voided_ms'), nowMs - retentionMs);
      await inBatches(deleteOldest('rates', 'at_ms'), nowMs - RATES_MS);
      await releaseUploads(database, nowMs - UPLOAD_MS);
    },
    async forgetRecords(nowMs, batch) {
      return forgetExpiredRecords(database, nowMs - retentionMs, batch);
    },
    async doomPacks(nowMs, batch) {
      if (await held(nowMs)) return [];
      await doomExpired(
        database,
        { retainedBefore: nowMs - retentionMs, silentBefore: nowMs - uncommittedMs },
        batch,
      );
      const rows = await database.all<BlobNameColumns & { inline: boolean }>(
        `SELECT v.account, v.vault, p.name, p.inline FROM packs p JOIN vaults v ON v.key = p.vault
         WHERE p.state = 'deleting' OR (p.state = 'purged' AND NOT p.bytes_gone) LIMIT $1`,
        batch,
      );
      return rows.map((row) => ({ ...blobName(row), inline: row.inline }));
    },
    async doomStrays(blobs, nowMs) {
      return (await held(nowMs)) ? 0 : doomUnnamed(database, blobs, nowMs);
    },
    async forgetPacks(packs) {
      await forgetDoomed(database, packs);
    },
    async doomedAccounts(nowMs) {
      if (await held(nowMs)) return [];
      const rows = await database.all<{
        account: Buffer;
      }>(`SELECT account FROM accounts a WHERE doomed AND 0 =
           (SELECT count(*) FROM vaults v JOIN uploads u ON u.vault = v.key WHERE v.account = a.account)`);
      return rows.map((row) => hex(row.account) as AccountId);
    },
    async forgetAccount(account, batch, audit) {
      return database.write((sql) => forgetAccountRows(sql, blob(account), batch, audit));
    },
    auditUsage: (nowMs, batch, roundMs) => auditUsage(auditedStore(database), nowMs, batch, roundMs),
    async holdBlobs(untilMs) {
      await writeSetting(database, HOLD, String(untilMs));
    },
    async stats() {
      const kept = await readSetting(database, STATS);
      const known = kept === null ? null : (JSON.parse(kept) as { atMs: number; stats: StoreStats });
      if (known !== null && Date.now() - known.atMs < statsAgeMs) return known.stats;
      const stats = await database.get<StoreStats>(
        `SELECT count(*) AS accounts, coalesce(sum(live_bytes), 0)::bigint AS "liveBytes",
           coalesce(sum(uncommitted_bytes), 0)::bigint AS "uncommittedBytes",
           coalesce(sum(retained_bytes), 0)::bigint AS "retainedBytes",
           (SELECT count(*) FROM vaults) AS vaults,
           (SELECT coalesce(sum(head_seq), 0)::bigint FROM vaults) AS commits,
           (SELECT count(*) FROM packs) AS packs
         FROM accounts WHERE NOT doomed`,
      );
      if (stats === null) throw new Error('an aggregate has a row');
      await writeSetting(database, STATS, JSON.stringify({ atMs: Date.now(), stats }));
      return stats;
    },
  };
}

function auditedStore(database: Database): AuditedStore {
  return {
    tables: postgresTables(database),
    readPlace: () => readSetting(database, AUDITED),
    advance: (from, to, mend) =>
      database.write(async (sql) => {
        const kept = await sql.run(
          `INSERT INTO settings AS s (name, value) VALUES ($1, $3)
           ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE s.value = $2`,
          AUDITED,
          from ?? '',
          to,
        );
        if (kept === 1 && mend !== null) await moveBytes(sql, blob(mend.account), mend.moves);
        return kept === 1;
      }),
    async accountsAfter(account, count) {
      const rows = await database.all<{ account: Buffer }>(
        'SELECT account FROM accounts WHERE account > $1 AND NOT doomed ORDER BY account LIMIT $2',
        account,
        count,
      );
      return rows.map((row) => row.account);
    },
  };
}

function deleteOldest(table: string, time: string): string {
  return `DELETE FROM ${table} WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM ${table} WHERE ${time} <= $1 ORDER BY ${time} LIMIT $2))`;
}

/** Tokens past their time, and the sessions which lose their last one so. */
async function forgetTokens(database: Database, nowMs: number): Promise<void> {
  for (;;) {
    const row = await database.get<{ gone: number }>(
      `WITH gone AS (
         DELETE FROM tokens WHERE ctid = ANY(ARRAY(
           SELECT ctid FROM tokens WHERE expires_ms <= $1 ORDER BY expires_ms LIMIT $2))
         RETURNING session
       ), ended AS (
         DELETE FROM sessions s USING (SELECT DISTINCT session FROM gone) g
         WHERE s.session = g.session
           AND NOT EXISTS (SELECT 1 FROM tokens t WHERE t.session = s.session AND t.expires_ms > $1)
       )
       SELECT count(*) AS gone FROM gone`,
      nowMs,
      ROWS,
    );
    if ((row?.gone ?? 0) < ROWS) return;
  }
}

/** Gives back bytes charged for uploads that began before `beforeMs` and never ended. */
async function releaseUploads(database: Database, beforeMs: number): Promise<void> {
  await database.run(
    `WITH gone AS (DELETE FROM uploads WHERE started_ms < $1 RETURNING vault, size),
       sums AS (SELECT v.account, sum(g.size)::bigint AS bytes FROM gone g JOIN vaults v ON v.key = g.vault
                GROUP BY v.account)
     UPDATE accounts a SET uncommitted_bytes = uncommitted_bytes - s.bytes FROM sums s WHERE a.account = s.account`,
    beforeMs,
  );
}

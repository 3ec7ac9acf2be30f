import { doomedMoves } from '../../packs/pack-state.ts';
import type { BlobName } from '../blob-store.ts';
import { blob } from '../columns.ts';
import type { DoomedPack } from '../metadata-store.ts';
import type { Database } from './database.ts';
import type { Sql } from './sql.ts';
import { forgetLists, raiseFloor } from './expired-records.ts';
import { lockAccount, lockVault, lockVaultOf, moveBytes } from './locks.ts';

interface ExpiredPack {
  name: Buffer;
  state: 'dropped' | 'purged' | 'uploaded';
  size: number;
  index_bytes: number;
}

interface Times {
  /** Dropped ones go from here on. */
  readonly retainedBefore: number;
  /** Uploads never committed, when their device was last heard before. */
  readonly silentBefore: number;
}

/** Marks up to `batch` packs of either kind `deleting`, a transaction for each vault they are of. */
export async function doomExpired(database: Database, times: Times, batch: number): Promise<void> {
  const found = await database.all<{ vault: number; name: Buffer }>(
    `(SELECT vault, name FROM packs WHERE state IN ('dropped', 'purged') AND changed_ms <= $1 LIMIT $3)
     UNION ALL
     (SELECT p.vault, p.name FROM packs p JOIN vaults v ON v.key = p.vault
      LEFT JOIN devices d ON d.account = v.account AND d.device = p.device
      WHERE p.state = 'uploaded' AND p.changed_ms <= $2 AND coalesce(d.last_heard_ms, 0) <= $2 LIMIT $3)`,
    times.retainedBefore,
    times.silentBefore,
    batch,
  );
  const byVault = new Map<number, Buffer[]>();
  for (const { vault, name } of found) byVault.set(vault, [...(byVault.get(vault) ?? []), name]);
  for (const [vault, names] of byVault) await database.write((sql) => doomOf(sql, vault, names, times));
}

async function doomOf(sql: Sql, key: number, names: readonly Buffer[], times: Times): Promise<void> {
  const vault = await lockVault(sql, key);
  if (vault === null) return;
  const packs = await sql.all<ExpiredPack>(
    `SELECT name, state, size, coalesce(octet_length(index_object), 0)::bigint AS index_bytes FROM packs
     WHERE vault = $1 AND name = ANY($2::bytea[])
       AND ((state IN ('dropped', 'purged') AND changed_ms <= $3) OR (state = 'uploaded' AND changed_ms <= $4))`,
    key,
    names,
    times.retainedBefore,
    times.silentBefore,
  );
  if (packs.length === 0) return;
  const going = packs.map((pack) => pack.name);
  await sql.run(
    "UPDATE packs SET state = 'deleting' WHERE vault = $1 AND name = ANY($2::bytea[])",
    key,
    going,
  );
  const last = await sql.get<{ seq: number | null }>(
    'SELECT max(to_seq) AS seq FROM pack_spans WHERE vault = $1 AND name = ANY($2::bytea[])',
    key,
    packs.filter((pack) => pack.state !== 'uploaded').map((pack) => pack.name),
  );
  await raiseFloor(sql, key, last?.seq ?? 0);
  await lockAccount(sql, vault.account);
  for (const pack of packs) await moveBytes(sql, vault.account, doomedMoves(pack));
}

/** Marks blobs `deleting` that neither a pack nor an upload of their vault names; how many. */
export async function doomUnnamed(
  database: Database,
  blobs: readonly { readonly name: BlobName; readonly size: number }[],
  nowMs: number,
): Promise<number> {
  const byVault = Map.groupBy(blobs, ({ name }) => `${name.account}/${name.vault}`);
  let doomed = 0;
  for (const group of byVault.values()) {
    const [first] = group;
    if (first === undefined) continue;
    const { account, vault } = first.name;
    doomed += await database.write(async (sql) => {
      const key = await lockVaultOf(sql, blob(account), blob(vault));
      if (key === null) return 0;
      // Uploads are begun under it.
      await lockAccount(sql, blob(account));
      return sql.run(
        `INSERT INTO packs (vault, name, size, state, device, changed_ms, inline)
         SELECT $1, s.name, s.size, 'deleting', $4, $5, false FROM unnest($2::bytea[], $3::bigint[]) AS s (name, size)
         WHERE NOT EXISTS (SELECT 1 FROM uploads u WHERE u.vault = $1 AND u.name = s.name)
         ON CONFLICT DO NOTHING`,
        key,
        group.map(({ name }) => blob(name.pack)),
        group.map(({ size }) => size),
        Buffer.alloc(16),
        nowMs,
      );
    });
  }
  return doomed;
}

/** Their blobs are gone: those `deleting` are forgotten, of those `purged` it is noted. */
export async function forgetDoomed(database: Database, packs: readonly DoomedPack[]): Promise<void> {
  const byVault = new Map<string, { account: Buffer; vault: Buffer; names: Buffer[] }>();
  for (const { account, vault, name } of packs) {
    const of = byVault.get(vault) ?? { account: blob(account), vault: blob(vault), names: [] };
    of.names.push(blob(name));
    byVault.set(vault, of);
  }
  for (const { account, vault, names } of byVault.values()) {
    await database.write(async (sql) => {
      const key = await lockVaultOf(sql, account, vault);
      if (key !== null) await forgetOf(sql, key, names);
    });
  }
}

async function forgetOf(sql: Sql, vault: number, names: readonly Buffer[]): Promise<void> {
  await sql.run(
    `DELETE FROM inline_packs i USING packs p WHERE i.vault = $1 AND i.name = ANY($2::bytea[])
       AND p.vault = $1 AND p.name = i.name AND p.state IN ('purged', 'deleting')`,
    vault,
    names,
  );
  await sql.run(
    "UPDATE packs SET bytes_gone = true WHERE vault = $1 AND name = ANY($2::bytea[]) AND state = 'purged'",
    vault,
    names,
  );
  const gone = await sql.all<{ name: Buffer }>(
    "DELETE FROM packs WHERE vault = $1 AND name = ANY($2::bytea[]) AND state = 'deleting' RETURNING name",
    vault,
    names,
  );
  if (gone.length === 0) return;
  const spans = await sql.all<{ from_seq: number; to_seq: number | null }>(
    'DELETE FROM pack_spans WHERE vault = $1 AND name = ANY($2::bytea[]) RETURNING from_seq, to_seq',
    vault,
    gone.map(({ name }) => name),
  );
  await forgetLists(
    sql,
    vault,
    spans.flatMap((span) => [span.from_seq, span.to_seq ?? span.from_seq]),
  );
}

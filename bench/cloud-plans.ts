/**
 * PostgreSQL with ten million records and a million packs: the plan of every statement a server runs, as PostgreSQL
 * itself tells it, that none reads a table from end to end, and how long the slowest of each took; and whether a fresh
 * device is given a long log in memory that does not grow with it. By hand: `npm run bench -- --only cloud-plans`.
 */
import { encodeEntries, encodeHeads, encodePacks, encodeRejoin } from '../protocol/commit.ts';
import type { AccountId, Hash, NodeId, VaultId } from '../protocol/ids.ts';
import { openPostgresStore } from '../cloud/store/postgres/postgres-store.ts';
import { insertRows } from '../cloud/store/postgres/table-rows.ts';
import { startPostgres, type PostgresServer } from '../test/scaled/postgres.ts';
import { StoreLife } from '../test/scaled/store-life.ts';
import { row, type Row } from './report.ts';
import type { Setting } from './scenario.ts';

const OPTIONS = { defaultQuotaBytes: 60_000, retentionMs: 1000, uncommittedMs: 500, statsAgeMs: 0 };
const VAULTS = 10_000;
/** Of the log that a fresh device reads. */
const ENTRIES = 100;
const OBJECT_BYTES = 300;
const PAGE_BYTES = 4 * 1024 * 1024;
const SMALL = /^(settings|schema_versions|leases)$/;

export async function cloudPlans(setting: Setting): Promise<readonly Row[]> {
  const server = await startPostgres();
  try {
    const records = setting.quick ? 100_000 : 10_000_000;
    const rows = [...(await plans(server, records, setting)), ...(await fresh(server, setting))];
    return rows;
  } finally {
    await server.stop();
  }
}

/** Each account has a vault; a tenth as many packs as records. */
const filling = (records: number): readonly string[] => {
  const each = records / VAULTS;
  const commits = Math.ceil(each / 100);
  return [
    `INSERT INTO accounts (account, email, registration, bundle, bundle_version, created_ms, chain_length, chain_head)
     SELECT decode(md5('a' || i), 'hex'), i || '@example.org', 'r', '{}', 1, 0, 2, '\\x00' FROM generate_series(1, ${VAULTS}) i`,
    `INSERT INTO vaults (account, vault, created_ms, head_seq, head_hash, head_received_ms, epoch, chain_length,
       epoch_chain_length) SELECT account, decode(md5(email), 'hex'), 0, ${commits}, '\\x00', 0, 0, 2, 2 FROM accounts`,
    `INSERT INTO commits SELECT key, i, sha256(convert_to(key || 'c' || i, 'UTF8')), i, 5000, decode(repeat('00', 320), 'hex'),
       decode(repeat('00', 64), 'hex') FROM vaults, generate_series(1, ${commits}) i`,
    `INSERT INTO records SELECT key, decode(md5(key || 'n' || i), 'hex'), 1, 1 + i / 100,
       CASE WHEN i % 20 = 0 THEN ${each} END, CASE WHEN i % 20 = 0 THEN 9e15 END, sha256(convert_to(i::text, 'UTF8')),
       decode(repeat('ab', ${OBJECT_BYTES}), 'hex') FROM vaults, generate_series(1, ${each}) i`,
    `INSERT INTO packs (vault, name, size, state, device, changed_ms, inline, index_hash, index_object)
     SELECT key, sha256(convert_to(key || 'p' || i, 'UTF8')), 100, CASE i % 10 WHEN 1 THEN 'dropped' WHEN 2 THEN 'uploaded' ELSE 'live' END,
       decode(repeat('00', 16), 'hex'), 9e15, false, '\\x00', decode(repeat('cd', 200), 'hex')
     FROM vaults, generate_series(1, ${each / 10}) i`,
    `INSERT INTO pack_spans SELECT vault, name, 1, CASE WHEN state = 'dropped' THEN 2 END FROM packs WHERE state <> 'uploaded'`,
    `INSERT INTO commit_lists SELECT vault, seq, '\\x00', '\\x00', '\\x00', '\\x00' FROM commits`,
    "INSERT INTO epochs SELECT key, 0, 1, 2, '\\x00', '\\x00' FROM vaults",
    "INSERT INTO voided_commits SELECT key, 21, '\\x00', 9e15, '\\x00' FROM vaults",
    "INSERT INTO inline_packs SELECT vault, name, '\\x00' FROM packs WHERE get_byte(name, 0) < 16",
    "INSERT INTO uploads (vault, name, size, device, started_ms) SELECT key, '\\x00', 10, '\\x00', 9e15 FROM vaults",
    "INSERT INTO chain_entries SELECT account, i, '\\x00' FROM accounts, generate_series(0, 1) i",
    `INSERT INTO devices (account, device, last_heard_ms)
     SELECT account, decode(md5(email || i), 'hex'), 900000 FROM accounts, generate_series(1, 2) i`,
    'INSERT INTO sessions (account, device, created_ms) SELECT account, device, 0 FROM devices',
    `INSERT INTO tokens (hash, session, refresh, expires_ms)
     SELECT sha256(convert_to(session || 'x' || i, 'UTF8')), session, i = 1, 9e15 FROM sessions, generate_series(0, 1) i`,
    'INSERT INTO grants SELECT sha256(account), account, 9e15 FROM accounts',
    "INSERT INTO proofs SELECT sha256(account), 'login', account, 'd', 9e15 FROM accounts",
    'INSERT INTO invites SELECT sha256(account), 0, NULL FROM accounts',
    'INSERT INTO rates SELECT sha256(account), 1, 1, 9e15 FROM accounts',
    `INSERT INTO audit_entries (at_ms, last_ms, kind, actor, account, network, times, tally)
     SELECT 9e14 + i, 9e14 + i, 'signed-in', 'account', account, '192.0.2.0/24', 1, sha256(convert_to(email || i, 'UTF8'))
     FROM accounts, generate_series(1, ${each / 10}) i`,
    'ANALYZE',
  ];
};

interface Plan {
  readonly ms: number;
  readonly statement: string;
  readonly scans: readonly string[];
}

async function plans(server: PostgresServer, records: number, setting: Setting): Promise<readonly Row[]> {
  const url = await server.database();
  await (await openPostgresStore({ ...OPTIONS, url, maxConnections: 1 })).close();
  for (const sql of filling(records)) {
    setting.say(sql.slice(0, 40).replaceAll(/\s+/g, ' '));
    await server.ask(url, sql);
  }
  const name = new URL(url).pathname.slice(1);
  for (const option of [
    "session_preload_libraries = 'auto_explain'",
    'auto_explain.log_min_duration = 0',
    'auto_explain.log_nested_statements = on',
  ])
    await server.ask(url, `ALTER DATABASE ${name} SET ${option}`);
  setting.say('lives');
  const log = server.logUntil('the end of the plans');
  const store = await openPostgresStore({ ...OPTIONS, url, maxConnections: 2 });
  const life = new StoreLife('plans', [store]);
  await life.begin();
  for (let step = 0; step < 250; step += 1) await life.step(step);
  await life.end();
  await store.close();
  await server.ask(url, "SELECT 'the end of the plans'");
  // Sums over everything read everything, once in a while.
  const told = (await log)
    .join('\n')
    .split(/^.*LOG: {2}duration: /m)
    .slice(1);
  const all = told.map(planOf).filter(({ statement }) => !statement.includes('sum(live_bytes)'));
  const byStatement = Map.groupBy(all, ({ statement }) => statement);
  const scanned = all.filter(({ scans }) => scans.length > 0);
  for (const plan of new Map(scanned.map((one) => [one.statement, one])).values())
    setting.say(`reads ${plan.scans.join(', ')} from end to end: ${plan.statement.slice(0, 200)}`);
  const slowest = [...byStatement]
    .map(([statement, runs]) => ({ statement, ms: Math.max(...runs.map(({ ms }) => ms)) }))
    .sort((a, b) => b.ms - a.ms);
  const size = `${records / 1e6} million records`;
  return [
    row(`${size}: statements that read a table from end to end`, scanned.length, {
      // Of a table of a few pages that is the quickest way.
      target: setting.quick ? null : 0,
    }),
    row(`${size}: different statements`, byStatement.size),
    ...slowest
      .slice(0, 5)
      .map(({ statement, ms }) => row(`${size}: slowest, ms`, ms, { note: statement.slice(0, 90) })),
  ];
}

function planOf(text: string): Plan {
  const statement = (/Query Text:([^]*?)\n\t[A-Z]/.exec(text)?.[1] ?? '').replaceAll(/\s+/g, ' ').trim();
  const tables = [...text.matchAll(/Seq Scan on (\w+)/g)].map((scan) => scan[1] ?? '');
  return { ms: Number.parseFloat(text), statement, scans: tables.filter((table) => !SMALL.test(table)) };
}

/** Peak of the heap while a log is read from its beginning, a page at a time, for two lengths of it. */
async function fresh(server: PostgresServer, setting: Setting): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const commits of setting.quick ? [200, 400] : [1000, 4000]) {
    const url = await server.database();
    const store = await openPostgresStore({ ...OPTIONS, url, maxConnections: 2 });
    const account = Buffer.alloc(16, 1);
    const vault = Buffer.alloc(16, 2);
    await writeLog(store, account, vault, commits);
    let [after, bytes, peak] = [0, 0, 0];
    const began = performance.now();
    const before = process.memoryUsage().rss;
    for (;;) {
      const page = await store.log.changes(
        account.toString('hex') as AccountId,
        vault.toString('hex') as VaultId,
        after,
        PAGE_BYTES,
      );
      if (page === null || page === 'gone') throw new Error('the log is there');
      if (page.commits.length === 0) break;
      after += page.commits.length;
      bytes += page.commits.reduce((sum, { frame }) => sum + frame.length, 0);
      peak = Math.max(peak, process.memoryUsage().rss - before);
    }
    const note = `${(bytes / 1024 ** 2).toFixed(0)} MiB in ${((performance.now() - began) / 1000).toFixed(1)} s`;
    rows.push(row(`a log of ${commits} commits read anew: memory, MiB`, peak / 1024 ** 2, { note }));
    await store.close();
  }
  return rows;
}

async function writeLog(
  { database }: Awaited<ReturnType<typeof openPostgresStore>>,
  account: Buffer,
  vault: Buffer,
  commits: number,
): Promise<void> {
  await database.run(
    `INSERT INTO accounts (account, email, registration, bundle, bundle_version, created_ms, chain_length, chain_head)
     VALUES ($1, 'a', 'r', '{}', 1, 0, 1, $1)`,
    account,
  );
  const made = await database.get<{ key: number }>(
    `INSERT INTO vaults (account, vault, created_ms, head_seq, head_hash, head_received_ms, epoch, chain_length,
       epoch_chain_length) VALUES ($1, $2, 0, $3, $4, 0, 0, 1, 1) RETURNING key`,
    account,
    vault,
    commits,
    Buffer.alloc(32),
  );
  const hash = '00'.repeat(32) as Hash;
  const packs = encodePacks({ added: [], revived: [], dropped: [] });
  const [heads, rejoin] = [encodeHeads([]), encodeRejoin(null)];
  for (let seq = 1; seq <= commits; seq += 1) {
    const nodes = Array.from({ length: ENTRIES }, (_none, index) => {
      const node = Buffer.alloc(16);
      node.writeUInt32BE(seq * ENTRIES + index);
      return node;
    });
    const entries = encodeEntries(
      nodes.map((node) => ({ node: node.toString('hex') as NodeId, revision: 1, objectHash: hash })),
    );
    const place = { vault: made?.key ?? 0, seq };
    await database.write(async (sql) => {
      await insertRows(sql, 'commits', [
        {
          ...place,
          hash: Buffer.alloc(32, seq),
          received_ms: seq,
          frame_bytes: ENTRIES * (OBJECT_BYTES + 60),
          header: Buffer.alloc(320),
          signature: Buffer.alloc(64),
        },
      ]);
      await insertRows(sql, 'commit_lists', [{ ...place, entries, packs, heads, rejoin }]);
      await insertRows(
        sql,
        'records',
        nodes.map((node) => ({
          vault: place.vault,
          node,
          revision: 1,
          from_seq: seq,
          object_hash: Buffer.alloc(32),
          object: Buffer.alloc(OBJECT_BYTES, seq),
        })),
      );
    });
  }
}

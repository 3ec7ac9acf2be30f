/** What accounts are charged is summed up again beside servers that go on, by one node or another, and never wrongly. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, afterEach, expect, it } from 'vitest';
import type { AccountId, DeviceId, PackName, VaultId } from '../../protocol/ids.ts';
import type { Mended } from '../../cloud/store/metadata-store.ts';
import { openPostgresStore } from '../../cloud/store/postgres/postgres-store.ts';
import { startPostgres, type PostgresServer } from './postgres.ts';

const ACCOUNTS = 130;
const DAY = 86_400_000;
const FILL = `
INSERT INTO accounts (account, email, registration, bundle, bundle_version, created_ms, chain_length, chain_head,
    live_bytes, uncommitted_bytes, retained_bytes)
  SELECT decode(md5('a' || i), 'hex'), i || '@example.org', 'r', '{}', 1, 0, 1, '\\x00',
    5 * 30 + 104, 100, 5 * 30 + 104 + 4 FROM generate_series(1, ${ACCOUNTS}) i;
INSERT INTO vaults (account, vault, created_ms, head_seq, head_hash, head_received_ms, epoch, chain_length,
    epoch_chain_length) SELECT account, decode(md5(email), 'hex'), 0, 1, '\\x00', 0, 0, 1, 1 FROM accounts;
INSERT INTO records (vault, node, revision, from_seq, to_seq, object_hash, object)
  SELECT key, decode(md5(key || 'n' || i), 'hex'), 1, 1, CASE WHEN i > 5 THEN 1 END, '\\x00', decode(repeat('ab', 30), 'hex')
  FROM vaults, generate_series(1, 10) i;
INSERT INTO packs (vault, name, size, state, device, changed_ms, inline, index_hash, index_object)
  SELECT key, sha256(convert_to(key || state, 'UTF8')), 100, state, '\\x00', 0, false, '\\x00',
    CASE WHEN state <> 'uploaded' THEN '\\x00010203'::bytea END
  FROM vaults, unnest(ARRAY['live', 'uploaded', 'dropped', 'purged', 'deleting']) state;`;

let server: PostgresServer;
let url: string;
const open: Awaited<ReturnType<typeof openPostgresStore>>[] = [];

async function store(): Promise<(typeof open)[number]> {
  const options = { url, defaultQuotaBytes: 1e9, retentionMs: 1000, uncommittedMs: 500, statsAgeMs: 0 };
  const opened = await openPostgresStore({ ...options, maxConnections: 4 });
  open.push(opened);
  return opened;
}

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  url = await server.database();
  await store();
  await server.ask(url, FILL);
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

it('looks at each account once a round, from where another node ended, and mends by what is missing', async () => {
  const [one] = open;
  const wrong = "email IN ('7@example.org', '70@example.org', '130@example.org')";
  await server.ask(
    url,
    `UPDATE accounts SET live_bytes = live_bytes - 11, retained_bytes = 0 WHERE ${wrong}`,
  );
  const mended: Mended[] = [];
  const looked: number[] = [];
  for (let more = true; more;) {
    const audit = await (looked.length % 2 === 0 ? one! : await store()).upkeep.auditUsage(1000, 50, DAY);
    mended.push(...audit.mended);
    looked.push(audit.accounts);
    more = audit.more;
  }
  expect(looked).toEqual([50, 50, 30]);
  expect(mended.map(({ moves }) => moves)).toEqual(
    Array.from({ length: 3 }, () => ({ live: 11, uncommitted: 0, retained: 258 })),
  );
  const left = await server.ask(
    url,
    'SELECT DISTINCT live_bytes, uncommitted_bytes, retained_bytes FROM accounts',
  );
  expect(left).toHaveLength(1);
  // The next round is a day later.
  expect((await one!.upkeep.auditUsage(2000, 50, DAY)).accounts).toBe(0);
  expect((await one!.upkeep.auditUsage(1000 + DAY, 50, DAY)).accounts).toBe(50);
});

it('sums up more rows than one page has', async () => {
  const [one] = open;
  await server.ask(
    url,
    `INSERT INTO records (vault, node, revision, from_seq, object_hash, object)
       SELECT 1, sha256(convert_to('m' || i, 'UTF8')), 1, 1, '\\x00', '\\x0102' FROM generate_series(1, 45000) i;
     INSERT INTO packs (vault, name, size, state, device, changed_ms, inline)
       SELECT 1, sha256(convert_to('q' || i, 'UTF8')), 10, 'uploaded', '\\x00', 0, false FROM generate_series(1, 41000) i;`,
  );
  const audit = await one!.upkeep.auditUsage(0, 1000, DAY);
  expect(audit.mended.map(({ moves }) => moves)).toEqual([
    { live: 90_000, uncommitted: 410_000, retained: 0 },
  ]);
});

it('finds nothing wrong while bytes come and go, and mends what is wrong all the same', async () => {
  const [one] = open;
  await server.ask(url, "DELETE FROM accounts WHERE email <> '1@example.org'");
  const [row] = await server.ask(
    url,
    "SELECT encode(account, 'hex') AS account, encode(vault, 'hex') AS vault FROM vaults JOIN accounts USING (account)",
  );
  const account = row!['account'] as AccountId;
  const vault = row!['vault'] as VaultId;
  const device = '00'.repeat(16) as DeviceId;
  let stopped = false;
  const comeAndGo = async (): Promise<number> => {
    let times = 0;
    while (!stopped) {
      const name = randomBytes(32).toString('hex') as PackName;
      const upload = { account, vault, name, size: 1000, device, nowMs: 0, resume: false };
      const reserved = await one!.packs.reserve(upload);
      if (reserved?.kind !== 'reserved') throw new Error('there is room');
      if (times % 2 === 0) await one!.packs.complete(reserved.upload, 0);
      else await one!.packs.release(reserved.upload);
      times += 1;
    }
    return times;
  };
  const storms = [comeAndGo(), comeAndGo()];
  const auditor = await store();
  const found: number[][] = [];
  for (let round = 0; round < 40; round += 1) {
    if (round === 20)
      await server.ask(url, 'UPDATE accounts SET uncommitted_bytes = uncommitted_bytes + 123');
    const audit = await auditor.upkeep.auditUsage(0, 1000, 0);
    found.push(audit.mended.map(({ moves }) => moves.uncommitted));
  }
  stopped = true;
  const times = await Promise.all(storms);
  expect(found).toEqual(Array.from({ length: 40 }, (_none, round) => (round === 20 ? [-123] : [])));
  expect(Math.min(...times)).toBeGreaterThan(5);
  expect((await auditor.upkeep.auditUsage(0, 1000, 0)).mended).toEqual([]);
});

it('mends once, though two nodes believe that it is theirs to do', async () => {
  await server.ask(url, 'UPDATE accounts SET live_bytes = live_bytes + 50');
  const auditors = await Promise.all([store(), store(), store()]);
  const audits = await Promise.all(auditors.map((one) => one.upkeep.auditUsage(0, 1000, DAY)));
  const mended = audits.flatMap((audit) => audit.mended.map(({ account }) => account));
  expect(mended.length).toBeGreaterThan(0);
  expect(new Set(mended).size).toBe(mended.length);
  const once = await server.ask(url, 'SELECT DISTINCT live_bytes FROM accounts WHERE live_bytes < 304');
  expect(once).toEqual([{ live_bytes: '254' }]);
  // Who met another gave up; the rest is found in the next round.
  while ((await auditors[0].upkeep.auditUsage(DAY, 1000, DAY)).mended.length > 0);
  const left = await server.ask(url, 'SELECT DISTINCT live_bytes FROM accounts');
  expect(left).toEqual([{ live_bytes: '254' }]);
});

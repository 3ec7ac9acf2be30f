/**
 * Nothing that a device or the upkeep asks for reads a whole table: the server itself tells the plan of every statement
 * it runs (auto_explain) while the store lives a life in a database of some size. A statement is run often enough to be
 * planned once for all values too.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startPostgres, type PostgresServer } from './postgres.ts';
import type { AccountId, DeviceId, Hash } from '../../protocol/ids.ts';
import { byOperator } from '../../cloud/audit/entry.ts';
import type { MetadataStore } from '../../cloud/store/metadata-store.ts';
import { StoreLife } from './store-life.ts';
import { openPostgresStore } from '../../cloud/store/postgres/postgres-store.ts';

const audit = byOperator('quota-changed', 0);

/** Of a few rows, and there for ever. */
const SMALL = /settings|schema_versions|leases|legacy_imports|legacy_shapes/;
/** Sums over everything, made on one node once in a while. */
const SUMS = 'sum(live_bytes)';

const FILL = `
INSERT INTO accounts (account, email, registration, bundle, bundle_version, created_ms, chain_length, chain_head)
  SELECT decode(md5('a' || i), 'hex'), i || '@example.org', 'r', '{}', 1, 0, 2, '\\x00' FROM generate_series(1, 5000) i;
INSERT INTO vaults (account, vault, created_ms, head_seq, head_hash, head_received_ms, epoch, chain_length,
    epoch_chain_length)
  SELECT account, decode(md5(email), 'hex'), 0, 20, '\\x00', 0, 0, 2, 2 FROM accounts;
INSERT INTO chain_entries SELECT account, i, '\\x00' FROM accounts, generate_series(0, 1) i;
INSERT INTO devices (account, device, last_heard_ms)
  SELECT account, decode(md5(email || i), 'hex'), 900000 FROM accounts, generate_series(1, 2) i;
INSERT INTO sessions (account, device, created_ms) SELECT account, device, 0 FROM devices;
INSERT INTO tokens (hash, session, refresh, expires_ms)
  SELECT sha256(convert_to(session || 'x' || i, 'UTF8')), session, i = 1, 9e15 FROM sessions, generate_series(0, 1) i;
INSERT INTO grants SELECT sha256(account), account, 9e15 FROM accounts;
INSERT INTO proofs SELECT sha256(account), 'login', account, 'd', 9e15 FROM accounts;
INSERT INTO invites SELECT sha256(account), 0, NULL FROM accounts;
INSERT INTO commits (vault, seq, hash, received_ms, frame_bytes, header, signature)
  SELECT key, i, decode(md5(key || 'c' || i), 'hex'), i, 500, '\\x00', '\\x00' FROM vaults, generate_series(1, 20) i;
INSERT INTO commit_lists SELECT vault, seq, '\\x00', '\\x00', '\\x00', '\\x00' FROM commits;
INSERT INTO epochs SELECT key, 0, 1, 2, '\\x00', '\\x00' FROM vaults;
INSERT INTO voided_commits SELECT key, 21, '\\x00', 9e15, '\\x00' FROM vaults;
INSERT INTO records (vault, node, revision, from_seq, to_seq, to_ms, object_hash, object)
  SELECT key, decode(md5(key || 'n' || i), 'hex'), 1, i, CASE WHEN i < 5 THEN 20 END, CASE WHEN i < 5 THEN 9e15 END,
    '\\x00', '\\x00' FROM vaults, generate_series(1, 20) i;
INSERT INTO packs (vault, name, size, state, device, changed_ms, inline, index_hash, index_object)
  SELECT key, sha256(convert_to(key || 'p' || i, 'UTF8')), 100,
    CASE i WHEN 1 THEN 'dropped' WHEN 2 THEN 'uploaded' ELSE 'live' END, '\\x00', 9e15, i = 4, '\\x00', '\\x00'
  FROM vaults, generate_series(1, 6) i;
INSERT INTO pack_spans SELECT vault, name, 1, CASE WHEN state = 'dropped' THEN 20 END FROM packs WHERE state <> 'uploaded';
INSERT INTO inline_packs SELECT vault, name, '\\x00' FROM packs WHERE inline;
INSERT INTO rates SELECT sha256(account), 1, 1, 9e15 FROM accounts;
INSERT INTO uploads (vault, name, size, device, started_ms) SELECT key, '\\x00', 10, '\\x00', 9e15 FROM vaults;
INSERT INTO legacy_imports (service, created_ms, expires_ms) VALUES ('OldBox', 0, 1), (NULL, 0, 9e15);
INSERT INTO legacy_shapes VALUES (1, 's', 5000), (2, 's', 5000);
INSERT INTO legacy_rows (address, import, email, parameters, ended_ms)
  SELECT sha256(convert_to(email || i, 'UTF8')), i, email, NULL, CASE WHEN i = 1 THEN 1 END
  FROM accounts, generate_series(1, 2) i;
INSERT INTO audit_entries (at_ms, last_ms, kind, actor, account, network, times, tally)
  SELECT 9e14 + i, 9e14 + i, 'signed-in', 'account', account, '192.0.2.0/24', 1, sha256(convert_to(email || i, 'UTF8'))
  FROM accounts, generate_series(1, 4) i;
ANALYZE;`;

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.stop();
});

it('reads no table from end to end, whatever is asked', async () => {
  const url = await server.database();
  const options = { url, defaultQuotaBytes: 60_000, retentionMs: 1000, uncommittedMs: 500, statsAgeMs: 0 };
  await (await openPostgresStore({ ...options, maxConnections: 1 })).close();
  await server.ask(url, FILL);
  const name = new URL(url).pathname.slice(1);
  for (const setting of [
    "session_preload_libraries = 'auto_explain'",
    'auto_explain.log_min_duration = 0',
    'auto_explain.log_nested_statements = on',
  ]) {
    await server.ask(url, `ALTER DATABASE ${name} SET ${setting}`);
  }
  const log = server.logUntil('the end of the plans');
  const store = await openPostgresStore({ ...options, maxConnections: 2 });
  const life = new StoreLife('plans', [store]);
  await life.begin();
  for (let step = 0; step < 250; step += 1) await life.step(step);
  for (let time = 0; time < 10; time += 1) await signInAndOut(store);
  await life.end();
  await store.close();
  await server.ask(url, "SELECT 'the end of the plans'");

  const plans = (await log)
    .join('\n')
    .split(/^.*LOG: {2}duration: /m)
    .slice(1);
  const statements = new Set(plans.map((plan) => /Query Text:([^]*?)\n\t[A-Z]/.exec(plan)?.[1] ?? ''));
  expect(statements.size).toBeGreaterThan(80);
  const scans = plans.filter((plan) => !plan.includes(SUMS)).filter(readsAll);
  expect(new Set(scans.map((plan) => plan.replace(/^.*\n/, '').replaceAll(/\(cost.*?\)/g, '')))).toEqual(
    new Set(),
  );
});

/** Also by an index, from one end to the other; those of what waits to be removed hold nothing else. */
function readsAll(plan: string): boolean {
  const tables = [...plan.matchAll(/Seq Scan on (\w+)/g)].map((scan) => scan[1] ?? '');
  const indexes = [...plan.matchAll(/Index(?: Only)? Scan (?:Backward )?using (\w+) .*\n(.*)/g)]
    .filter((scan) => !(scan[2] ?? '').includes('Index Cond'))
    .map((scan) => scan[1] ?? '');
  return tables.some((table) => !SMALL.test(table)) || indexes.some((index) => !index.endsWith('_doomed'));
}

/** What devices and the upkeep ask about members of an older service. */
async function claim(store: MetadataStore, address: Hash): Promise<void> {
  const { legacy } = store;
  await legacy.offer(2);
  await legacy.find(address, 2);
  await legacy.setCodes([{ address, codeHash: address }], 2, audit);
  await legacy.expire([address], 2, audit);
  await legacy.page(address, 10, 2);
  await legacy.forgetExpired(2);
  await store.sessions.saveProof(address, 'claim', { account: null, data: 'x@example.org' }, 100, null);
}

/** What the life of an account in `StoreLife` has nothing of. */
async function signInAndOut(store: MetadataStore): Promise<void> {
  const hash = (): Hash => randomBytes(32).toString('hex') as Hash;
  const account = randomBytes(16).toString('hex') as AccountId;
  const device = randomBytes(16).toString('hex') as DeviceId;
  const tokens = () => ({
    accessHash: hash(),
    accessExpiresMs: 2e6,
    refreshHash: hash(),
    refreshExpiresMs: 2e6,
  });
  const [first, proof, grant] = [tokens(), hash(), hash()];
  await store.sessions.open({ account, device, tokens: first, nowMs: 0, audit });
  await store.sessions.byAccess(first.accessHash, 1);
  await store.sessions.byRefresh(first.refreshHash, 1);
  await store.sessions.rotate(first.refreshHash, tokens(), 1, 10, () => audit);
  await store.sessions.rotate(first.refreshHash, tokens(), 100, 10, () => audit);
  await store.sessions.alive([1, 2, 3]);
  await store.sessions.saveProof(proof, 'login', { account, data: 'd' }, 100, audit);
  await store.sessions.takeProof(proof, 'login', 1);
  await store.sessions.saveGrant(grant, account, 100, audit);
  await store.sessions.grant(grant, 1);
  await store.rates!.draw(grant, { burst: 5, perMinute: 5 }, 1, 1);
  await store.upkeep.hold('holder', 1000);
  await store.accounts.signOut(account, 1, audit);
  await store.accounts.byEmail('nobody@example.org');
  await store.accounts.chain(account, 0);
  await store.accounts.devices(account);
  await store.log.standings([account, account]);
  await claim(store, hash());
  await store.accounts.setDisabled(account, true, audit);
}

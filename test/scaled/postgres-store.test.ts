import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { byOperator } from '../../cloud/audit/entry.ts';
import { auditStoreAcceptance } from '../../cloud/store/audit-acceptance.ts';
import { placeBefore } from '../../cloud/store/audit-store.ts';
import { legacyStoreAcceptance } from '../../cloud/store/legacy-acceptance.ts';
import { metadataStoreAcceptance, type FreshMetadata } from '../../cloud/store/metadata-acceptance.ts';
import { Database } from '../../cloud/store/postgres/database.ts';
import { SCHEMA_VERSIONS } from '../../cloud/store/postgres/schema.ts';
import { openPostgresStore } from '../../cloud/store/postgres/postgres-store.ts';
import { StoreDamaged, StoreUnavailable } from '../../cloud/store/store-errors.ts';
import type { Hash } from '../../protocol/ids.ts';
import { Person } from '../fakes/hand-made-client.ts';
import { startPostgres, type PostgresServer } from './postgres.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.stop();
});

const audit = byOperator('invite-made', 0);

const options = {
  defaultQuotaBytes: 1_000_000,
  maxConnections: 8,
  retentionMs: 1000,
  uncommittedMs: 500,
  statsAgeMs: 0,
};

const makeMetadata = async (): Promise<FreshMetadata> => {
  const url = await server.database();
  const store = await openPostgresStore({ ...options, url });
  return {
    store,
    another: () => openPostgresStore({ ...options, url }),
    discard: () => store.close(),
  };
};
metadataStoreAcceptance(makeMetadata);
legacyStoreAcceptance(makeMetadata);
auditStoreAcceptance(makeMetadata);

describe('a database', () => {
  it('is brought up to date once, however many nodes begin on it together', async () => {
    const url = await server.database();
    const stores = await Promise.all(Array.from({ length: 6 }, () => openPostgresStore({ ...options, url })));
    expect(await stores[5]!.upkeep.stats()).toMatchObject({ accounts: 0, commits: 0 });
    await Promise.all(stores.map((store) => store.close()));
    expect(await server.ask(url, 'SELECT version FROM schema_versions')).toEqual([
      { version: 1 },
      { version: 2 },
      { version: 3 },
      { version: 4 },
    ]);
  });

  it('is brought up to date from the version before, with what it has', async () => {
    const url = await server.database();
    await server.ask(
      url,
      'CREATE TABLE schema_versions (version integer PRIMARY KEY, applied_at timestamptz DEFAULT now())',
    );
    for (const text of SCHEMA_VERSIONS.slice(0, 3)) await server.ask(url, text);
    await server.ask(url, 'INSERT INTO schema_versions (version) VALUES (1), (2), (3)');
    await server.ask(url, String.raw`INSERT INTO invites VALUES ('\x00', 7, NULL)`);
    const store = await openPostgresStore({ ...options, url });
    await store.audit.record(audit);
    const query = { sinceMs: 0, before: placeBefore(9), limit: 10, account: null, kind: null };
    expect(await store.audit.page(query)).toMatchObject([{ kind: 'invite-made' }]);
    expect(await store.database.all('SELECT created_ms FROM invites')).toEqual([{ created_ms: 7 }]);
    await store.close();
  });

  it('is left alone when a newer program has been there', async () => {
    const url = await server.database();
    await (await openPostgresStore({ ...options, url })).close();
    await server.ask(url, 'INSERT INTO schema_versions (version) VALUES (99)');
    await expect(openPostgresStore({ ...options, url })).rejects.toThrow(StoreDamaged);
  });

  it('is unavailable while its server is away, and is used again afterwards', async () => {
    const url = await server.database();
    const store = await openPostgresStore({ ...options, url });
    expect(await store.accounts.list()).toEqual([]);
    const waiting = store.database.write((sql) => sql.run('SELECT pg_sleep(60)'));
    const cut = expect(waiting).rejects.toBeInstanceOf(StoreUnavailable);
    await store.accounts.list();
    await server.kill();
    await cut;
    await expect(store.accounts.list()).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(store.accounts.addInvite('00' as never, 0, audit)).rejects.toBeInstanceOf(StoreUnavailable);
    await server.start();
    expect(await store.accounts.list()).toEqual([]);
    await store.close();
  });

  it('has no entry of the audit log of what failed at the very end', async () => {
    const url = await server.database();
    const store = await openPostgresStore({ ...options, url });
    const { account, bundle } = new Person('http://nowhere.invalid');
    await server.ask(
      url,
      `INSERT INTO accounts (account, email, registration, bundle, bundle_version, created_ms, chain_length, chain_head)
       VALUES ('\\x${account}', 'a@example.org', 'r', '${JSON.stringify(bundle)}', 1, 0, 1, '\\x00')`,
    );
    await server.ask(
      url,
      "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'at the end'; END $$",
    );
    for (const table of ['accounts', 'grants', 'proofs', 'invites', 'sessions', 'legacy_rows']) {
      await server.ask(
        url,
        `CREATE CONSTRAINT TRIGGER refuse AFTER INSERT OR UPDATE ON ${table} DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION refuse()`,
      );
    }
    const hash = '00'.repeat(32) as Hash;
    const tokens = { accessHash: hash, accessExpiresMs: 9, refreshHash: hash, refreshExpiresMs: 9 };
    const next = { ...bundle, version: 2 };
    const { accounts, sessions, legacy } = store;
    const failing: (() => Promise<unknown>)[] = [
      () => accounts.setQuota(account, 5, audit),
      () => accounts.setDisabled(account, true, audit),
      () => accounts.changeBundle(account, next, audit),
      () => accounts.changePassword({ account, registration: 'r', bundle: next, keepSession: null, audit }),
      () => accounts.addInvite(hash, 0, audit),
      () => accounts.markDeleted(account, audit),
      () => sessions.saveGrant(hash, account, 9, audit),
      () => sessions.saveProof(hash, 'login', { account, data: 'd' }, 9, audit),
      () => sessions.open({ account, device: account as never, tokens, nowMs: 0, audit }),
      () => {
        const rows = [{ email: 'b@example.org', password: null, quotaBytes: null }];
        return legacy.add({ import: null, service: null, expiresMs: 9, nowMs: 0, rows, audit });
      },
    ];
    for (const change of failing) await expect(change()).rejects.toThrow();
    const query = { sinceMs: 0, before: placeBefore(9), limit: 10, account: null, kind: null };
    expect(await store.audit.page(query)).toEqual([]);
    await store.close();
  });

  it('says nothing of the password, whatever it fails with', async () => {
    const url = (await server.database()).replace('coffre@', 'nobody:a-secret@');
    const failure = await openPostgresStore({ ...options, url }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StoreUnavailable);
    const gone = await openPostgresStore({ ...options, url: url.replace(/:\d+\//, ':1/') }).catch(
      (error: unknown) => error,
    );
    expect(gone).toBeInstanceOf(StoreUnavailable);
    for (const error of [failure, gone]) {
      const { message, stack, cause } = error as Error;
      expect([message, stack, JSON.stringify(cause), String(cause)].join('\n')).not.toContain('a-secret');
    }
  });

  it('runs again what met another transaction, and undoes what throws', async () => {
    const url = await server.database();
    const database = await Database.open({ url, maxConnections: 4 });
    await database.run("INSERT INTO settings VALUES ('a', '0'), ('b', '0')");
    const add = (first: string, second: string): Promise<unknown> =>
      database.write(async (sql) => {
        for (const name of [first, second]) {
          await sql.run('UPDATE settings SET value = (value::int + 1)::text WHERE name = $1', name);
        }
      });
    // Locks taken crosswise: PostgreSQL ends one of each two that wait for each other.
    await Promise.all(
      Array.from({ length: 8 }, (_none, index) => (index % 2 === 0 ? add('a', 'b') : add('b', 'a'))),
    );
    const failed = database.write(async (sql) => {
      await sql.run("UPDATE settings SET value = 'gone'");
      throw new Error('changed my mind');
    });
    await expect(failed).rejects.toThrow('changed my mind');
    expect(await database.all('SELECT value FROM settings')).toEqual([{ value: '8' }, { value: '8' }]);
    await database.close();
  });
});

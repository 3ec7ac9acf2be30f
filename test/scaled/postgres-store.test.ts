import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { legacyStoreAcceptance } from '../../cloud/store/legacy-acceptance.ts';
import { metadataStoreAcceptance, type FreshMetadata } from '../../cloud/store/metadata-acceptance.ts';
import { Database } from '../../cloud/store/postgres/database.ts';
import { openPostgresStore } from '../../cloud/store/postgres/postgres-store.ts';
import { StoreDamaged, StoreUnavailable } from '../../cloud/store/store-errors.ts';
import { startPostgres, type PostgresServer } from './postgres.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.stop();
});

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
    ]);
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
    await expect(store.accounts.addInvite('00' as never, 0)).rejects.toBeInstanceOf(StoreUnavailable);
    await server.start();
    expect(await store.accounts.list()).toEqual([]);
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

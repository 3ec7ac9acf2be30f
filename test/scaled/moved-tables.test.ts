/**
 * What one kind of store has comes into the other row by row, whatever stops it on the way: the random life of an
 * account that began in one goes on in both, and they answer alike.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Hash } from '../../protocol/ids.ts';
import type { LegacyParameters } from '../../protocol/legacy.ts';
import { byOperator } from '../../cloud/audit/entry.ts';
import { addressHash } from '../../cloud/legacy/address.ts';
import { compareTable } from '../../cloud/moving/compare-tables.ts';
import { checkStore } from '../../cloud/store/check.ts';
import { DATABASE_FILE, openEmbeddedStore } from '../../cloud/store/embedded/embedded-store.ts';
import { importTables } from '../../cloud/store/embedded/import-tables.ts';
import type { MetadataStore } from '../../cloud/store/metadata-store.ts';
import { beginIncoming, bringTables, endIncoming } from '../../cloud/store/postgres/incoming.ts';
import { openPostgresStore } from '../../cloud/store/postgres/postgres-store.ts';
import { TABLE_NAMES, type TableName, type TableReader } from '../../cloud/store/tables.ts';
import { MemoryBlobs } from '../fakes/memory-blobs.ts';
import { startPostgres, type PostgresServer } from './postgres.ts';
import { StoreLife } from './store-life.ts';

const OPTIONS = { defaultQuotaBytes: 40_000, retentionMs: 1000, uncommittedMs: 500 };
const STEPS = 150;
/** Later than any time of the life that is lived here. */
const audit = byOperator('legacy-imported', 9e14);

let server: PostgresServer;
let dataDir: string;
const open: MetadataStore[] = [];

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'coffre-moved-'));
});
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function embedded(): Promise<Awaited<ReturnType<typeof openEmbeddedStore>>> {
  const store = await openEmbeddedStore({ ...OPTIONS, dataDir, exclusive: false });
  open.push(store);
  return store;
}

async function postgres(): Promise<Awaited<ReturnType<typeof openPostgresStore>>> {
  const url = await server.database();
  const store = await openPostgresStore({ ...OPTIONS, url, maxConnections: 4, statsAgeMs: 0 });
  open.push(store);
  return store;
}

async function live(life: StoreLife, from: number): Promise<void> {
  for (let step = from; step < from + STEPS; step += 1) await life.step(step);
}

async function differences(one: MetadataStore, other: MetadataStore): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of TABLE_NAMES) {
    const table = await one.tables.read((rows) =>
      other.tables.read((others) => compareTable(name, rows, others)),
    );
    found.push(...table.differences);
  }
  return found;
}

async function faults(store: MetadataStore): Promise<readonly string[]> {
  // The life of a store alone has no blobs.
  const { damage } = await checkStore(store, new MemoryBlobs());
  return damage.filter((line) => !line.endsWith(': missing'));
}

/** Members of an older service with parameters of many kinds, whose texts have one order in both stores. */
async function addMembers(store: MetadataStore, name: string): Promise<number | null> {
  const rows = Array.from({ length: 60 }, (_none, index) => {
    const salt = Buffer.alloc(16, index).toString('base64');
    const parameters: LegacyParameters =
      index % 2 === 0
        ? { scheme: 'bcrypt', cost: 8 + (index % 8), salt }
        : { scheme: 'pbkdf2-sha256', iterations: 10_000 + 7919 * index, bytes: 32, salt };
    const password = index % 7 === 0 ? null : { parameters, proofHash: 'ab'.repeat(32) as Hash };
    return { email: `${name}${index}@example.org`, password, quotaBytes: index % 3 === 0 ? index : null };
  });
  const { import: number } = await store.legacy.add({
    import: null,
    service: name === 'first' ? 'OldBox' : null,
    expiresMs: 9e12,
    nowMs: 0,
    rows,
    audit,
  });
  await store.legacy.expire([addressHash(`${name}5@example.org`)], 1, audit);
  return number;
}

/** The same rows, but that reading them ends after so many. */
function stopping(tables: TableReader, after: number): TableReader {
  let left = after;
  return {
    ...tables,
    async *rows<Row extends object>(name: TableName) {
      for await (const row of tables.rows<Row>(name)) {
        if (left === 0) throw new Error('stopped');
        left -= 1;
        yield row;
      }
    },
  };
}

it.each(['five', 'six'])(
  'goes on in a database where the life %s began in a data directory',
  async (seed) => {
    const source = await embedded();
    const stores: MetadataStore[] = [source];
    const life = new StoreLife(seed, stores);
    await life.begin();
    await live(life, 0);
    await addMembers(source, 'first');
    const second = await addMembers(source, 'second');
    // More than one batch of them.
    const numbers = 'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)';
    await source.database.write(() =>
      source.database.run(`${numbers} INSERT INTO invites SELECT randomblob(32), i, NULL FROM n`),
    );

    const target = await postgres();
    expect(await beginIncoming(target.database, 'this move', {})).toBe('coming');
    let stops = 0;
    for (let done = false; !done; stops += 1) {
      try {
        await source.tables.read((tables) =>
          bringTables(target.database, 'this move', stopping(tables, 700 * (stops + 1)), () => undefined),
        );
        done = true;
      } catch (error) {
        expect((error as Error).message).toBe('stopped');
        expect(await beginIncoming(target.database, 'this move', {})).toBe('coming');
      }
    }
    expect(stops).toBeGreaterThan(5);
    expect(await differences(source, target)).toEqual([]);
    expect([await faults(source), await faults(target)]).toEqual([[], []]);
    await endIncoming(target.database, 'this move', audit);
    expect(await target.legacy.offer(1)).toEqual(await source.legacy.offer(1));
    expect(await addMembers(target, 'third')).toBeGreaterThan(second!);

    stores.push(target);
    await live(life, STEPS);
    expect(await faults(target)).toEqual([]);
    await life.end();
  },
);

it('goes on in a data directory where it began in a database', async () => {
  const source = await postgres();
  const stores: MetadataStore[] = [source];
  const life = new StoreLife('seven', stores);
  await life.begin();
  await live(life, 0);
  const first = await addMembers(source, 'first');
  await importTables(join(dataDir, DATABASE_FILE), source.tables, '40000', async () => undefined);
  const target = await embedded();
  expect(await differences(source, target)).toEqual([]);
  expect([await faults(source), await faults(target)]).toEqual([[], []]);
  expect(await addMembers(target, 'second')).toBeGreaterThan(first!);
  stores.push(target);
  await live(life, STEPS);
  expect(await faults(target)).toEqual([]);
  await life.end();
});

it('names what is another on the other side, and what is more', async () => {
  const source = await embedded();
  const life = new StoreLife('eight', [source]);
  await life.begin();
  await live(life, 0);
  const target = await postgres();
  await beginIncoming(target.database, 'a move', {});
  await source.tables.read((tables) => bringTables(target.database, 'a move', tables, () => undefined));
  const change = (sql: string): Promise<number> => target.database.run(sql);
  await change('UPDATE records SET from_seq = from_seq + 1 WHERE ctid = (SELECT min(ctid) FROM records)');
  await change("UPDATE accounts SET email = 'another'");
  await change(String.raw`INSERT INTO invites VALUES ('\x00', 1, NULL)`);
  const found = await differences(source, target);
  expect(found.map((line) => line.replace(/: .* differs$/, ' differs'))).toEqual(
    expect.arrayContaining(['accounts differs', 'records differs', 'invites: 1 rows more']),
  );
});

it('finds in a database what is damaged', async () => {
  const store = await postgres();
  const life = new StoreLife('nine', [store]);
  await life.begin();
  await live(life, 0);
  expect(await faults(store)).toEqual([]);
  const damages: [sql: string, told: RegExp][] = [
    ['UPDATE accounts SET live_bytes = live_bytes + 1', /byte counts/],
    ['DELETE FROM chain_entries WHERE idx = 1', /device chain/],
    ["UPDATE audit_entries SET times = 0 WHERE kind = 'signed-up'", /audit entry 1: /],
    [String.raw`UPDATE commits SET header = header || '\x00' WHERE seq = 2`, /commit 2: /],
    [
      'DELETE FROM commit_lists l USING vaults v WHERE l.vault = v.key AND l.seq = v.head_seq',
      /lists are missing/,
    ],
    ['UPDATE vaults SET head_seq = head_seq + 1', /head is not its last commit/],
    [String.raw`UPDATE records SET object = '\x00' WHERE object IS NOT NULL`, /another hash/],
    [
      String.raw`UPDATE packs SET index_object = '\x00' WHERE index_hash IS NOT NULL`,
      /index has another hash/,
    ],
  ];
  for (const [sql, told] of damages) {
    expect(await store.database.run(sql)).toBeGreaterThan(0);
    expect((await faults(store)).join('\n')).toMatch(told);
  }
});

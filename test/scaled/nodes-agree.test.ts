/** What nodes on one database do for each other, below the protocol: notices, rates, who runs the upkeep. */
import { once } from 'node:events';
import { EventEmitter } from 'node:events';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { Upkeep } from '../../cloud/packs/upkeep.ts';
import type { BlobStore } from '../../cloud/store/blob-store.ts';
import type { MetadataStore } from '../../cloud/store/metadata-store.ts';
import type { Notice } from '../../cloud/store/node-news.ts';
import { Notices } from '../../cloud/store/postgres/notices.ts';
import { openPostgresStore } from '../../cloud/store/postgres/postgres-store.ts';
import type { AccountId, Hash, VaultId } from '../../protocol/ids.ts';
import { randomId } from '../fakes/hand-made-client.ts';
import { startPostgres, type PostgresServer } from './postgres.ts';

let server: PostgresServer;
let url: string;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  url = await server.database();
});

const account = randomId<AccountId>(16);
const vault = randomId<VaultId>(16);
const openStore = (): ReturnType<typeof openPostgresStore> =>
  openPostgresStore({
    url,
    maxConnections: 4,
    defaultQuotaBytes: 1,
    retentionMs: 1000,
    uncommittedMs: 500,
    statsAgeMs: 0,
  });

/** What a node was told, as events. */
function ear(notices: Notices): {
  events: EventEmitter;
  heard: Notice[];
  until: (count: number) => Promise<void>;
} {
  const events = new EventEmitter();
  const heard: Notice[] = [];
  notices.listen({
    heard: (notice) => {
      heard.push(notice);
      events.emit('heard');
    },
    missed: () => events.emit('missed'),
  });
  const until = async (count: number): Promise<void> => {
    while (heard.length < count) await once(events, 'heard');
  };
  return { events, heard, until };
}

it('tells every other node, in order, and not itself', async () => {
  const [first, second, third] = await Promise.all([1, 2, 3].map(() => Notices.open({ url })));
  const ears = [first!, second!, third!].map(ear);
  const told: Notice[] = [
    { kind: 'vaults', account },
    ...Array.from({ length: 300 }, (_none, seq) => ({ kind: 'commit' as const, account, vault, seq })),
    { kind: 'head', account, vault, seq: 3 },
    { kind: 'chain', account },
    { kind: 'sessions', account },
  ];
  for (const notice of told) first!.tell(notice);
  await Promise.all([ears[1]!.until(told.length), ears[2]!.until(told.length)]);
  expect(ears[1]!.heard).toEqual(told);
  expect(ears[2]!.heard).toEqual(told);
  second!.tell({ kind: 'vaults', account });
  await ears[0]!.until(1);
  expect(ears[0]!.heard).toEqual([{ kind: 'vaults', account }]);
  await Promise.all([first!.close(), second!.close(), third!.close()]);
});

it('says that it may have missed something when its connection was cut, and goes on', async () => {
  const [first, second] = await Promise.all([Notices.open({ url }), Notices.open({ url })]);
  const { events, until, heard } = ear(second);
  const missed = once(events, 'missed');
  await server.ask(
    url,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'LISTEN%'`,
  );
  await missed;
  first.tell({ kind: 'chain', account });
  await until(1);
  expect(heard).toEqual([{ kind: 'chain', account }]);
  await Promise.all([first.close(), second.close()]);
});

it('notices a connection that is open and carries nothing', async () => {
  const notices = await Notices.open({ url, heartbeatMs: 20 });
  const { events } = ear(notices);
  const missed = once(events, 'missed');
  // As a pooler that hands each statement to another connection: nobody listens any more.
  await server.ask(
    url,
    `CREATE OR REPLACE FUNCTION public.pg_notify(text, text) RETURNS void LANGUAGE sql AS 'SELECT'`,
  );
  await server.ask(
    url,
    `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET search_path = public, pg_catalog`,
  );
  await server.ask(
    url,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  );
  await missed;
  await once(events, 'missed');
  await notices.close();
});

it('gives away what a rate allows once, to all nodes together', async () => {
  const stores = await Promise.all([openStore(), openStore()]);
  const rate = { burst: 20, perMinute: 60 };
  const key = randomId<Hash>(32);
  const draws = await Promise.all(
    Array.from({ length: 30 }, (_none, index) => stores[index % 2]!.rates!.draw(key, rate, 1, 1000)),
  );
  expect(draws.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(20);
  expect(await stores[0].rates!.draw(key, rate, 5, 1500)).toEqual({ tokens: 0, missing: 0.5 });
  expect(await stores[1].rates!.draw(key, rate, 5, 4000)).toMatchObject({ tokens: 3 });
  // A clock that is behind gives nothing back.
  expect(await stores[0].rates!.draw(key, rate, 5, 1000)).toMatchObject({ tokens: 0 });
  await Promise.all(stores.map((store) => store.close()));
});

it('runs the upkeep on one node at a time, and on another when that one has gone', async () => {
  const [first, second] = await Promise.all([openStore(), openStore()]);
  expect(await first.upkeep.hold('first', 60_000)).toBe(true);
  expect(await second.upkeep.hold('second', 60_000)).toBe(false);
  expect(await first.upkeep.hold('first', 1)).toBe(true);
  await server.ask(url, 'SELECT pg_sleep(0.01)');
  expect(await second.upkeep.hold('second', 60_000)).toBe(true);
  await first.upkeep.release('first');
  expect(await first.upkeep.hold('first', 60_000)).toBe(false);
  await second.upkeep.release('second');

  let atOnce = 0;
  let most = 0;
  let runs = 0;
  /** The same store, that counts who is in it. */
  const watched = (store: MetadataStore): MetadataStore => ({
    ...store,
    upkeep: {
      ...store.upkeep,
      async forgetExpired(nowMs) {
        runs += 1;
        atOnce += 1;
        most = Math.max(most, atOnce);
        await store.upkeep.forgetExpired(nowMs);
        atOnce -= 1;
      },
    },
  });
  const blobs = { list: () => Promise.resolve({ blobs: [], next: null }) } as Partial<BlobStore> as BlobStore;
  const failures: unknown[] = [];
  const upkeeps = [first, second].map(
    (store) =>
      new Upkeep({
        store: watched(store),
        blobs,
        now: () => 0,
        paced: true,
        failed: (error) => failures.push(error),
      }),
  );
  for (let round = 0; round < 10; round += 1) await Promise.all(upkeeps.map((upkeep) => upkeep.run()));
  expect(failures).toEqual([]);
  expect(most).toBe(1);
  expect(runs).toBeGreaterThanOrEqual(10);
  await Promise.all([...upkeeps.map((upkeep) => upkeep.stop()), first.close(), second.close()]);
});

/** A second opening of a server's store stands for the store of another node. */
import { EventEmitter } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { decodeEvent, type CloudEvent } from '../../protocol/pages.ts';
import { Person, randomId, type TestDevice, type VaultView } from '../../test/fakes/hand-made-client.ts';
import { startServer, type RunningServer } from '../server.ts';
import { openEmbeddedStore } from '../store/embedded/embedded-store.ts';
import type { MetadataStore } from '../store/metadata-store.ts';
import { EventHub, type EventSocket } from './event-hub.ts';
import { NewsReader } from './news-reader.ts';

/** What a device here gets. */
class Socket extends EventEmitter implements EventSocket {
  readonly bufferedAmount = 0;
  readonly events: CloudEvent[] = [];
  closedWith: number | null = null;
  send(bytes: Uint8Array): void {
    this.events.push(decodeEvent(bytes));
  }
  ping(): void {
    this.emit('pong');
  }
  close(code: number): void {
    this.closedWith = code;
    if (code === 1012) this.emit('close');
  }
  terminate(): void {
    this.emit('close');
  }
}

let dataDir: string;
let server: RunningServer;
let device: TestDevice;
let view: VaultView;
let store: MetadataStore;
let events: EventHub;
let reader: NewsReader;
let socket: Socket;
let failures: unknown[];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'coffre-news-'));
  server = await startServer({ dataDir, logLevel: 'silent' });
  device = await new Person(server.address).signup();
  view = await device.makeVault();
  const options = { dataDir, defaultQuotaBytes: null, retentionMs: 1000, uncommittedMs: 500 };
  store = await openEmbeddedStore({ ...options, exclusive: false });
  events = new EventHub(store, 60_000, 8);
  failures = [];
  reader = new NewsReader({ store, events, failed: (error) => failures.push(error) });
  socket = new Socket();
  const { account } = device.person;
  const [opened] = await store.sessions.alive([1, 2, 3]);
  events.add(socket, { session: opened ?? 0, account, device: device.device });
});
afterEach(async () => {
  expect(failures).toEqual([]);
  await reader.stop();
  await events.leave();
  await store.close();
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** Until everything that was heard has been read. */
const read = (): Promise<void> => reader.stop();
const commit = (): Promise<unknown> => device.commit(view, { nodes: [[randomId(16), randomBytes(10)]] });

it('pushes what a notice names, in the order of the notices', async () => {
  const { account } = device.person;
  const { vault } = view;
  for (let count = 0; count < 3; count += 1) await commit();
  for (const seq of [2, 3, 4]) reader.heard({ kind: 'commit', account, vault, seq });
  reader.heard({ kind: 'vaults', account });
  reader.heard({ kind: 'head', account, vault, seq: 4 });
  await read();
  expect(socket.events.map((event) => event.kind)).toEqual(['commit', 'commit', 'commit', 'vaults', 'head']);
  expect(socket.events.at(-1)).toEqual({ kind: 'head', vault, ...view.head });
});

it('says once what no notice said', async () => {
  await commit();
  await reader.poll();
  const told = socket.events.splice(0);
  expect(told).toEqual([
    { kind: 'chain', length: device.person.chainLength },
    { kind: 'vaults' },
    { kind: 'head', vault: view.vault, ...view.head },
  ]);
  await reader.poll();
  expect(socket.events).toEqual([]);
  await commit();
  reader.missed();
  await read();
  expect(socket.events).toEqual([{ kind: 'head', vault: view.vault, ...view.head }]);
});

it('asks about the whole account when more is heard than can be read', async () => {
  const { account } = device.person;
  const { vault } = view;
  await commit();
  for (let seq = 1; seq <= 500; seq += 1) reader.heard({ kind: 'commit', account, vault, seq: 2 });
  await read();
  expect(socket.events.length).toBeLessThan(80);
  expect(socket.events.at(-1)).toMatchObject({ vault });
  await reader.poll();
  expect(events.toldSeq(account, vault)).toBe(view.head.seq);
});

it('ends sockets whose session has ended at another node, and hears nothing for accounts that are not here', async () => {
  const { account } = device.person;
  reader.heard({ kind: 'sessions', account });
  await read();
  expect(socket.closedWith).toBeNull();
  await device.ask('DELETE', '/v1/session');
  reader.heard({ kind: 'sessions', account: randomId(16) });
  await read();
  expect(socket.closedWith).toBeNull();
  reader.heard({ kind: 'sessions', account });
  await read();
  expect(socket.closedWith).toBe(1008);
});

/**
 * A node that is killed after it did what it was asked, and before the answer reached anybody: the same request at
 * another node does it no second time, and is answered as the first one would have been.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { directUploadHeaders } from '../../protocol/cloud.ts';
import { decodeHeadersPage } from '../../protocol/pages.ts';
import { startCloudProcess, type CloudProcess } from '../fakes/cloud-process.ts';
import {
  ask,
  base64,
  makeKey,
  packed,
  Person,
  randomId,
  type Answer,
  type TestDevice,
  type VaultView,
} from '../fakes/hand-made-client.ts';
import { freshStorage } from './bucket.ts';
import { startPostgres, type PostgresServer } from './postgres.ts';

let postgres: PostgresServer;
let storage: Awaited<ReturnType<typeof freshStorage>>;
/** The one that dies in each test, and the one that goes on. */
let dying: CloudProcess;
let other: CloudProcess;
let person: Person;
let device: TestDevice;
let view: VaultView;

beforeAll(async () => {
  postgres = await startPostgres();
  storage = await freshStorage(postgres);
  other = await startCloudProcess(null, storage);
});
afterAll(async () => {
  await other.kill();
  await postgres.stop();
});
beforeEach(async () => {
  dying = await startCloudProcess(null, storage);
  person = new Person(other.address);
  device = await person.signup();
  view = await device.makeVault();
});
afterEach(async () => {
  await dying.kill();
});

/** One request to the node, which is killed when its answer begins: nothing of that is passed on. */
async function loseAnswer(request: () => Promise<Answer>): Promise<void> {
  const killed = Promise.withResolvers<undefined>();
  const server = createServer((near) => {
    const far = connect(Number(new URL(dying.address).port), '127.0.0.1');
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.pipe(far);
    far.once('data', () => {
      dying.kill().then(() => {
        near.destroy();
        killed.resolve(undefined);
      }, killed.reject);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  person.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await expect(request()).rejects.toThrow('fetch failed');
  await killed.promise;
  person.url = other.address;
  server.close();
}

const uncommitted = async (): Promise<number> =>
  (await device.ask('GET', '/v1/account')).json.quota.uncommittedBytes as number;
const chainLength = async (): Promise<number> =>
  (await device.ask('GET', '/v1/chain?from=0')).json.length as number;

it('takes a commit once', async () => {
  const built = device.build(view, { nodes: [[randomId(16), randomBytes(100)]] });
  await loseAnswer(() => device.send(view, built));
  for (let time = 0; time < 2; time += 1) {
    const answer = await device.send(view, built);
    expect([answer.status, answer.json]).toMatchObject([200, { seq: 2 }]);
  }
  const { bytes } = await device.ask('GET', `/v1/vaults/${view.vault}/headers?from=1&to=10`);
  expect(decodeHeadersPage(bytes)).toHaveLength(2);
});

it('charges an upload once, whichever of its two requests was answered to nobody', async () => {
  const bytes = randomBytes(5000);
  const added = packed(bytes);
  const pack = `/v1/vaults/${view.vault}/packs/${added.pack.name}`;
  await loseAnswer(() => device.ask('POST', `${pack}/upload`, { size: bytes.length }));
  expect(await uncommitted()).toBe(bytes.length);
  const begun = await device.ask('POST', `${pack}/upload`, { size: bytes.length });
  expect(begun.json).toMatchObject({ to: 'elsewhere' });
  expect(await uncommitted()).toBe(bytes.length);
  const { url, upload } = begun.json as { url: string; upload: number };
  const headers = directUploadHeaders(added.pack.name);
  expect((await fetch(url, { method: 'PUT', headers, body: bytes })).ok).toBe(true);

  dying = await startCloudProcess(null, storage);
  await loseAnswer(() => device.ask('POST', `${pack}/complete`, { upload }));
  expect((await device.ask('POST', `${pack}/complete`, { upload })).status).toBe(204);
  expect(await uncommitted()).toBe(bytes.length);
  expect((await device.commit(view, { added: [added] })).status).toBe(200);
  expect(await uncommitted()).toBe(0);
});

it('charges a pack that came through a node once', async () => {
  const bytes = randomBytes(5000);
  await loseAnswer(() => device.put(view, bytes));
  expect((await device.put(view, bytes)).status).toBe(200);
  expect(await uncommitted()).toBe(bytes.length);
});

it('adds a device once', async () => {
  const { grant } = await person.grant();
  const key = makeKey();
  const entry = person.entry(person.addBody(key));
  const before = await chainLength();
  const add = (): Promise<Answer> => ask(person.url, 'POST', '/v1/devices', grant, { entry: base64(entry) });
  await loseAnswer(add);
  expect((await add()).status).toBe(201);
  expect(await chainLength()).toBe(before + 1);
});

it('appends an entry once, and says how long the chain is when it comes again', async () => {
  const { grant } = await person.grant();
  const body = { kind: 'account-key', boxKey: randomBytes(32), sealedPrivateKey: randomBytes(80) } as const;
  const entry = person.entry(body);
  const before = await chainLength();
  const append = (): Promise<Answer> => ask(person.url, 'POST', '/v1/chain', grant, { entry: base64(entry) });
  await loseAnswer(append);
  // A client reads the chain then, and finds its own entry in it.
  const again = await append();
  expect([again.status, again.json]).toMatchObject([
    409,
    { error: { code: 'stale-chain' }, chainLength: before + 1 },
  ]);
  expect(await chainLength()).toBe(before + 1);
});

it('gives a new session for a token whose session was answered to nobody', async () => {
  await loseAnswer(() => device.refresh());
  const again = await device.refresh();
  expect(again.status).toBe(200);
});

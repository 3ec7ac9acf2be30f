/** Two server processes on one database and one bucket are one server, whichever of them a device speaks to. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import type { CloudEvent } from '../../protocol/pages.ts';
import type { NodeId } from '../../protocol/ids.ts';
import { startCloudProcess, type CloudProcess } from '../fakes/cloud-process.ts';
import { listen } from '../fakes/event-listener.ts';
import { packed, Person, randomId, type TestDevice, type VaultView } from '../fakes/hand-made-client.ts';
import { folderPrint } from '../integration/folder-print.ts';
import { World } from '../integration/harness.ts';
import { Server } from '../integration/server.ts';
import { freshStorage } from './bucket.ts';
import { startPostgres, type PostgresServer } from './postgres.ts';

let postgres: PostgresServer;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres.stop();
});

describe('a device at each of two nodes', () => {
  let nodes: CloudProcess[];
  let person: Person;
  let first: TestDevice;
  let view: VaultView;
  const at = (node: 0 | 1): void => {
    person.url = nodes[node]!.address;
  };

  beforeAll(async () => {
    const storage = await freshStorage(postgres);
    nodes = await Promise.all([1, 2].map(() => startCloudProcess(null, storage)));
    person = new Person(nodes[0]!.address);
    first = await person.signup();
    view = await first.makeVault();
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
  });

  /** A socket at a node, and the next event of a kind: what the node finds by comparing comes when it likes. */
  async function listenAt(
    node: 0 | 1,
    device: TestDevice,
  ): Promise<{ socket: WebSocket; next: (kind: CloudEvent['kind']) => Promise<CloudEvent> }> {
    at(node);
    const { socket, next } = await listen(device);
    const nextOf = async (kind: CloudEvent['kind']): Promise<CloudEvent> => {
      const event = await next();
      return event.kind === kind ? event : nextOf(kind);
    };
    return { socket, next: nextOf };
  }

  it('hears at one what was committed at the other, whole when it is small', async () => {
    const { socket, next } = await listenAt(1, first);
    at(0);
    const node = randomId<NodeId>(16);
    const small = randomBytes(100);
    await first.commit(view, { nodes: [[node, small]] });
    const event = await next('commit');
    expect(event).toMatchObject({ vault: view.vault });
    expect(event.kind === 'commit' ? Buffer.from(event.commit.frame.objects[0]!) : null).toEqual(small);
    const nodesOfMany = Array.from({ length: 60 }, () => [randomId<NodeId>(16), randomBytes(8000)] as const);
    await first.commit(view, { nodes: nodesOfMany });
    expect(await next('head')).toEqual({ kind: 'head', vault: view.vault, ...view.head });
    const other = await first.makeVault();
    await next('vaults');
    expect(await next('commit')).toMatchObject({ vault: other.vault });
    socket.terminate();
  });

  it('finds at one the pack that was brought to the other', async () => {
    const bytes = randomBytes(5000);
    const added = packed(bytes);
    at(0);
    expect((await first.put(view, bytes)).status).toBe(201);
    at(1);
    expect((await first.put(view, bytes)).status).toBe(200);
    expect((await first.commit(view, { added: [added] })).status).toBe(200);
    at(0);
    const got = await first.ask('GET', `/v1/vaults/${view.vault}/packs/${added.pack.name}`);
    expect(Buffer.from(got.bytes)).toEqual(bytes);
  });

  it('is known at one when it was added at the other, and out at both once revoked', async () => {
    at(0);
    // Both nodes have the device chain as it is in memory.
    await first.commit(view, { nodes: [[randomId(16), randomBytes(10)]] });
    at(1);
    await first.commit(view, { nodes: [[randomId(16), randomBytes(10)]] });
    const second = await person.enrol();
    at(0);
    expect((await second.refresh()).status).toBe(200);
    expect((await second.commit(view, { nodes: [[randomId(16), randomBytes(10)]] })).status).toBe(200);

    const ours = await listenAt(0, first);
    const theirs = await listenAt(0, second);
    const closed = once(theirs.socket, 'close');
    at(1);
    const vaults = (await first.ask('GET', '/v1/vaults')).json.vaults as { vault: never; head: never }[];
    const pins = vaults.map(({ vault, head }) => ({ vault, ...(head as VaultView['head']) }));
    expect((await person.append({ kind: 'revoke', device: second.device, pins })).status).toBe(200);
    expect((await closed)[0]).toBe(1008);
    expect(await ours.next('chain')).toEqual({ kind: 'chain', length: person.chainLength });
    at(0);
    expect((await second.commit(view, { nodes: [] })).status).toBe(401);
    expect((await first.commit(view, { nodes: [], opensEpoch: true })).status).toBe(200);
    ours.socket.terminate();
  });

  it('is counted at both together when it tries too often', async () => {
    const attempt = async (index: number): Promise<number> => {
      at(index % 2 === 0 ? 0 : 1);
      return (await person.tryLogin('a wrong password')).status;
    };
    const statuses: number[] = [];
    // Twenty at once are allowed for one address from one network: twelve at each would pass.
    for (let index = 0; index < 24; index += 1) statuses.push(await attempt(index));
    expect(statuses).toContain(429);
  });

  it('goes on at the other when one is killed', async () => {
    await nodes[0]!.kill();
    at(1);
    expect((await first.commit(view, { nodes: [[randomId(16), randomBytes(10)]] })).status).toBe(200);
    nodes.shift();
  });
});

describe('two whole devices', () => {
  it('bring a file from one node to the other, and on when the database was away', async () => {
    const { options, env } = await freshStorage(postgres);
    const world = await World.begin(options, env);
    mkdirSync(join(world.place, 'other'));
    const other = new Server(join(world.place, 'other'), options, env);
    try {
      await other.start();
      const one = await world.device('one');
      const two = world.machine('two');
      const asked = world.enrolArguments(two);
      await two.ok('login', '--server', `http://127.0.0.1:${other.port}`, ...asked.slice(2));
      await two.learnPid();
      const agree = async (from: typeof one, to: typeof one): Promise<void> => {
        expect(await from.wait()).toMatchObject({ code: 0 });
        expect(await to.wait()).toMatchObject({ code: 0 });
        expect(folderPrint(to.folder)).toEqual(folderPrint(from.folder));
      };
      mkdirSync(one.path('folder'));
      writeFileSync(one.path('folder/large'), randomBytes(3_000_000));
      writeFileSync(one.path('small.txt'), 'some text\n');
      await agree(one, two);
      writeFileSync(two.path('small.txt'), 'other text\n');
      await agree(two, one);
      await postgres.kill();
      writeFileSync(one.path('meanwhile.txt'), 'written while nobody could take it\n');
      await postgres.start();
      await agree(one, two);
      expect(folderPrint(two.folder)).toHaveLength(4);
    } finally {
      await other.kill9();
      await world.end();
    }
  });
});

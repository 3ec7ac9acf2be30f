import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  decodeChangesPage,
  decodeHeadersPage,
  decodeHistoryPage,
  decodeStatePage,
} from '../../protocol/pages.ts';
import type { Head } from '../../protocol/cloud.ts';
import type { NodeId, VaultId } from '../../protocol/ids.ts';
import {
  ask,
  packed,
  packName,
  Person,
  randomId,
  type TestDevice,
} from '../../test/fakes/hand-made-client.ts';
import { startServer, type RunningServer } from '../server.ts';

let dataDir: string;
let server: RunningServer;
let alice: TestDevice;
let bob: TestDevice;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'coffre-cloud-'));
  server = await startServer({ dataDir, logLevel: 'silent' });
  alice = await new Person(server.address).signup();
  bob = await new Person(server.address).signup();
});
afterAll(async () => {
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

describe('a vault', () => {
  it('is made by its first commit and read back as changes, state, headers, history, epochs and by time', async () => {
    const view = await alice.makeVault();
    const node = randomId<NodeId>(16);
    const first = randomBytes(50);
    const second = randomBytes(60);
    expect((await alice.commit(view, { nodes: [[node, first]] })).status).toBe(200);
    const answer = await alice.commit(view, { nodes: [[node, second]] });
    expect(answer.json).toMatchObject({ seq: 3 });

    const base = `/v1/vaults/${view.vault}`;
    const changes = decodeChangesPage((await alice.ask('GET', `${base}/changes?after=1`)).bytes);
    expect(changes.headSeq).toBe(3);
    expect(changes.headHash).toBe(view.head.hash);
    expect(changes.commits.map((commit) => commit.frame.objects.map((object) => object?.length))).toEqual([
      [50],
      [60],
    ]);

    const state = decodeStatePage((await alice.ask('GET', `${base}/state?at=3`)).bytes);
    expect(state.nodes).toHaveLength(2);
    expect(Buffer.from(state.nodes.find((row) => row.node === node)!.object)).toEqual(second);
    const older = decodeStatePage((await alice.ask('GET', `${base}/state?at=2`)).bytes);
    expect(Buffer.from(older.nodes.find((row) => row.node === node)!.object)).toEqual(first);

    expect(decodeHeadersPage((await alice.ask('GET', `${base}/headers?from=1&to=9`)).bytes)).toHaveLength(3);
    const history = decodeHistoryPage((await alice.ask('GET', `${base}/nodes/${node}/history`)).bytes);
    expect(history.map((item) => item.revision)).toEqual([2, 1]);
    const epochs = await alice.ask('GET', `${base}/epochs`);
    expect(epochs.json.epochs).toHaveLength(1);
    const when = await alice.ask('GET', `${base}/time?at=${Date.now() + 1000}`);
    expect(when.json.head).toEqual(view.head);
    expect((await alice.ask('GET', `${base}/time?at=1000`)).json.head).toBeNull();
    const vaults = await alice.ask('GET', '/v1/vaults');
    const listed = vaults.json.vaults as { vault: VaultId }[];
    expect(listed.map((vault) => vault.vault)).toContain(view.vault);
  });

  it('takes the same commit twice and keeps it once', async () => {
    const view = await alice.makeVault();
    const built = alice.build(view, { nodes: [[randomId(16), randomBytes(40)]] });
    const answers = await Promise.all([alice.send(view, built), alice.send(view, built)]);
    expect(answers[0].status).toBe(200);
    expect(answers[1].json).toEqual(answers[0].json);
    const vaults = await alice.ask('GET', '/v1/vaults');
    const listed = vaults.json.vaults as { vault: VaultId; head: Head }[];
    expect(listed.find((vault) => vault.vault === view.vault)?.head.seq).toBe(2);
  });

  it('answers the loser of a race with the head', async () => {
    const view = await alice.makeVault();
    const rivals = [1, 2, 3, 4].map(() => alice.build(view, { nodes: [[randomId(16), randomBytes(40)]] }));
    const answers = await Promise.all(rivals.map((built) => alice.send(view, built)));
    const won = answers.flatMap((answer, index) => (answer.status === 200 ? [rivals[index]!] : []));
    expect(won).toHaveLength(1);
    for (const answer of answers.filter((candidate) => candidate.status !== 200)) {
      expect(answer.status).toBe(409);
      expect(answer.json.error.code).toBe('stale-head');
      expect(answer.json.head).toEqual({ seq: 2, hash: won[0]!.hash });
    }
  });
});

describe('a pack', () => {
  it('is uploaded, named by a commit, read whole and in ranges, dropped and revived', async () => {
    const view = await alice.makeVault();
    const bytes = randomBytes(300_000);
    const added = packed(bytes);
    expect((await alice.put(view, bytes)).status).toBe(201);
    expect((await alice.put(view, bytes)).status).toBe(200);
    expect((await alice.commit(view, { added: [added] })).status).toBe(200);
    const path = `/v1/vaults/${view.vault}/packs/${added.pack.name}`;
    expect(Buffer.compare((await alice.ask('GET', path)).bytes, bytes)).toBe(0);
    const part = await alice.ask('GET', path, undefined, { range: 'bytes=65536-131071' });
    expect(part.status).toBe(206);
    expect(part.headers.get('content-range')).toBe('bytes 65536-131071/300000');
    expect(Buffer.compare(part.bytes, bytes.subarray(65_536, 131_072))).toBe(0);
    expect((await alice.ask('GET', path, undefined, { range: 'bytes=300000-' })).status).toBe(416);
    const head = await alice.ask('HEAD', path);
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '300000']);

    expect((await alice.commit(view, { dropped: [added.pack] })).status).toBe(200);
    const liar = { ...added.pack, indexHash: randomId<typeof added.pack.indexHash>(32) };
    expect((await alice.commit(view, { revived: [liar] })).json.error.code).toBe('bad-request');
    expect((await alice.commit(view, { revived: [added.pack] })).status).toBe(200);
    const state = decodeStatePage(
      (await alice.ask('GET', `/v1/vaults/${view.vault}/state?at=${view.head.seq}`)).bytes,
    );
    expect(state.packs.map((pack) => pack.name)).toEqual([added.pack.name]);
    const between = decodeStatePage((await alice.ask('GET', `/v1/vaults/${view.vault}/state?at=3`)).bytes);
    expect(between.packs).toEqual([]);
  });

  it('may travel inside its commit', async () => {
    const view = await alice.makeVault();
    const bytes = randomBytes(1000);
    const added = packed(bytes);
    expect((await alice.commit(view, { added: [added], inline: [bytes] })).status).toBe(200);
    const path = `/v1/vaults/${view.vault}/packs/${added.pack.name}`;
    expect(Buffer.compare((await alice.ask('GET', path)).bytes, bytes)).toBe(0);
    const part = await alice.ask('GET', path, undefined, { range: 'bytes=10-19' });
    expect(Buffer.compare(part.bytes, bytes.subarray(10, 20))).toBe(0);
  });

  it('is refused when its bytes are others, and named by a commit only once it is there', async () => {
    const view = await alice.makeVault();
    const bytes = randomBytes(1000);
    const refused = await alice.put(view, bytes, packName(randomBytes(8)));
    expect(refused.json.error.code).toBe('bad-request');
    const account = await alice.ask('GET', '/v1/account');
    const added = packed(bytes);
    const early = await alice.commit(view, { added: [added] });
    expect(early.status).toBe(422);
    expect(early.json).toMatchObject({ error: { code: 'pack-missing' }, packs: [added.pack.name] });
    expect((await alice.ask('GET', '/v1/account')).json.quota).toEqual(account.json.quota);
  });
});

describe('a stranger', () => {
  it('finds nothing under another person’s ids, exactly as under ids nobody has', async () => {
    const view = await alice.makeVault();
    const bytes = randomBytes(500);
    const added = packed(bytes);
    await alice.put(view, bytes);
    await alice.commit(view, { added: [added] });
    const node = [...view.revisions.keys()][0]!;
    const { grant } = await bob.person.grant();
    const routes = (vault: string, pack: string, nodeId: string): [string, string, unknown?][] => [
      ['GET', `/v1/vaults/${vault}/changes?after=0`],
      ['GET', `/v1/vaults/${vault}/state?at=1`],
      ['GET', `/v1/vaults/${vault}/headers?from=1&to=2`],
      ['GET', `/v1/vaults/${vault}/nodes/${nodeId}/history`],
      ['GET', `/v1/vaults/${vault}/time?at=99999999999999`],
      ['GET', `/v1/vaults/${vault}/epochs`],
      ['POST', `/v1/vaults/${vault}/lease`, {}],
      ['GET', `/v1/vaults/${vault}/packs/${pack}`],
      ['HEAD', `/v1/vaults/${vault}/packs/${pack}`],
      ['PUT', `/v1/vaults/${vault}/packs/${pack}`, bytes],
    ];
    const foreign = routes(view.vault, added.pack.name, node);
    const missing = routes(randomId(16), added.pack.name, node);
    for (const [index, [method, path, body]] of foreign.entries()) {
      const [, otherPath] = missing[index]!;
      const answer = await bob.ask(method, path, body);
      const nothing = await bob.ask(method, otherPath, body);
      expect([method, path, answer.status]).toEqual([method, path, 404]);
      expect(answer.json).toEqual(nothing.json);
    }
    const purge = { packs: [added.pack.name] };
    const purged = await ask(server.address, 'POST', `/v1/vaults/${view.vault}/purge`, grant, purge);
    expect(purged.status).toBe(404);
    // What Alice signed does not pass as Bob's.
    const built = alice.build(view, { nodes: [[randomId(16), randomBytes(40)]] });
    expect((await bob.send(view, built)).json.error.code).toBe('refused');
    expect((await alice.ask('GET', `/v1/vaults/${view.vault}/packs/${added.pack.name}`)).status).toBe(200);
  });

  it('without a token, or with a grant where a session is wanted, gets nowhere', async () => {
    const { grant } = await alice.person.grant();
    for (const token of [null, 'x'.repeat(43), grant]) {
      const readable = token === grant ? [] : ['/v1/vaults', '/v1/chain?from=0'];
      for (const path of ['/v1/account', `/v1/vaults/${randomId(16)}/changes?after=0`, ...readable]) {
        expect((await ask(server.address, 'GET', path, token)).json.error.code).toBe('unauthorized');
      }
    }
    const { accessToken } = alice.session;
    for (const path of ['/v1/devices', '/v1/chain', '/v1/password/start']) {
      expect((await ask(server.address, 'POST', path, accessToken, {})).json.error.code).toBe('unauthorized');
    }
    expect((await ask(server.address, 'DELETE', '/v1/account', accessToken)).status).toBe(401);
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeChangesPage, decodeStatePage } from '../../protocol/pages.ts';
import type { NodeId } from '../../protocol/ids.ts';
import { makeKey, packed, Person, randomId, type Change } from '../../test/fakes/hand-made-client.ts';
import type { TestDevice, VaultView } from '../../test/fakes/hand-made-client.ts';
import { startServer, type RunningServer } from '../server.ts';

let dataDir: string;
let server: RunningServer;
let device: TestDevice;
let view: VaultView;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'coffre-cloud-'));
  server = await startServer({ dataDir, logLevel: 'silent' });
  device = await new Person(server.address).signup();
  view = await device.makeVault();
});
afterAll(async () => {
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function codeOf(change: Change): Promise<string> {
  const answer = await device.commit(view, change);
  return answer.status === 200 ? 'taken' : (answer.json.error.code as string);
}
const node = (): NodeId => randomId<NodeId>(16);
const record = (): Buffer => randomBytes(40);

describe('a commit is refused when', () => {
  it('another key signed it', async () => {
    expect(await codeOf({ nodes: [[node(), record()]], signer: makeKey() })).toBe('refused');
  });
  it('it names another device', async () => {
    expect(await codeOf({ nodes: [[node(), record()]], header: { device: randomId(16) } })).toBe('refused');
  });
  it('it is addressed to another vault', async () => {
    expect(await codeOf({ header: { vault: randomId(16) } })).toBe('bad-request');
  });
  it('it is not on top of the head', async () => {
    expect(await codeOf({ header: { previous: randomId(32) } })).toBe('stale-head');
    expect(await codeOf({ header: { seq: view.head.seq } })).toBe('stale-head');
    expect(await codeOf({ header: { seq: view.head.seq + 2 } })).toBe('stale-head');
  });
  it('it names a device chain that is not the account’s', async () => {
    expect(await codeOf({ header: { chainHead: randomId(32) } })).toBe('refused');
    expect(await codeOf({ header: { chainLength: 99 } })).toBe('stale-chain');
    expect(await codeOf({ header: { chainLength: 2 } })).not.toBe('taken');
  });
  it('its lists are not those it signs', async () => {
    expect(await codeOf({ nodes: [[node(), record()]], header: { entriesHash: randomId(32) } })).toBe(
      'bad-request',
    );
  });
  it('it opens no epoch where it must, or skips one', async () => {
    expect(await codeOf({ header: { epoch: 3 } })).toBe('bad-request');
    expect(await codeOf({ opensEpoch: true, header: { epoch: 2 } })).toBe('bad-request');
    const fresh: VaultView = {
      vault: randomId(16),
      head: { seq: 0, hash: '0'.repeat(64) as never },
      epoch: 0,
      revisions: new Map(),
    };
    expect((await device.commit(fresh, { opensEpoch: false })).json.error.code).toBe('bad-request');
  });
  it('a revision is not the next one', async () => {
    const [known] = view.revisions.keys();
    const wrong: VaultView = { ...view, revisions: new Map([[known!, 5]]) };
    expect((await device.commit(wrong, { nodes: [[known!, record()]] })).json.error.code).toBe('bad-request');
    const unseen: VaultView = { ...view, revisions: new Map() };
    expect((await device.commit(unseen, { nodes: [[known!, record()]] })).json.error.code).toBe(
      'bad-request',
    );
  });
  it('a record is too large', async () => {
    expect(await codeOf({ nodes: [[node(), randomBytes(8193)]] })).toBe('bad-request');
  });
  it('it removes what is not there, or brings back what was removed', async () => {
    expect(await codeOf({ nodes: [[node(), null]] })).toBe('bad-request');
    const gone = node();
    expect(await codeOf({ nodes: [[gone, record()]] })).toBe('taken');
    expect(await codeOf({ nodes: [[gone, null]] })).toBe('taken');
    expect(await codeOf({ nodes: [[gone, record()]] })).toBe('bad-request');
    view.revisions.delete(gone);
    expect(await codeOf({ nodes: [[gone, record()]] })).toBe('bad-request');
  });
  it('it handles packs out of turn', async () => {
    const bytes = randomBytes(200);
    const added = packed(bytes);
    expect(await codeOf({ dropped: [added.pack] })).toBe('bad-request');
    expect(await codeOf({ revived: [added.pack] })).toBe('pack-missing');
    await device.put(view, bytes);
    expect(await codeOf({ added: [{ ...added, pack: { ...added.pack, size: 201 } }] })).toBe('bad-request');
    expect(await codeOf({ added: [added] })).toBe('taken');
    expect(await codeOf({ added: [added] })).toBe('bad-request');
    expect(await codeOf({ revived: [added.pack] })).toBe('bad-request');
    expect(await codeOf({ dropped: [{ ...added.pack, indexHash: randomId(32) }] })).toBe('bad-request');
    expect(await codeOf({ dropped: [added.pack] })).toBe('taken');
    expect(await codeOf({ dropped: [added.pack] })).toBe('bad-request');
  });
  it('its bytes are no frame at all', async () => {
    const path = `/v1/vaults/${view.vault}/commits`;
    expect((await device.ask('POST', path, randomBytes(1000))).json.error.code).toBe('bad-request');
    expect((await device.ask('POST', path, { a: 1 })).json.error.code).toBe('bad-request');
    expect((await device.ask('POST', path, Buffer.alloc(16 * 1024 * 1024 + 1))).json.error.code).toBe(
      'too-large',
    );
  });
});

it('takes a thousand records in one commit', async () => {
  const nodes = Array.from({ length: 1000 }, () => [node(), randomBytes(200)] as const);
  expect(await codeOf({ nodes })).toBe('taken');
});

it('lets a rejoin commit skip the numbers of the commits a restored server lost, and no further', async () => {
  const restored = await device.makeVault();
  const lost = device.build(restored, { nodes: [[node(), record()]] });
  const rejoin: Change = { nodes: [[node(), record()]], lost: [lost.signed] };
  const tooFar = await device.commit(restored, { ...rejoin, header: { seq: 4 } });
  expect(tooFar.json.error.code).toBe('stale-head');
  expect((await device.commit(restored, { ...rejoin, header: { seq: 3 } })).json).toMatchObject({ seq: 3 });
  expect((await device.commit(restored, { nodes: [[node(), record()]] })).json).toMatchObject({ seq: 4 });
  const path = `/v1/vaults/${restored.vault}`;
  const { commits } = decodeChangesPage((await device.ask('GET', `${path}/changes?after=1`)).bytes);
  expect(commits.map((commit) => commit.frame.header.seq)).toEqual([3, 4]);
  const state = decodeStatePage((await device.ask('GET', `${path}/state?at=4`)).bytes);
  expect(state.nodes).toHaveLength(3);
});

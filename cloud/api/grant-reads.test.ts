import { mkdtemp, rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeStatePage } from '../../protocol/pages.ts';
import {
  ask,
  packed,
  Person,
  randomId,
  type TestDevice,
  type VaultView,
} from '../../test/fakes/hand-made-client.ts';
import { GRANT_MS } from '../accounts/tokens.ts';
import { startServer, type RunningServer } from '../server.ts';

let dataDir: string;
let server: RunningServer;
let nowMs = Date.now();
let alice: TestDevice;
let view: VaultView;
const bytes = randomBytes(70_000);
const added = packed(bytes);

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'coffre-cloud-'));
  server = await startServer({ dataDir, logLevel: 'silent', now: () => nowMs });
  alice = await new Person(server.address).signup();
  view = await alice.makeVault();
  await alice.put(view, bytes);
  await alice.commit(view, { added: [added] });
});
afterAll(async () => {
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

const readRoutes = (): string[] => {
  const base = `/v1/vaults/${view.vault}`;
  return [
    '/v1/vaults',
    '/v1/chain?from=0',
    `${base}/state?at=2`,
    `${base}/headers?from=1&to=2`,
    `${base}/epochs`,
    `${base}/packs/${added.pack.name}`,
  ];
};

describe('a grant', () => {
  it('reads all that an export needs', async () => {
    const { grant } = await alice.person.grant();
    for (const path of readRoutes()) {
      expect([path, (await ask(server.address, 'GET', path, grant)).status]).toEqual([path, 200]);
    }
    const state = await ask(server.address, 'GET', `/v1/vaults/${view.vault}/state?at=2`, grant);
    expect(decodeStatePage(state.bytes).packs.map((pack) => pack.name)).toEqual([added.pack.name]);
    const pack = await ask(server.address, 'GET', readRoutes().at(-1)!, grant);
    expect(Buffer.compare(pack.bytes, bytes)).toBe(0);
  });

  it('changes nothing a device changes, and does not follow the log', async () => {
    const { grant } = await alice.person.grant();
    const base = `/v1/vaults/${view.vault}`;
    const routes: [string, string, unknown?][] = [
      ['GET', '/v1/account'],
      ['GET', `${base}/changes?after=0`],
      ['GET', `${base}/nodes/${randomId(16)}/history`],
      ['POST', `${base}/commits`, alice.build(view, { nodes: [[randomId(16), randomBytes(40)]] }).bytes],
      ['POST', `${base}/lease`, {}],
      ['PUT', `${base}/packs/${added.pack.name}`, bytes],
      ['DELETE', '/v1/session'],
    ];
    for (const [method, path, body] of routes) {
      const answer = await ask(server.address, method, path, grant, body);
      expect([method, path, answer.status]).toEqual([method, path, 401]);
    }
  });

  it('reads nothing of another account', async () => {
    const mallory = await new Person(server.address).signup();
    const { grant } = await mallory.person.grant();
    for (const path of readRoutes().slice(2)) {
      expect([path, (await ask(server.address, 'GET', path, grant)).status]).toEqual([path, 404]);
    }
  });

  it('reads nothing once its ten minutes are over', async () => {
    const { grant } = await alice.person.grant();
    nowMs += GRANT_MS + 1;
    for (const path of readRoutes()) {
      expect((await ask(server.address, 'GET', path, grant)).json.error.code).toBe('unauthorized');
    }
  });
});

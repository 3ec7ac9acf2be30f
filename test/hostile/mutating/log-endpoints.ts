/** The endpoints of a vault: its log, its state, its keys and its packs. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { toHex, TRASH_NODE, type NodeId, type PackName } from '../../../protocol/ids.ts';
import { decodeChangesPage } from '../../../protocol/pages.ts';
import { hashOf } from '../../../protocol/signing.ts';
import { openVaultRing } from '../../../sync-engine/account/vault-keys.ts';
import { nodeVersions } from '../../../sync-engine/engine/history.ts';
import { LogFault } from '../../../sync-engine/engine/log-fault.ts';
import { CloudError } from '../../../sync-engine/remote/cloud.ts';
import { packBody } from '../../../sync-engine/transfer/pack-body.ts';
import { createVaultTransfer } from '../../../sync-engine/transfer/vault-transfer.ts';
import { sealingWorkers } from '../../../sync-engine/workers/sealing-workers.ts';
import { FOLDER } from '../folder-device.ts';
import { refusal, wireOf, type Answer } from './answer.ts';
import { route, type Asker, type Endpoint } from './endpoint.ts';
import { WORDS } from './genuine.ts';
import type { Lane } from './lane.ts';
import { Reader } from './reader.ts';

export const inVault = (path: string): string => `/v1/vaults/:vault/${path}`;

/** With every key and the whole chain, and nothing of the log yet. */
async function newcomer(lane: Lane): Promise<Reader> {
  const { device } = lane.life.bob;
  const chain = await device.home.readIdentity(device.device, 'chain');
  return Reader.start(lane.life, lane.cloud, chain, device.secrets.secrets.epochKeys);
}

/** As Bob was when he had joined. */
export async function behind(lane: Lane): Promise<Reader> {
  const { bobsChain, bobsKeys, joined, whole } = lane.life;
  const reader = await Reader.start(lane.life, lane.cloud, bobsChain, bobsKeys);
  lane.recording = joined;
  await reader.log.pull();
  lane.recording = whole;
  return reader;
}

async function upToDate(lane: Lane): Promise<Reader> {
  const reader = await newcomer(lane);
  await reader.log.pull();
  return reader;
}

/** Pulls the log by a reader that is made anew once it took something. */
async function pulling(
  lane: Lane,
  make: (lane: Lane) => Promise<Reader>,
  also: readonly string[],
): Promise<Asker> {
  let reader = await make(lane);
  const before = reader.holds();
  const genuine = lane.life.bob.device;
  return {
    also: [before, ...also],
    ask: async () => {
      await reader.log.pull();
      return reader.holds();
    },
    holds: () => reader.holds(),
    check: () => {
      if (!genuine.chain().hashes.includes(reader.keeper.chain.head))
        throw new Error('a forged device chain');
      for (const epoch of [0, 1, 2]) {
        const key = reader.keyOf(epoch);
        const right = genuine.vaultKeys(lane.life.vault);
        if (key !== null && key !== toHex(right.epochKey(epoch))) throw new Error('a forged key');
      }
    },
    renew: async () => {
      reader.close();
      reader = await make(lane);
    },
    close: () => {
      reader.close();
    },
  };
}

/** The live state instead of the changes. */
const GONE = wireOf(refusal(410, { error: { code: 'gone', message: 'no longer kept' } }));

/** Everything Bob may hold on his way from where he joined to the end, also by taking the live state. */
export async function steps(lane: Lane): Promise<string[]> {
  const { vault, whole, joinedAt } = lane.life;
  const key = `GET /v1/vaults/${vault}/changes?after=${joinedAt}`;
  const { commits } = decodeChangesPage(whole.get(key)!.at(-1)!.body);
  const found: string[] = [];
  for (let taken = 0; taken <= commits.length; taken += 1) {
    const reader = await behind(lane);
    for (const commit of commits.slice(0, taken)) {
      if ((await reader.log.receive(commit)) !== 'accepted') throw new Error('an honest commit follows');
    }
    found.push(reader.holds());
    lane.lie = { on: route('GET', inVault('changes')), make: () => GONE };
    if (taken < commits.length) await reader.log.pull();
    lane.lie = null;
    found.push(reader.holds());
    reader.close();
  }
  return found;
}

async function following(lane: Lane): Promise<Asker> {
  return pulling(lane, behind, await steps(lane));
}

async function readingChain(lane: Lane): Promise<Asker> {
  let reader = await behind(lane);
  const hashes = lane.life.bob.device.chain().hashes.slice(reader.keeper.chain.length - 1);
  return {
    also: hashes,
    ask: async () => (await reader.keeper.follow(lane.cloud)).head,
    holds: () => reader.chainHead,
    renew: async () => {
      reader.close();
      reader = await behind(lane);
    },
    close: () => {
      reader.close();
    },
  };
}

async function readingEpochs(lane: Lane): Promise<Asker> {
  const { vault, bob } = lane.life;
  const { boxSecret, device } = bob.device;
  return Promise.resolve({
    ask: async () => {
      const ring = openVaultRing(
        vault,
        await lane.cloud.epochs(vault),
        bob.device.chain(),
        boxSecret,
        device,
      );
      if (!ring.ok) throw new LogFault('bad-epoch');
      return ring.keys.map(({ epoch, key }) => [epoch, toHex(key)]);
    },
  });
}

/** What it cannot tell is whether versions are kept back; each it takes is one that was. */
async function readingHistory(lane: Lane): Promise<Asker> {
  const reader = await upToDate(lane);
  const { thesis } = lane.life;
  const versions = async () => {
    const all = await nodeVersions(reader.log, lane.cloud, reader.identity, thesis);
    return all.map(({ version, seq, device, record }) => JSON.stringify({ version, seq, device, record }));
  };
  const genuine = await versions();
  return {
    ask: async () => {
      const taken = await versions();
      const isGenuine = taken.every((one, index) => genuine.includes(one) && !taken.includes(one, index + 1));
      if (!isGenuine) throw new Error(`versions that never were: ${taken.join()}`);
      return 'genuine versions';
    },
    close: () => {
      reader.close();
    },
  };
}

export async function fetching(lane: Lane): Promise<Asker> {
  const { bob, vault, world } = lane.life;
  const reader = await upToDate(lane);
  const { store } = reader.log;
  const node = [...store.remoteRows()].find(({ name }) => name === WORDS.large);
  const content = store.content(node!.content!)!;
  const stagingPath = join(world.folder, `staged-${toHex(bob.random.bytes(6))}`);
  const transfer = createVaultTransfer({
    vault,
    keys: () => reader.keys,
    epoch: () => 0,
    workers: sealingWorkers(bob.workers),
    cloud: lane.cloud,
    locate: (chunk) => store.locate(chunk),
  });
  return {
    ask: async () => {
      const failed: string[] = [];
      const take = (result: { ok: true } | { ok: false; why: string }) => {
        if (!result.ok) failed.push(result.why);
      };
      await transfer.fetch([{ id: node!.id, content, stagingPath }], take, bob.context.signal);
      try {
        const [why] = failed;
        if (why !== undefined) throw new CloudError(why === 'offline' ? 'offline' : 'malformed', why);
        const handle = bob.disk.open(stagingPath, 'read');
        const bytes = Buffer.alloc(content.size + 1);
        const read = bob.disk.read(handle, bytes, 0);
        bob.disk.close(handle);
        return hashOf(bytes.subarray(0, read));
      } finally {
        rmSync(stagingPath, { force: true });
      }
    },
    close: () => {
      reader.close();
    },
  };
}

async function committing(lane: Lane): Promise<Asker> {
  let reader = await upToDate(lane);
  const { seq } = reader.log.cursor();
  const before = reader.holds();
  const node = toHex(lane.life.bob.random.bytes(16)) as NodeId;
  const record = { ...FOLDER, parent: TRASH_NODE, name: WORDS.folder };
  return {
    ask: async () => {
      const { kind } = await reader.log.commit({
        nodes: [{ node, record }],
        added: [],
        revived: [],
        dropped: [],
      });
      return kind;
    },
    check: (outcome) => {
      const after = reader.holds();
      const isCommitted = 'took' in outcome && outcome.took === 'committed';
      if (isCommitted ? reader.log.cursor().seq !== seq + 1 : after !== before) {
        throw new Error('the manifest is not what the outcome says');
      }
    },
    renew: async () => {
      if (reader.holds() === before) return;
      reader.close();
      reader = await upToDate(lane);
    },
    close: () => {
      reader.close();
    },
  };
}

export const PACK = 'ab'.repeat(32) as PackName;
const STORED: Answer = { status: 201, headers: [['coffre-protocol', '1']], body: Buffer.alloc(0) };

export function word(method: string, path: string, ask: (lane: Lane) => Promise<unknown>): Endpoint {
  const client = (lane: Lane): Promise<Asker> => Promise.resolve({ ask: () => ask(lane) });
  return { name: `${method} ${path}`, on: route(method, path), rests: 'word', client };
}

export function truth(method: string, path: string, client: (lane: Lane) => Promise<Asker>): Endpoint {
  return { name: `${method} ${path}`, on: route(method, path), rests: 'truth', client };
}

export const LOG_ENDPOINTS: readonly Endpoint[] = [
  word('GET', '/v1/account', (lane) => lane.cloud.account()),
  truth('GET', '/v1/vaults', (lane) => pulling(lane, newcomer, [])),
  truth('GET', '/v1/chain', readingChain),
  truth('GET', inVault('changes'), following),
  truth('GET', inVault('state'), (lane) => pulling(lane, newcomer, [])),
  truth('GET', inVault('headers'), (lane) => pulling(lane, newcomer, [])),
  truth('GET', inVault('epochs'), readingEpochs),
  truth('GET', inVault('nodes/:node/history'), readingHistory),
  word('GET', inVault('time'), (lane) => lane.cloud.headAt(lane.life.vault, 8e12)),
  word('POST', inVault('lease'), (lane) => lane.cloud.lease(lane.life.vault)),
  {
    ...word('POST', inVault('commits'), () => Promise.resolve()),
    answer: ({ bob }) => ({
      status: 200,
      headers: [['coffre-protocol', '1']],
      body: Buffer.from(
        JSON.stringify({ seq: bob.vault.log.cursor().seq + 1, receivedAtMs: 1_790_000_000_000 }),
      ),
    }),
    client: committing,
  },
  {
    ...word('PUT', inVault('packs/:pack'), (lane) =>
      lane.cloud.putPack(lane.life.vault, PACK, packBody(new Uint8Array(100))),
    ),
    answer: () => STORED,
  },
  truth('GET', inVault('packs/:pack'), fetching),
];

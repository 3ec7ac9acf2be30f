import type * as Crypto from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { NodeId } from '../../protocol/ids.ts';
import { CloudError } from '../../sync-engine/remote/cloud.ts';
import { recordOf } from '../../sync-engine/engine/history.ts';
import { HostileDevice, HostileWorld } from './hostile-world.ts';

/** Every key and nonce that AES-GCM was given in this process, and how often. */
const used = vi.hoisted(() => new Map<string, number>());

vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof Crypto>();
  const createCipheriv = (algorithm: 'aes-256-gcm', key: Uint8Array, nonce: Uint8Array) => {
    const pair = `${Buffer.from(key).toString('hex')}/${Buffer.from(nonce).toString('hex')}`;
    used.set(pair, (used.get(pair) ?? 0) + 1);
    return crypto.createCipheriv(algorithm, key, nonce);
  };
  return { ...crypto, createCipheriv };
});

let world: HostileWorld;
let ann: HostileDevice;

beforeEach(async () => {
  used.clear();
  world = await HostileWorld.start();
  ann = await world.signup();
  ann.write('a.txt', 'a');
  await ann.settle();
});
afterEach(async () => {
  await world.close();
});

/** Nodes that are new in the proposals. */
const MORE = ['1', '2', '3', '4'].map((digit) => digit.repeat(32) as NodeId);

const repeated = (): string[] => [...used].filter(([, times]) => times > 1).map(([pair]) => pair);

describe('MS-08: a key and its nonce', () => {
  it('are used once, though the server rejects two hundred commits of five records', async () => {
    const { log } = ann.sync;
    const node = log.store.remote.get(ann.node('a.txt'))!;
    const cursor = log.cursor();
    ann.line.lies = {
      commit: () => Promise.resolve({ kind: 'stale-head', head: { seq: cursor.seq, hash: cursor.hash } }),
    };
    const before = used.size;
    for (let attempt = 0; attempt < 200; attempt += 1) {
      // Each proposal is another one, as after a pull: the same nodes and revisions with other names.
      const nodes = [node.id, ...MORE].map((id) => ({
        node: id,
        record: recordOf(log, node, { name: `renamed-${id}-${attempt}` }),
      }));
      const commit = log.commit({ nodes, added: [], revived: [], dropped: [] });
      // Now and then it is told that a refusal without a reason makes no sense.
      const kind = await commit.then(
        (outcome) => outcome.kind,
        (error: unknown) => (error instanceof CloudError ? error.fault : 'crashed'),
      );
      expect(['stale-head', 'malformed']).toContain(kind);
    }
    expect(used.size - before).toBe(1000);
    expect(repeated()).toEqual([]);
  });

  it('are never the same on a device and its copy, which seal the same node and revision', async () => {
    const copy = await HostileDevice.start(world, ann.keys, `${world.root}/copy`);
    try {
      await copy.engine.followVault(ann.vault);
      for (const device of [ann, copy]) {
        device.line.lies = {
          commit: () =>
            Promise.resolve({ kind: 'stale-head', head: { seq: 1, hash: ann.sync.log.cursor().hash } }),
        };
        const { log } = device.engine.vaults()[0]!;
        await log.pull().catch(() => undefined);
        const node = log.store.remote.get(ann.node('a.txt'))!;
        const record = recordOf(log, node, { name: device === ann ? 'one' : 'two' });
        await log.commit({ nodes: [{ node: node.id, record }], added: [], revived: [], dropped: [] });
      }
      expect(used.size).toBeGreaterThan(4);
      expect(repeated()).toEqual([]);
    } finally {
      await copy.stop();
    }
  });

  it('are used once for content that is written, taken back and written again', async () => {
    for (const content of ['one', 'two', 'one', 'two']) {
      ann.write('a.txt', content.repeat(1000));
      ann.write('b.txt', content);
      await ann.settle();
    }
    expect(used.size).toBeGreaterThan(10);
    expect(repeated()).toEqual([]);
  });
});

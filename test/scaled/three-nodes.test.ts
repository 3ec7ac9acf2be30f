/**
 * Two people at work on real devices, on three nodes of which one is killed and replaced every five seconds.
 * COFFRE_NODES_SECONDS: how long (35 unless given; by hand for as long as one likes). COFFRE_CHAOS_SEED: their choices.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Chaos } from '../integration/chaos.ts';
import { World } from '../integration/harness.ts';
import { lostAfterRecovery } from '../integration/recovery.ts';
import { NodesCloud } from './nodes-cloud.ts';
import { ScaledStorage } from './scaled-storage.ts';

const SECONDS = Number(process.env['COFFRE_NODES_SECONDS'] ?? 35);
/** Between two times at which everything must be in sync. */
const ROUND_S = 35;
const seed = process.env['COFFRE_CHAOS_SEED'] ?? randomBytes(6).toString('hex');

describe('two people at work on three nodes that die in turn', { timeout: 300_000 + SECONDS * 6000 }, () => {
  let storage: ScaledStorage;
  let nodes: NodesCloud;
  let chaos: Chaos;

  beforeAll(async () => {
    console.log(`seed ${seed}, ${SECONDS} s`);
    storage = await ScaledStorage.make();
    const world = await World.on(async (place) => {
      nodes = await NodesCloud.make(place, storage, storage);
      return nodes;
    });
    chaos = await Chaos.begin(seed, world);
  });
  afterAll(async () => {
    await chaos.world.end();
  });

  it('end with both folders identical', async () => {
    for (let left = SECONDS; left > 0; left -= ROUND_S) await chaos.workFor(Math.min(left, ROUND_S) * 1000);
    const { operations, barriers } = chaos.figures;
    const { passed, failed } = nodes.balancer;
    const requests = [...passed.values()].reduce((sum, count) => sum + count, 0);
    console.log(
      `${operations} operations, ${barriers} times in sync, ${nodes.killed} nodes killed, ${requests} answers of ${passed.size} processes, ${failed} requests broken off`,
    );
    expect(nodes.killed).toBeGreaterThanOrEqual(Math.floor(SECONDS / 20));
    expect(passed.size).toBeGreaterThan(3);
  });

  it('lose nothing that was written and seen', async () => {
    const [one, two] = chaos.people.map(({ device }) => device);
    if (one === undefined || two === undefined) throw new Error('there are two');
    const required = chaos.ledger.required();
    const lost = await lostAfterRecovery(one, required, [two]);
    console.log(
      `${chaos.ledger.size} contents written, ${required.size} must be reachable, ${lost.length} lost`,
    );
    expect(lost.map((hash) => required.get(hash))).toEqual([]);
  });

  it('leave a log without a gap or a commit twice, every pack where it should be, and an account that can be restored', async () => {
    for (const { device } of chaos.people) {
      expect((await device.ok('check', '--read-data', '100')).json).toMatchObject({ keys: 'device' });
    }
    expect(await storage.check()).toEqual([]);
  });
});

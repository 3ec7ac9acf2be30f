/** Nodes that are restarted one after the other behind a load balancer: nobody who uses them notices. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, Person } from '../fakes/hand-made-client.ts';
import { freshStorage } from './bucket.ts';
import { NodeGroup } from './node-group.ts';
import { startPostgres, type PostgresServer } from './postgres.ts';
import { SteadyClient } from './steady-client.ts';

/** Clients at work at once, and how often each node is restarted. */
const CLIENTS = 4;
const ROUNDS = Number(process.env['COFFRE_NODES_ROUNDS'] ?? 1);
/** Of the load balancer's looks some ten fit in. */
const GRACE_S = 1;

describe('three nodes that are restarted in turn', { timeout: 120_000 + ROUNDS * 60_000 }, () => {
  let postgres: PostgresServer;
  let group: NodeGroup;

  beforeAll(async () => {
    postgres = await startPostgres();
    const { options, env } = await freshStorage(postgres);
    group = await NodeGroup.start({ options: [...options, '--drain-grace', String(GRACE_S)], env });
  });
  afterAll(async () => {
    await group.stop();
    await postgres.stop();
  });

  it('answer every request of a steady stream, and send event sockets on', async () => {
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const device = await new Person(group.url).signup();
        return new SteadyClient(device, await device.makeVault());
      }),
    );
    for (const client of clients) client.begin();
    const ended: (number | NodeJS.Signals)[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      for (let node = 0; node < group.size; node += 1) ended.push(await group.restart(node));
    }
    for (const client of clients) await client.end();
    const requests = clients.reduce((sum, client) => sum + client.requests, 0);
    const sentOn = clients.flatMap(({ closed }) => closed);
    console.log(`${requests} requests, ${sentOn.length} event sockets sent on, none failed`);
    expect(ended.every((code) => code === 0)).toBe(true);
    expect(group.balancer.failed).toBe(0);
    expect(requests).toBeGreaterThan(100);
    expect(sentOn.length).toBeGreaterThan(0);
    expect(sentOn.every((code) => code === 1012)).toBe(true);
    // Those that came later took their part.
    expect(group.balancer.passed.size).toBeGreaterThan(group.size);
    for (const { device, view } of clients) {
      const { json } = await device.ask('GET', '/v1/vaults');
      expect(json.vaults).toMatchObject([{ vault: view.vault, head: view.head }]);
    }
  });

  it('are not ready while the database is away, and live', async () => {
    const statuses = async (path: string): Promise<unknown> =>
      Promise.all([0, 1, 2].map(async (node) => (await ask(group.at(node), 'GET', path)).status));
    await postgres.kill();
    await expect.poll(() => statuses('/readyz'), { timeout: 30_000 }).toEqual([503, 503, 503]);
    expect((await ask(group.at(0), 'GET', '/readyz')).json).toEqual({
      status: 'unreachable',
      parts: ['database'],
    });
    expect(await statuses('/healthz')).toEqual([200, 200, 200]);
    await postgres.start();
    await expect.poll(() => statuses('/readyz'), { timeout: 30_000 }).toEqual([200, 200, 200]);
  });
});

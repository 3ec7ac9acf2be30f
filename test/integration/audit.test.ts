import { expect, it, vi } from 'vitest';
import { auditLife } from './audit-life.ts';
import { World } from './harness.ts';
import { Server } from './server.ts';

vi.setConfig({ testTimeout: 240_000 });

it('a server writes down what real devices do with an account, and nothing of who they are', async () => {
  const world = await World.on((place) => new Server(place, [], {}));
  try {
    await auditLife(world, async (...options) => {
      const shown = await world.server.operate('audit', '--json', ...options);
      return JSON.parse(shown) as Record<string, unknown>;
    });
    const shown = await world.server.operate('audit');
    for (const secret of [world.email, 'Desk', 'Laptop', world.password])
      expect([secret, shown.includes(secret)]).toEqual([secret, false]);
  } finally {
    await world.end();
  }
});

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, vi } from 'vitest';
import { auditLife } from './audit-life.ts';
import { World } from './harness.ts';
import { Server } from './server.ts';

vi.setConfig({ testTimeout: 240_000 });

const CLOUD = join(import.meta.dirname, '../../cloud/main.ts');

it('a server writes down what real devices do with an account, and nothing of who they are', async () => {
  const world = await World.on((place) => new Server(place, [], {}));
  try {
    await auditLife(world, async (...options) => {
      const args = [CLOUD, 'audit', '--json', '--data', world.server.data, ...options];
      return JSON.parse((await promisify(execFile)(process.execPath, args)).stdout) as Record<
        string,
        unknown
      >;
    });
    const shown = await promisify(execFile)(process.execPath, [CLOUD, 'audit', '--data', world.server.data]);
    for (const secret of [world.email, 'Desk', 'Laptop', world.password])
      expect([secret, shown.stdout.includes(secret)]).toEqual([secret, false]);
  } finally {
    await world.end();
  }
});

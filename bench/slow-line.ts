/** Two devices, each 40 ms and 100 Mbit/s away from the server: many small files, then one large one. */
import { firstSync } from './first-sync.ts';
import type { Row } from './report.ts';
import type { Setting } from './scenario.ts';
import { World } from './world.ts';

const GIB = 1024 ** 3;
const PACE = { roundTripMs: 40, bytesPerSecond: 100_000_000 / 8 };

export async function slowLine(setting: Setting): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const works = setting.quick
    ? [{ count: 200, size: 10 * 1024, target: null }]
    : [
        { count: 2000, size: 10 * 1024, target: 8 },
        { count: 1, size: 200_000_000, target: 20 },
      ];
  for (const work of works) {
    const { profiles, dist } = setting;
    const world = await World.open({ needs: 2 * GIB, profiles, dist, pace: PACE });
    try {
      const row = await firstSync(world, setting, work);
      rows.push({ ...row, name: `${row.name}, 40 ms and 100 Mbit/s away` });
    } finally {
      await world.close();
    }
  }
  return rows;
}

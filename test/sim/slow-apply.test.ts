/**
 * What is done on the disk is done by a thread, and heard of later; the account moves on meanwhile. Once, when it
 * had moved back to where it was, what had just been done here was taken for the person's own doing: a folder that
 * was renamed and renamed back got its passing name back, on every device.
 */
import { expect, it } from 'vitest';
import { TRASH_NODE } from '../../protocol/ids.ts';
import { recordOf } from '../../sync-engine/engine/history.ts';
import { findFiles, removeAll, writeFile } from './files.ts';
import { ROOT, type SimDevice } from './sim-device.ts';
import { TwoDevices } from './two-devices.ts';

const pathsOn = (device: SimDevice): string[] =>
  findFiles(device.disk, ROOT, (path) => path === '.coffre').map(({ path }) => path);

/** A world in which the first device did `first`, and `back` while the slow one is at it. */
async function thereAndBack(
  first: (desk: SimDevice, lap: SimDevice) => Promise<void> | void,
  back: (desk: SimDevice) => Promise<void> | void,
  seed = 'slow apply',
): Promise<{ world: TwoDevices; desk: SimDevice; lap: SimDevice }> {
  const world = await TwoDevices.start(seed);
  const desk = await world.boot('Desk');
  const lap = await world.boot('Lap', {
    slowMs: { apply: 8000 },
    // The other one's changes are in the account first.
    line: (cloud) => {
      const commit = cloud.commit.bind(cloud);
      cloud.commit = async (...args) => {
        await new Promise<void>((resolve) => {
          world.time.in(1000, resolve);
        });
        return commit(...args);
      };
    },
  });
  desk.ledger.during('a folder', () => {
    desk.disk.makeFolder(`${ROOT}/work`, 0o755);
    writeFile(desk.disk, `${ROOT}/work/thesis`, 'a year of work');
    writeFile(desk.disk, `${ROOT}/notes`, 'a few');
  });
  expect(await world.rest()).toBe(true);
  await first(desk, lap);
  await world.time.pass(3000);
  await back(desk);
  expect(await world.rest()).toBe(true);
  return { world, desk, lap };
}

async function expectAsBefore({ world, desk, lap }: Awaited<ReturnType<typeof thereAndBack>>): Promise<void> {
  for (const device of [desk, lap]) expect(pathsOn(device)).toEqual(['notes', 'work', 'work/thesis']);
  expect(await world.broken()).toEqual([]);
  await world.close();
}

it('leaves a folder that was renamed and renamed back where it was', async () => {
  const rename = (from: string, to: string) => (desk: SimDevice) => {
    desk.ledger.during(`${from} becomes ${to}`, () => {
      desk.disk.rename(`${ROOT}/${from}`, `${ROOT}/${to}`);
    });
  };
  await expectAsBefore(await thereAndBack(rename('work', 'aside'), rename('aside', 'work')));
});

/** As a person restores from the trash: the node is itself again. */
async function takeOutOfTrash(desk: SimDevice, name: string): Promise<void> {
  const [pair] = desk.running.engine.pairs();
  const { log } = pair!.vault;
  const row = [...log.store.remote.children(TRASH_NODE)].find((node) => node.name === name)!;
  const record = recordOf(log, row, { parent: pair!.pair.config.bound });
  const { kind } = await log.commit({
    nodes: [{ node: row.id, record }],
    added: [],
    revived: [],
    dropped: [],
  });
  expect(kind).toBe('committed');
}

it.each(['notes', 'work'])(
  'takes a restore for what it is while it removes what was deleted (%s)',
  async (name) => {
    const found = await thereAndBack(
      (desk) => {
        desk.ledger.during(`${name} is deleted`, () => {
          removeAll(desk.disk, `${ROOT}/${name}`);
        });
      },
      (desk) => takeOutOfTrash(desk, name),
    );
    await expectAsBefore(found);
  },
);

// Worlds in which the copy is being made when the other device changes back; before that it is no conflict.
it.each([2, 3])(
  'keeps both of a file that was changed on both sides, and changed back on one (world %i)',
  async (seed) => {
    const write = (device: SimDevice, text: string): void => {
      device.ledger.during(text, () => {
        writeFile(device.disk, `${ROOT}/notes`, text);
      });
    };
    const { world, desk, lap } = await thereAndBack(
      (one, other) => {
        write(one, 'more');
        write(other, 'others');
      },
      (one) => {
        write(one, 'a few');
      },
      `slow apply ${seed}`,
    );
    for (const device of [desk, lap]) {
      const notes = findFiles(device.disk, ROOT, (path) => path === '.coffre' || path === 'work');
      expect(notes.map(({ text }) => text).sort()).toEqual(['a few', 'others']);
      expect(notes.map(({ path }) => path)).toContain('notes');
    }
    expect(await world.broken()).toEqual([]);
    await world.close();
  },
);

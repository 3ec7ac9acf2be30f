/**
 * An engine that is killed within a system call that changes something for good, or whose calls fail: afterwards a
 * sound one goes on, and both folders hold exactly what their people left in them.
 * `COFFRE_FAULT_CALLS=all npm test -- --only faults calls` tries many more places.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderPrint } from '../integration/folder-print.ts';
import { World, type Device } from '../integration/harness.ts';
import { canInject, faultyNode, saidOf, type Injection } from './faulty-node.ts';
import { Corner, expectedPrint } from './tree-play.ts';

const KILLED_IN = [
  'rename,renameat2',
  'link,linkat',
  'unlink,unlinkat,rmdir',
  'fsync,fdatasync',
  'pwrite64,write',
  'mkdir',
];
const FAILING: readonly (readonly [calls: string, error: string, when: string])[] = [
  ['openat', 'EMFILE', '60+11'],
  ['inotify_add_watch', 'ENOSPC', '1+1'],
  ['rename,renameat2', 'EIO', '2+3'],
  ['pwrite64', 'ENOSPC', '40+9'],
  ['fsync,fdatasync', 'EIO', '5+4'],
  ['link,linkat', 'EPERM', '1+1'],
  ['read,pread64', 'EIO', '300+40'],
  ['mkdir', 'EDQUOT', '3+2'],
];
const everything = process.env['COFFRE_FAULT_CALLS'] === 'all';

/** Every call in every place takes an hour of patience; a few are always tried. Steps by name are in points.test. */
const kills: Injection[] = (everything ? KILLED_IN : KILLED_IN.slice(0, 2)).flatMap((calls, index) =>
  (everything ? ['1', '2', '4', '8', '16', '24', '32', '64'] : [index % 2 === 0 ? '24' : '2']).map(
    (when) => ({
      calls,
      what: 'signal=SIGKILL',
      when,
    }),
  ),
);
const errors: Injection[] = (everything ? FAILING : FAILING.slice(0, 5)).map(([calls, error, when]) => ({
  calls,
  what: `error=${error}`,
  when,
}));

// Without the right to trace there is nothing to inject with; build/test.mjs says so.
describe.runIf(canInject())('an engine whose system calls', () => {
  let world: World;
  let sound: Device;
  let faulty: Device;
  let corners: readonly [Corner, Corner];
  const seen: Record<string, number> = {};

  beforeAll(async () => {
    world = await World.begin();
    sound = await world.device('sound');
    faulty = await world.device('faulty');
    corners = [new Corner(sound, 'of sound'), new Corner(faulty, 'of faulty')];
    for (const corner of corners) corner.change();
    await agree();
  });
  afterAll(async () => {
    process.stdout.write(`injected: ${JSON.stringify(seen)}\n`);
    await world.end();
  });

  async function agree(): Promise<void> {
    for (const device of [faulty, sound, faulty])
      expect(await device.wait(), device.name).toMatchObject({ code: 0 });
    for (const device of [sound, faulty]) {
      const files = folderPrint(device.folder).flatMap((line) => {
        const [, name, hash] = /^(".*") (?:file|program) ([0-9a-f]{64})$/.exec(line) ?? [];
        return name === undefined ? [] : [`${name} ${hash ?? ''}`];
      });
      expect(files, device.name).toEqual(expectedPrint(corners));
    }
  }

  async function lives(injection: Injection): Promise<void> {
    await faulty.stop();
    const { node, injected } = faultyNode(world.place, injection);
    for (const corner of corners) corner.change();
    // It may end at once: what it leaves behind is what counts.
    await faulty.cli(['start'], { COFFRE_NODE: node }).catch(() => undefined);
    await sound.wait();
    await faulty.cli(['wait', '--timeout', '4'], { COFFRE_NODE: node }).catch(() => undefined);
    await faulty.kill9();
    seen[saidOf(injection)] = injected();
    await faulty.start();
    await agree();
  }

  it.each(kills.map((injection) => [saidOf(injection), injection] as const))(
    'end it: %s',
    async (_, injection) => {
      await lives(injection);
    },
  );

  it.each(errors.map((injection) => [saidOf(injection), injection] as const))(
    'fail: %s',
    async (_, injection) => {
      await lives(injection);
      expect(seen[saidOf(injection)]).toBeGreaterThan(0);
    },
  );
});

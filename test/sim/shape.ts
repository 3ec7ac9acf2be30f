/**
 * What kind of world a seed makes: how many devices, on which disks, with which troubles. Drawn from a stream of
 * its own, so that the rest of a plain world is as it was before worlds had shapes.
 */
import type { DiskErrorCode } from '../../sync-engine/local-fs/disk.ts';
import type { SimDiskOptions } from '../fakes/sim-disk.ts';
import { Chance } from './chance.ts';
import type { SlowJobs } from './life.ts';

export interface DeviceShape {
  readonly name: string;
  readonly disk: Partial<SimDiskOptions>;
  /** How likely a call of the engine's disk fails, and how. */
  readonly failing: number;
  readonly failures: readonly DiskErrorCode[];
  readonly slowMs: SlowJobs;
}

type Trouble = 'full' | 'read-only' | 'unmounted';

/** A disk is in trouble from `atMs` on, for `forMs`. */
export interface DiskTrouble {
  readonly device: number;
  readonly kind: Trouble;
  readonly atMs: number;
  readonly forMs: number;
}

export interface WorldShape {
  readonly devices: readonly DeviceShape[];
  readonly troubles: readonly DiskTrouble[];
  /** Names that only some disks can hold, or hold apart. */
  readonly oddNames: boolean;
}

const NAMES = ['Desk', 'Lap', 'Phone', 'Attic', 'Studio'];

/** Disks as they are met: the one of Linux first, then those of macOS, Windows, and of a USB stick. */
const DISKS: readonly Partial<SimDiskOptions>[] = [
  {},
  { reusesInodes: true },
  { caseSensitive: false, unicodeSensitive: false },
  { caseSensitive: false, illegal: '<>:"|?*\\', reusesInodes: true, mtimeGranularityUs: 1 },
  { caseSensitive: false, illegal: '<>:"|?*\\', hardLinks: false, mtimeGranularityUs: 2_000_000 },
  { hardLinks: false, mtimeGranularityUs: 1_000_000 },
];
const FAILURES: readonly DiskErrorCode[] = ['io', 'too-many-open', 'busy'];

const PLAIN: WorldShape = {
  devices: NAMES.slice(0, 2).map((name) => ({ name, disk: {}, failing: 0, failures: [], slowMs: {} })),
  troubles: [],
  oddNames: false,
};

const FLUSHES_MS = [0, 0, 50, 1500];
/** Of the disk, and of the threads that work on it: a machine busy with other things. */
const SLOW: readonly SlowJobs[] = [
  {},
  {},
  { apply: 100 },
  { apply: 2000 },
  { walk: 500 },
  { walk: 100, ingest: 100, fetch: 100, apply: 100 },
];

/** `prompt`: no work takes long; `flushes`: but flushes may. Worlds were so once, and seeds are kept from then. */
export type Pace = 'prompt' | 'flushes' | 'any';

/** `plain`: two devices on disks without troubles, whatever the seed. */
export function shapeOf(seed: number, options: { plain: boolean; pace: Pace }): WorldShape {
  const shape = shapeBut(seed, options.plain);
  if (options.pace === 'prompt') return shape;
  // Of streams of their own, so that all else is as it was before work took time.
  const flushes = new Chance(`flushes of ${seed}`);
  const work = new Chance(`work of ${seed}`);
  const devices = shape.devices.map((device) => {
    const flush = flushes.pick(FLUSHES_MS);
    return { ...device, slowMs: { flush, ...(options.pace === 'any' ? work.pick(SLOW) : {}) } };
  });
  return { ...shape, devices };
}

function shapeBut(seed: number, plain: boolean): WorldShape {
  const chance = new Chance(`shape of ${seed}`);
  if (plain || chance.happens(0.3)) return PLAIN;
  const count = chance.pick([2, 2, 2, 3, 3, 4, 5]);
  const isOdd = chance.happens(0.5);
  const isFailing = chance.happens(0.4);
  const devices = NAMES.slice(0, count).map((name) => ({
    name,
    disk: isOdd ? chance.pick(DISKS) : {},
    failing: isFailing ? chance.pick([0, 0.002, 0.01]) : 0,
    failures: FAILURES,
    slowMs: {},
  }));
  const troubles = Array.from({ length: chance.happens(0.5) ? 1 + chance.below(3) : 0 }, () => ({
    device: chance.below(count),
    kind: chance.pick<Trouble>(['full', 'full', 'read-only', 'unmounted']),
    atMs: chance.below(30_000),
    forMs: chance.pick([50, 1000, 30_000]),
  }));
  return { devices, troubles, oddNames: isOdd };
}

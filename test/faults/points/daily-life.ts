/**
 * Two people who change a little of everything, again and again, so that each round brings the engine and the server
 * by all steps of daily life; and what both folders must hold in the end.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { expect } from 'vitest';
import { folderPrint } from '../../integration/folder-print.ts';
import { until, type Device, type World } from '../../integration/harness.ts';
import { bytesOf } from '../tree-play.ts';
import { leftOnDevice, leftOnServer } from './leftovers.ts';

/** So many that what a run removes is no unusual part of it. */
const STOCK = 400;
/** Too much for a commit to carry along. */
const LARGE = 180_000;
const SWAPPED = ['left', 'right'] as const;

/** One person's corner. */
class Person {
  readonly #device: Device;
  readonly #name: string;
  readonly #files = new Map<string, string>();
  #round = 0;

  constructor(device: Device) {
    this.#device = device;
    this.#name = `of ${device.name}`;
    for (const name of SWAPPED) this.#write(`${name}/of ${name}`, 50);
    this.#write('passed on 0', 3000);
    this.#write('stamped', 300);
  }

  #at(file: string): string {
    return this.#device.path(this.#name, file);
  }

  #write(file: string, size: number): void {
    const bytes = bytesOf(`${this.#name} ${this.#round} ${file}`, size);
    mkdirSync(this.#at(file).replace(/\/[^/]*$/, ''), { recursive: true });
    writeFileSync(this.#at(file), bytes);
    this.#files.set(file, createHash('sha256').update(bytes).digest('hex'));
  }

  #move(from: string, to: string): void {
    renameSync(this.#at(from), this.#at(to));
    for (const [file, hash] of [...this.#files]) {
      if (file !== from && !file.startsWith(`${from}/`)) continue;
      this.#files.delete(file);
      this.#files.set(to + file.slice(from.length), hash);
    }
  }

  change(): void {
    const before = this.#round;
    this.#round += 1;
    const round = this.#round;
    const [left, right] = SWAPPED;
    // A new folder, with something in it that is to be a program and a link.
    this.#write(`new ${round}/inner/program`, 900);
    this.#write(`new ${round}/short-lived`, 10);
    chmodSync(this.#at(`new ${round}/inner/program`), 0o755);
    symlinkSync('program', this.#at(`new ${round}/inner/link`));
    // An edit of what is large, one of what is small, and one of the mode alone.
    this.#write('large', LARGE);
    this.#write('small', 200 + round);
    chmodSync(this.#at(`${left}/of ${round % 2 === 1 ? left : right}`), round % 2 === 1 ? 0o755 : 0o644);
    utimesSync(this.#at('stamped'), round, round);
    this.#move(`passed on ${before}`, `passed on ${round}`);
    this.#move(left, 'aside');
    this.#move(right, left);
    this.#move('aside', right);
    rmSync(this.#at('link'), { force: true });
    symlinkSync(`passed on ${round}`, this.#at('link'));
    // A link is moved, and another is another from now on.
    if (before > 0) renameSync(this.#at(`pointer ${before}`), this.#at(`pointer ${round}`));
    else symlinkSync('nowhere', this.#at(`pointer ${round}`));
    if (before > 0) {
      rmSync(this.#at(`new ${before}/short-lived`));
      this.#files.delete(`new ${before}/short-lived`);
      rmdirSync(this.#at(`empty ${before}`));
    }
    mkdirSync(this.#at(`empty ${round}`));
  }

  edit(): void {
    this.#round += 0.5;
    this.#write('large', LARGE);
    this.#write('small', 700);
    this.#round -= 0.5;
  }

  expected(): string[] {
    return [
      ...[...this.#files].map(([file, hash]) => `${JSON.stringify(`${this.#name}/${file}`)} ${hash}`),
      ...(this.#round > 0 ? [`${JSON.stringify(`${this.#name}/pointer ${this.#round}`)} -> "nowhere"`] : []),
      ...(this.#round > 0 ? [`${JSON.stringify(`${this.#name}/link`)} -> "passed on ${this.#round}"`] : []),
    ];
  }
}

export class DailyLife {
  readonly #world: World;
  readonly #devices: readonly Device[];
  readonly #people: readonly Person[];

  private constructor(world: World, devices: readonly Device[]) {
    this.#world = world;
    this.#devices = devices;
    this.#people = devices.map((device) => new Person(device));
  }

  static async begin(world: World, devices: readonly [Device, Device]): Promise<DailyLife> {
    for (let file = 0; file < STOCK; file += 1) {
      mkdirSync(devices[0].path('stock'), { recursive: true });
      writeFileSync(devices[0].path('stock', `${file}`), `${file}`);
    }
    const life = new DailyLife(world, devices);
    await life.settle();
    return life;
  }

  /** The first of them edits what was under way. */
  editMeanwhile(): void {
    this.#people[0]?.edit();
  }

  change(): void {
    for (const person of this.#people) person.change();
  }

  /** Both in sync, with all that the people have and nothing else, and nothing left of what was under way. */
  async settle(): Promise<void> {
    const [one, two] = this.#devices as [Device, Device];
    for (const device of [two, one, two]) await inSync(device);
    const expected = this.#people.flatMap((person) => person.expected()).sort();
    for (const device of [one, two]) {
      const found = new Set(printOf(device));
      const missing = expected.filter((line) => !found.delete(line));
      expect({ missing, more: [...found] }, device.name).toEqual({ missing: [], more: [] });
    }
    const left = (): string[] => [...this.#devices.flatMap(leftOnDevice), ...leftOnServer(this.#world)];
    await until('nothing left over', 3000, () => (left().length === 0 ? true : null)).catch(() => undefined);
    expect(left()).toEqual([]);
  }
}

/** As `coffre wait`, without a process for it. @throws PersonError */
export async function inSync(device: Device): Promise<void> {
  const engine = await device.engine();
  try {
    await engine.call('wait', { timeoutMs: 30_000 });
  } catch (error) {
    const issues = await device.issues().catch(() => []);
    if (issues.length === 0) throw error;
    throw new Error(issues.map(({ code, path }) => `${code} at ${path}`).join(', '), { cause: error });
  }
}

function printOf(device: Device): string[] {
  return folderPrint(device.folder).flatMap((line) => {
    if (line.startsWith('"stock')) return [];
    const [, name, hash] = /^(".*") (?:file|program) ([0-9a-f]{64})$/.exec(line) ?? [];
    if (name !== undefined) return [`${name} ${hash ?? ''}`];
    return line.includes('inner/link"') || line.endsWith(' folder') ? [] : [line];
  });
}

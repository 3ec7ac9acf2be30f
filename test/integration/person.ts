/** Somebody who works in the folder of one device, at random, not minding what Coffre does there meanwhile. */
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { PersonError } from '../../protocol/errors.ts';
import type { Dice } from './dice.ts';
import { entriesOf, type Device } from './harness.ts';
import type { Ledger } from './ledger.ts';

interface Found {
  /** Relative to the pair's folder. */
  readonly path: string;
  readonly stat: Stats;
}

type Act = () => void | Promise<void>;

/** What Coffre may have done between a look and an act. */
const RACES = ['ENOENT', 'EEXIST', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'EINVAL', 'ELOOP'];
const SHAPES = [
  'Ünïcödé',
  'Ünïcödé'.normalize('NFD'),
  'straße',
  'ΣΊΣΥΦΟΣ',
  '日本',
  '👩‍👩‍👧',
  ' spaced ',
  '-dash',
  'a.b.c',
];

export class Person {
  /** Stand in names, folder names and contents; nobody else may ever see them. */
  readonly marks = new Set<string>();
  readonly device: Device;
  readonly #dice: Dice;
  readonly #ledger: Ledger;

  constructor(device: Device, dice: Dice, ledger: Ledger) {
    this.device = device;
    this.#dice = dice;
    this.#ledger = ledger;
  }

  /** One random operation. */
  async act(): Promise<void> {
    const choices: readonly (readonly [weight: number, act: Act])[] = [
      [30, () => this.#create()],
      [5, () => this.#createLarge()],
      [12, () => this.#overwrite()],
      [8, () => this.#saveAtomically()],
      [8, () => this.#append()],
      [4, () => this.#truncate()],
      [7, () => this.#rename()],
      [8, () => this.#move()],
      [6, () => this.#deleteFile()],
      [2, () => this.#deleteFolder()],
      [5, () => this.#chmod()],
      [4, () => this.#link()],
      [4, () => this.#makeFolder()],
      [3, () => this.#fileToFolder()],
      [2, () => this.#folderToFile()],
      [4, () => this.#twin()],
      [2, () => this.#swap()],
      [2, () => this.#copy()],
      [3, () => this.#select()],
    ];
    let at = this.#dice.below(choices.reduce((sum, [weight]) => sum + weight, 0));
    const chosen = choices.find(([weight]) => (at -= weight) < 0);
    try {
      await chosen?.[1]();
    } catch (error) {
      if (!RACES.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }

  #all(): Found[] {
    const found: Found[] = [];
    for (const entry of readdirSync(this.device.folder, { recursive: true, withFileTypes: true })) {
      const full = join(entry.parentPath, entry.name);
      const path = full.slice(this.device.folder.length + 1);
      if (path === '.coffre' || path.startsWith('.coffre/')) continue;
      const stat = lstatSync(full, { throwIfNoEntry: false });
      if (stat !== undefined) found.push({ path, stat });
    }
    // The order of a listing is the disk's, the choice must be the seed's.
    return found.sort((one, other) => (one.path < other.path ? -1 : 1));
  }

  #file(): string | undefined {
    return this.#dice.pick(this.#all().filter(({ stat }) => stat.isFile()))?.path;
  }

  /** Of any depth; '' for the pair's folder itself. */
  #folder(): string {
    return (
      this.#dice.pick([
        '',
        ...this.#all()
          .filter(({ stat }) => stat.isDirectory())
          .map(({ path }) => path),
      ]) ?? ''
    );
  }

  #mark(): string {
    const mark = this.#dice.token();
    this.marks.add(mark);
    return mark;
  }

  #name(): string {
    return `${this.#dice.pick(SHAPES) ?? ''}${this.#mark()}`;
  }

  #text(): Buffer {
    const mark = this.#mark();
    return Buffer.from(
      `${mark}\n`.repeat(1 + this.#dice.below(400)) + this.#dice.token(this.#dice.below(60)),
    );
  }

  #full(path: string): string {
    return join(this.device.folder, path);
  }

  #write(path: string, bytes: Uint8Array): void {
    writeFileSync(this.#full(path), bytes);
    this.#ledger.wrote(this.device.name, path, bytes);
  }

  /** What a path holds is lost to this person by what comes next. */
  #destroying(path: string): void {
    const stat = lstatSync(this.#full(path), { throwIfNoEntry: false });
    if (stat?.isFile() === true) this.#ledger.destroying(this.device.name, readFileSync(this.#full(path)));
    if (stat?.isDirectory() !== true) return;
    for (const name of readdirSync(this.#full(path))) this.#destroying(join(path, name));
  }

  #create(): void {
    const path = join(this.#folder(), this.#name());
    this.#write(path, this.#dice.below(10) === 0 ? new Uint8Array(0) : this.#text());
  }

  #createLarge(): void {
    const noise = this.#dice.bytes(140_000 + this.#dice.below(500_000));
    this.#write(join(this.#folder(), this.#name()), Buffer.concat([this.#text(), noise]));
  }

  #overwrite(): void {
    const path = this.#file();
    if (path === undefined) return;
    this.#destroying(path);
    this.#write(path, this.#text());
  }

  #saveAtomically(): void {
    const path = this.#file();
    if (path === undefined) return;
    const fresh = join(dirname(path), this.#name());
    this.#write(fresh, this.#text());
    this.#destroying(path);
    renameSync(this.#full(fresh), this.#full(path));
  }

  #append(): void {
    const path = this.#file();
    if (path === undefined) return;
    const more = this.#text();
    const before = readFileSync(this.#full(path));
    this.#destroying(path);
    appendFileSync(this.#full(path), more);
    this.#readBack(path, Buffer.concat([before, more]));
  }

  #truncate(): void {
    const path = this.#file();
    if (path === undefined) return;
    const before = readFileSync(this.#full(path));
    this.#destroying(path);
    truncateSync(this.#full(path), before.length >> 1);
    this.#readBack(path, before.subarray(0, before.length >> 1));
  }

  /** Counts as written only if nothing was put there between the look and the act. */
  #readBack(path: string, expected: Uint8Array): void {
    if (readFileSync(this.#full(path)).equals(expected)) this.#ledger.wrote(this.device.name, path, expected);
  }

  #rename(): void {
    const path = this.#dice.pick(this.#all())?.path;
    if (path !== undefined) this.#carry(path, join(dirname(path), this.#name()));
  }

  #move(): void {
    const path = this.#dice.pick(this.#all())?.path;
    if (path !== undefined) this.#carry(path, join(this.#folder(), basename(path)));
  }

  #carry(from: string, to: string): void {
    if (lstatSync(this.#full(to), { throwIfNoEntry: false }) === undefined)
      renameSync(this.#full(from), this.#full(to));
  }

  #deleteFile(): void {
    const path = this.#file();
    if (path === undefined) return;
    this.#destroying(path);
    rmSync(this.#full(path));
  }

  #deleteFolder(): void {
    const path = this.#folder();
    if (path === '') return;
    this.#destroying(path);
    rmSync(this.#full(path), { recursive: true });
  }

  #chmod(): void {
    const path = this.#file();
    if (path !== undefined) chmodSync(this.#full(path), (lstatSync(this.#full(path)).mode ^ 0o111) & 0o777);
  }

  #link(): void {
    symlinkSync(
      this.#dice.pick(this.#all())?.path ?? this.#name(),
      this.#full(join(this.#folder(), this.#name())),
    );
  }

  #makeFolder(): void {
    mkdirSync(this.#full(join(this.#folder(), this.#name())));
  }

  #fileToFolder(): void {
    const path = this.#file();
    if (path === undefined) return;
    this.#destroying(path);
    rmSync(this.#full(path));
    mkdirSync(this.#full(path));
    this.#write(join(path, this.#name()), this.#text());
  }

  #folderToFile(): void {
    const path = this.#folder();
    if (path === '') return;
    this.#destroying(path);
    rmSync(this.#full(path), { recursive: true });
    this.#write(path, this.#text());
  }

  /** A name that differs from another in case or in the form of its accents only. */
  #twin(): void {
    const path = this.#dice.pick(this.#all())?.path;
    if (path === undefined) return;
    const name = basename(path);
    const other = this.#dice.pick([
      name.toUpperCase(),
      name.toLowerCase(),
      name.normalize('NFC'),
      name.normalize('NFD'),
    ]);
    const to = join(dirname(path), other ?? name);
    if (this.#dice.below(2) === 0) this.#carry(path, to);
    else if (!existsSync(this.#full(to))) this.#write(to, this.#text());
  }

  #swap(): void {
    const [one, other] = [this.#file(), this.#file()];
    if (one === undefined || other === undefined || one === other) return;
    const aside = join(dirname(one), this.#name());
    this.#carry(one, aside);
    this.#carry(other, one);
    this.#carry(aside, other);
  }

  #copy(): void {
    const path = this.#file();
    if (path !== undefined) this.#write(join(this.#folder(), this.#name()), readFileSync(this.#full(path)));
  }

  /** Keeps a folder off this device, or takes all that was kept off back. */
  async #select(): Promise<void> {
    const path = this.#folder();
    try {
      const engine = await this.device.engine();
      if (this.#dice.below(2) === 0) await this.selectAll();
      else if (path !== '') await engine.call('select', { path: `/${path}`, on: false });
    } catch (error) {
      // The engine was just killed, or does not know the folder yet.
      const isBearable =
        error instanceof PersonError || (error as Error).message.startsWith('no engine runs');
      if (!isBearable) throw error;
    }
  }

  /** Takes back whatever is kept off this device and stands still meanwhile. */
  async selectAll(): Promise<void> {
    const engine = await this.device.engine();
    const folders = ['/'];
    for (let path = folders.shift(); path !== undefined; path = folders.shift()) {
      try {
        for (const entry of await entriesOf(engine, path)) {
          const inside = `${path === '/' ? '' : path}/${entry.name}`;
          if (!entry.selected) await engine.call('select', { path: inside, on: true });
          if (entry.type === 'folder') folders.push(inside);
        }
      } catch (error) {
        // The other device carried it away.
        if (!(error instanceof PersonError && error.code === 'not-found')) throw error;
      }
    }
  }
}

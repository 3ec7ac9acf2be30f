/** A person at one device: small acts on few names, so that both sides meet. */
import { DiskError, type Disk } from '../../sync-engine/local-fs/disk.ts';
import type { Chance } from './chance.ts';
import { findFiles, removeAll, writeFile, type FoundFile } from './files.ts';
import type { Ledger } from './ledger.ts';

export const NAMES = ['a', 'b', 'c', 'note.txt', 'pic.jpg'];
const FOLDERS = ['docs', 'work', 'old'];
/** Twins of others by case or by accents, and what some disks refuse. */
const ODD_NAMES = ['A', 'Note.txt', 'caf\u00e9', 'cafe\u0301', 'x:y', 'c ', 'NUL', 'what?'];
const MODES = [0o644, 0o600, 0o755, 0o444];

export interface PersonParts {
  readonly disk: Disk;
  readonly root: string;
  readonly chance: Chance;
  readonly ledger: Ledger;
  /** Marks what this person writes. */
  readonly name: string;
  /** Whether names are used that only some disks can hold. */
  readonly oddNames: boolean;
  tell(what: string): void;
}

export class Person {
  readonly #parts: PersonParts;
  readonly #names: readonly string[];
  #written = 0;

  constructor(parts: PersonParts) {
    this.#parts = parts;
    this.#names = parts.oddNames ? [...NAMES, ...ODD_NAMES] : NAMES;
  }

  /** One act, whatever it is. */
  act(): void {
    const { chance, ledger, tell } = this.#parts;
    const acts = [
      ...repeat(5, () => this.#writeNew()),
      ...repeat(5, () => this.#edit()),
      ...repeat(2, () => this.#save()),
      ...repeat(3, () => this.#makeFolder()),
      ...repeat(4, () => this.#moveSomething()),
      ...repeat(2, () => this.#remove()),
      () => this.#swap(),
      () => this.#setMode(),
      () => this.#touch(),
      () => this.#makeLink(),
      () => this.#copy(),
      () => this.#changeType(),
    ];
    const act = chance.pick(acts);
    const told = act();
    if (told === null) return;
    tell(told.what);
    ledger.during(told.what, () => {
      try {
        told.act();
      } catch (error) {
        // As for a person: what does not work is left. A moved folder cannot lie in itself, and so on.
        if (!(error instanceof DiskError)) throw error;
        tell(`  (${error.message})`);
      }
    });
  }

  #all(): FoundFile[] {
    return findFiles(this.#parts.disk, this.#parts.root, (path) => path === '.coffre');
  }

  #files(): FoundFile[] {
    return this.#all().filter(({ stat }) => stat.type === 'file');
  }

  #at(path: string): string {
    return path === '' ? this.#parts.root : `${this.#parts.root}/${path}`;
  }

  #someFolder(): string {
    const folders = this.#all().filter(({ stat }) => stat.type === 'folder');
    return this.#parts.chance.pick(['', ...folders.map(({ path }) => path)]);
  }

  #somePlace(names: readonly string[]): string {
    const folder = this.#someFolder();
    const name = this.#parts.chance.pick(names);
    return folder === '' ? name : `${folder}/${name}`;
  }

  /** Mostly unlike anything else; at times what the other side may write too. */
  #text(): string {
    const { chance, name } = this.#parts;
    if (chance.happens(0.1)) return `the same ${chance.below(2)}`;
    if (chance.happens(0.03)) return '';
    this.#written += 1;
    return `${name} ${this.#written} ${'x'.repeat(chance.below(3) * 100)}`;
  }

  #some(from: readonly FoundFile[]): FoundFile | null {
    return from.length === 0 ? null : this.#parts.chance.pick(from);
  }

  #writeNew(): Act | null {
    const { disk } = this.#parts;
    const path = this.#somePlace(this.#names);
    if (disk.lstat(this.#at(path)) !== null) return this.#edit();
    const text = this.#text();
    return { what: `writes ${path} (${said(text)})`, act: () => writeFile(disk, this.#at(path), text) };
  }

  #edit(): Act | null {
    const file = this.#some(this.#files());
    if (file === null) return null;
    const text = this.#text();
    return {
      what: `edits ${file.path} (${said(text)} for ${said(file.text)})`,
      act: () => writeFile(this.#parts.disk, this.#at(file.path), text),
    };
  }

  /** As editors do: beside it, then over it. */
  #save(): Act | null {
    const { disk } = this.#parts;
    const file = this.#some(this.#files());
    if (file === null) return null;
    const text = this.#text();
    return {
      what: `saves ${file.path} through a new file (${said(text)} for ${said(file.text)})`,
      act: () => {
        const beside = this.#at(`${file.path}.tmp`);
        writeFile(disk, beside, text);
        disk.rename(beside, this.#at(file.path));
      },
    };
  }

  #makeFolder(): Act | null {
    const path = this.#somePlace(FOLDERS);
    if (path.split('/').length > 4) return null;
    return { what: `makes folder ${path}`, act: () => this.#parts.disk.makeFolder(this.#at(path), 0o755) };
  }

  #moveSomething(): Act | null {
    const { disk, chance } = this.#parts;
    const one = this.#some(this.#all());
    if (one === null) return null;
    const to = this.#somePlace(
      chance.happens(0.5) ? [one.path.split('/').pop() ?? ''] : [...this.#names, ...FOLDERS],
    );
    const there = disk.lstat(this.#at(to));
    if (there !== null && (there.type === 'folder' || chance.happens(0.7))) return null;
    return {
      what: `moves ${one.path} to ${to}${there === null ? '' : ' over what was there'}`,
      act: () => disk.rename(this.#at(one.path), this.#at(to)),
    };
  }

  #remove(): Act | null {
    const one = this.#some(this.#all());
    if (one === null) return null;
    return { what: `deletes ${one.path}`, act: () => removeAll(this.#parts.disk, this.#at(one.path)) };
  }

  #swap(): Act | null {
    const { disk } = this.#parts;
    const [one, other] = [this.#some(this.#all()), this.#some(this.#all())];
    if (one === null || other === null || one.path === other.path) return null;
    if (one.path.startsWith(`${other.path}/`) || other.path.startsWith(`${one.path}/`)) return null;
    return {
      what: `swaps ${one.path} and ${other.path}`,
      act: () => {
        const aside = this.#at('aside.tmp');
        disk.rename(this.#at(one.path), aside);
        disk.rename(this.#at(other.path), this.#at(one.path));
        disk.rename(aside, this.#at(other.path));
      },
    };
  }

  #setMode(): Act | null {
    const file = this.#some(this.#files());
    if (file === null) return null;
    const mode = this.#parts.chance.pick(MODES);
    return {
      what: `sets the mode of ${file.path} to ${mode.toString(8)}`,
      act: () => this.#parts.disk.setMode(this.#at(file.path), mode),
    };
  }

  #touch(): Act | null {
    const { disk, chance } = this.#parts;
    const file = this.#some(this.#files());
    if (file === null) return null;
    const mtimeUs = file.stat.mtimeUs - 1_000_000 * (1 + chance.below(1000));
    return { what: `sets ${file.path} back in time`, act: () => disk.setMtime(this.#at(file.path), mtimeUs) };
  }

  #makeLink(): Act | null {
    const path = this.#somePlace(this.#names);
    const target = this.#parts.chance.pick(NAMES);
    return {
      what: `links ${path} to ${target}`,
      act: () => this.#parts.disk.makeLink(target, this.#at(path)),
    };
  }

  #copy(): Act | null {
    const { disk } = this.#parts;
    const one = this.#some(this.#files());
    const path = this.#somePlace(this.#names);
    if (one === null || disk.lstat(this.#at(path)) !== null) return null;
    return { what: `copies ${one.path} to ${path}`, act: () => writeFile(disk, this.#at(path), one.text) };
  }

  #changeType(): Act | null {
    const { disk } = this.#parts;
    const one = this.#some(this.#all());
    if (one === null) return null;
    const text = this.#text();
    const isFolder = one.stat.type === 'folder';
    return {
      what: `replaces ${one.path} by a ${isFolder ? `file (${said(text)})` : 'folder'}`,
      act: () => {
        removeAll(disk, this.#at(one.path));
        if (isFolder) writeFile(disk, this.#at(one.path), text);
        else disk.makeFolder(this.#at(one.path), 0o755);
      },
    };
  }
}

interface Act {
  readonly what: string;
  readonly act: () => void;
}

function repeat<T>(times: number, one: T): T[] {
  return Array.from({ length: times }, () => one);
}

function said(text: string): string {
  const short = text.trimEnd().replace(/ x+$/, '');
  return short === '' ? 'nothing' : `"${short}"`;
}

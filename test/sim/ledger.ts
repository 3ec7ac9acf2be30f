/**
 * Every content a person wrote, and what became of it. A content that its own writer overwrote or deleted, or
 * that a loss of power took from the disk, is owed by nobody, unless it had reached the account.
 */
import type { Disk } from '../../sync-engine/local-fs/disk.ts';
import { findFiles, type FoundFile } from './files.ts';

export class Ledger {
  readonly #disk: Disk;
  readonly #root: string;
  /** Content to what was told when it came to be. */
  readonly #owed = new Map<string, string>();
  /** Everything a person ever wrote. */
  readonly written = new Set<string>(['']);

  constructor(disk: Disk, root: string) {
    this.#disk = disk;
    this.#root = root;
  }

  /** Contents of the folder, in `.coffre` too. */
  contents(): Set<string> {
    const files = findFiles(this.#disk, this.#root).filter(({ stat }) => stat.type === 'file');
    return new Set(files.map(({ text }) => text));
  }

  /** What is being put in its place: it has that name already, and still one in `.coffre`, to be removed next. */
  #placing(): FoundFile[] {
    const files = findFiles(this.#disk, this.#root);
    return files.filter(({ path, stat }) => path.includes('.coffre/replacing/') && stat.links > 1);
  }

  /** Something other than Coffre acts on the disk: what comes by it is owed, what goes by it is not any more. */
  during<T>(what: string, act: () => T): T {
    const before = this.contents();
    const placing = this.#placing();
    try {
      return act();
    } finally {
      const after = this.contents();
      // Who replaces the one name has replaced it, although the other stands for a moment more.
      const still = new Set(this.#placing().map(({ path }) => path));
      for (const { path, text } of placing) if (!still.has(path)) this.#owed.delete(text);
      for (const text of before) if (!after.has(text)) this.#owed.delete(text);
      for (const text of after) {
        this.written.add(text);
        if (!before.has(text) && text !== '') this.#owed.set(text, what);
      }
    }
  }

  /** The disk itself loses something: what it made up meanwhile is nobody's. */
  duringLoss(act: () => void): void {
    act();
    const after = this.contents();
    for (const text of [...this.#owed.keys()]) if (!after.has(text)) this.#owed.delete(text);
  }

  /** What must be reachable still, with the story of each. */
  get owed(): ReadonlyMap<string, string> {
    return this.#owed;
  }
}

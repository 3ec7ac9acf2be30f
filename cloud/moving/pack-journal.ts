/**
 * Which packs of a data directory were found whole on the other side: a line each in a file beside them, so that what
 * was read back once is not read again after a stop. A line that is cut off counts for nothing.
 */
import { createReadStream } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { BlobName } from '../store/blob-store.ts';

const JOURNAL_FILE = 'moved-packs';

export class PackJournal {
  readonly #file: FileHandle;
  readonly #found: Set<string>;

  private constructor(file: FileHandle, found: Set<string>) {
    this.#file = file;
    this.#found = found;
  }

  /** @param place the bucket they are in: what was found in another counts for nothing */
  static async open(dataDir: string, place: string): Promise<PackJournal> {
    const path = join(dataDir, JOURNAL_FILE);
    const file = await open(path, 'a', 0o600);
    const lines: string[] = [];
    for await (const line of createInterface({ input: createReadStream(path) })) lines.push(line);
    if (lines[0] !== place) {
      await file.truncate(0);
      await file.appendFile(`${place}\n`);
      return new PackJournal(file, new Set());
    }
    // What follows begins on a line of its own, whatever a stop left of the last one.
    await file.appendFile('\n');
    return new PackJournal(file, new Set(lines.slice(1)));
  }

  has(name: BlobName): boolean {
    return this.#found.has(lineOf(name));
  }

  async add(names: readonly BlobName[]): Promise<void> {
    const lines = names.map(lineOf);
    await this.#file.appendFile(`${lines.join('\n')}\n`);
    for (const line of lines) this.#found.add(line);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  static async remove(dataDir: string): Promise<void> {
    await rm(join(dataDir, JOURNAL_FILE), { force: true });
  }
}

function lineOf({ account, vault, pack }: BlobName): string {
  return `${account}/${vault}/${pack}`;
}

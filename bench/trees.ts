/** Trees of random files: made, counted, compared byte by byte. */
import { randomFillSync } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, readSync, readFileSync, writeSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILES_PER_FOLDER = 100;
const PIECE = 8 * 1024 * 1024;

/** `count` files of about `size` bytes (a tenth more or less), 100 a folder. */
export function makeTree(folder: string, count: number, size: number): void {
  const bytes = Buffer.alloc(Math.ceil(size * 1.1));
  for (let made = 0; made < count; made += 1) {
    const into = join(folder, `folder-${Math.floor(made / FILES_PER_FOLDER)}`);
    if (made % FILES_PER_FOLDER === 0) mkdirSync(into, { recursive: true });
    randomFillSync(bytes);
    const length = Math.round(size * (0.9 + 0.2 * (((made * 7919) % 1000) / 1000)));
    writeFileSync(join(into, `file-${made}.bin`), bytes.subarray(0, length));
  }
}

/** Random bytes, written in pieces. */
export function makeFile(path: string, size: number): void {
  const bytes = Buffer.alloc(PIECE);
  const file = openSync(path, 'w');
  try {
    for (let at = 0; at < size; at += PIECE) {
      randomFillSync(bytes);
      writeSync(file, bytes, 0, Math.min(PIECE, size - at));
    }
  } finally {
    closeSync(file);
  }
}

/** Relative paths of all files beneath a folder; a folder that is not there has none. */
export function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('/.coffre'))
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  } catch {
    return [];
  }
}

/** @throws when one tree has a file or a byte that the other has not */
export function compareTrees(left: string, right: string): void {
  const files = filesOf(left).sort();
  const others = filesOf(right).sort();
  if (files.length !== others.length) throw new Error(`${files.length} files here, ${others.length} there`);
  for (const [index, file] of files.entries()) {
    if (others[index] !== file) throw new Error('the names differ');
    if (!readFileSync(join(left, file)).equals(readFileSync(join(right, file))))
      throw new Error('the bytes differ');
  }
}

/** @throws when the bytes of two files differ */
export function compareFiles(left: string, right: string): void {
  const [a, b] = [Buffer.alloc(PIECE), Buffer.alloc(PIECE)];
  const [fileA, fileB] = [openSync(left, 'r'), openSync(right, 'r')];
  try {
    for (;;) {
      const length = readSync(fileA, a, 0, PIECE, null);
      if (readSync(fileB, b, 0, PIECE, null) !== length) throw new Error('the sizes differ');
      if (length === 0) return;
      if (!a.subarray(0, length).equals(b.subarray(0, length))) throw new Error('the bytes differ');
    }
  } finally {
    closeSync(fileA);
    closeSync(fileB);
  }
}

/** Whether two folders hold the same names, kinds and bytes. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readlink } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Relative path to `folder`, `link TARGET` or the SHA-256 of the file. The pair's own `.coffre` is left out. */
export async function contentsOf(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const full = path.join(entry.parentPath, entry.name);
    const relative = path.relative(folder, full);
    if (relative.split(path.sep)[0] === '.coffre') continue;
    if (entry.isDirectory()) found.set(relative, 'folder');
    else if (entry.isSymbolicLink()) found.set(relative, `link ${await readlink(full)}`);
    else {
      const hash = createHash('sha256');
      await pipeline(createReadStream(full), hash);
      found.set(relative, hash.digest('hex'));
    }
  }
  return found;
}

/** Paths that are in one folder only, or differ. */
export function differences(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): string[] {
  const paths = new Set([...one.keys(), ...other.keys()]);
  return [...paths].filter((relative) => one.get(relative) !== other.get(relative)).sort();
}

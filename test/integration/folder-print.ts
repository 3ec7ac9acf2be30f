/** What a folder holds, exactly: names as bytes, kinds, contents, the executable bit, link targets. */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** One line an entry, sorted; what the pair itself keeps (`.coffre`) is left out. */
export function folderPrint(folder: string): string[] {
  const lines: string[] = [];
  const walk = (inside: string): void => {
    for (const entry of readdirSync(join(folder, inside), { withFileTypes: true })) {
      const relative = inside === '' ? entry.name : `${inside}/${entry.name}`;
      if (relative === '.coffre') continue;
      const full = join(folder, relative);
      const name = JSON.stringify(relative);
      if (entry.isDirectory()) {
        lines.push(`${name} folder`);
        walk(relative);
      } else if (entry.isSymbolicLink()) lines.push(`${name} -> ${JSON.stringify(readlinkSync(full))}`);
      else {
        const bits = (lstatSync(full).mode & 0o100) === 0 ? 'file' : 'program';
        lines.push(`${name} ${bits} ${sha256(readFileSync(full))}`);
      }
    }
  };
  walk('');
  return lines.sort();
}

/** SHA-256 of every file below a folder, `.coffre` included: whatever can still be reached there. */
export function contentHashes(folder: string): Set<string> {
  const hashes = new Set<string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) hashes.add(sha256(readFileSync(join(entry.parentPath, entry.name))));
  }
  return hashes;
}

/** What other ignore rules would change for the files on this disk. Reads names only. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ControlResult } from '../../protocol/control.ts';
import { PAIR_FOLDER, type IgnoreRules } from '../local-fs/ignore-rules.ts';

/** Entries looked at: beyond, a person who types would wait too long. */
const MAX_LOOKED = 200_000;

interface Look {
  /** Relative to the pair, with `/`. */
  readonly path: string;
  readonly ignoredNow: boolean;
  readonly ignoredThen: boolean;
  /** The folder itself stands in the list for what is in it. */
  readonly listed: boolean;
}

export async function previewRules(
  folder: string,
  rules: { readonly now: IgnoreRules; readonly then: IgnoreRules },
  limit: number,
  signal: AbortSignal,
): Promise<ControlResult<'ignore.preview'>> {
  const newlyIgnored = { files: 0, paths: [] as string[] };
  const noLongerIgnored = { files: 0, paths: [] as string[] };
  const stack: Look[] = [{ path: '', ignoredNow: false, ignoredThen: false, listed: false }];
  let looked = 0;
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    signal.throwIfAborted();
    const entries = await readdir(join(folder, next.path), { withFileTypes: true }).catch(() => []);
    entries.sort((left, right) => (left.name < right.name ? -1 : 1));
    for (const entry of entries) {
      if (next.path === '' && entry.name.toLowerCase() === PAIR_FOLDER) continue;
      if (++looked > MAX_LOOKED) return { newlyIgnored, noLongerIgnored, complete: false };
      const isFolder = entry.isDirectory();
      const path = next.path === '' ? entry.name : `${next.path}/${entry.name}`;
      const ignoredNow = next.ignoredNow || rules.now.ignoresEntry(path, isFolder);
      const ignoredThen = next.ignoredThen || rules.then.ignoresEntry(path, isFolder);
      const changed = ignoredNow === ignoredThen ? null : ignoredThen ? newlyIgnored : noLongerIgnored;
      if (changed !== null && !isFolder) changed.files += 1;
      const isListed = changed !== null && !next.listed;
      if (isListed && changed.paths.length < limit) changed.paths.push(isFolder ? `${path}/` : path);
      if (isFolder && !(ignoredNow && ignoredThen)) {
        stack.push({ path, ignoredNow, ignoredThen, listed: changed !== null });
      }
    }
  }
  return { newlyIgnored, noLongerIgnored, complete: true };
}

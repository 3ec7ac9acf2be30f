/** Gets back what is no longer in a folder, the way a person would: from the account's trash and versions. */
import type { ControlClient } from '../../sync-engine/client/client.ts';
import { contentHashes } from './folder-print.ts';
import { entriesOf, type Device } from './harness.ts';

type Wanted = ReadonlyMap<string, { readonly size: number; readonly path: string }>;

/** Hashes of what could not be had again on `device`; fills its folder with what could. */
export async function lostAfterRecovery(
  device: Device,
  wanted: Wanted,
  others: readonly Device[],
): Promise<string[]> {
  const missing = (): string[] => {
    const here = [device, ...others].map(({ folder }) => contentHashes(folder));
    return [...wanted.keys()].filter((hash) => !here.some((hashes) => hashes.has(hash)));
  };
  let lost = missing();
  if (lost.length === 0) return lost;
  const engine = await device.engine();
  await engine.call('config.set', { key: 'local-trash-bytes', value: 10_000_000_000 });
  await restoreTrash(engine);
  await device.ok('wait', '--timeout', '60');
  lost = missing();
  const sizes = new Set(lost.map((hash) => wanted.get(hash)?.size));
  await restoreVersions(engine, sizes);
  await device.ok('wait', '--timeout', '60');
  return missing();
}

async function restoreTrash(engine: ControlClient): Promise<void> {
  let count = 0;
  for (;;) {
    const { entries } = await engine.call('trash.list', { limit: 500 });
    if (entries.length === 0) return;
    for (const entry of entries) {
      count += 1;
      await engine.call('trash.restore', { item: entry.id, to: `/from the trash ${count}` });
    }
  }
}

/** Brings back, beside the present files, every older version that has one of the sizes. */
async function restoreVersions(engine: ControlClient, sizes: ReadonlySet<number | undefined>): Promise<void> {
  let count = 0;
  for (const path of await filesOf(engine)) {
    const { versions } = await engine.call('versions', { path, limit: 500 });
    for (const { version, size, current } of versions) {
      if (current || size === null || !sizes.has(size)) continue;
      count += 1;
      await engine.call('restore', { path, version, to: `/an older version ${count}` });
    }
  }
}

async function filesOf(engine: ControlClient): Promise<string[]> {
  const files: string[] = [];
  const folders = ['/'];
  for (let path = folders.shift(); path !== undefined; path = folders.shift()) {
    for (const { name, type } of await entriesOf(engine, path)) {
      const inside = `${path === '/' ? '' : path}/${name}`;
      if (type === 'folder') folders.push(inside);
      else if (type === 'file') files.push(inside);
    }
  }
  return files;
}

import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { contentsOf, differences } from './same-folders.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'coffre-same-'))));
afterEach(() => rm(folder, { recursive: true }));

describe('comparing folders', () => {
  it('sees bytes, names, kinds and targets, and leaves .coffre out', async () => {
    const [one, two] = [path.join(folder, 'one'), path.join(folder, 'two')];
    for (const place of [one, two]) {
      await mkdir(path.join(place, 'sub', 'empty'), { recursive: true });
      await writeFile(path.join(place, 'sub', 'a'), 'same');
      await symlink('sub/a', path.join(place, 'link'));
    }
    await mkdir(path.join(one, '.coffre'));
    await writeFile(path.join(one, '.coffre', 'marker'), 'x');
    expect(differences(await contentsOf(one), await contentsOf(two))).toEqual([]);

    await writeFile(path.join(two, 'sub', 'a'), 'samE');
    await rm(path.join(two, 'sub', 'empty'), { recursive: true });
    await rm(path.join(two, 'link'));
    await symlink('sub/b', path.join(two, 'link'));
    await writeFile(path.join(two, 'new'), '');
    expect(differences(await contentsOf(one), await contentsOf(two))).toEqual([
      'link',
      'new',
      'sub/a',
      'sub/empty',
    ]);
  });
});

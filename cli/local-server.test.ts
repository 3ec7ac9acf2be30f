import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startLocalServer } from './local-server.ts';
import { contentsOf, differences } from './same-folders.ts';

const program = { node: process.execPath, entry: '' };
let folder: string;
beforeEach(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'coffre-local-'))));
afterEach(() => rm(folder, { recursive: true }));

describe('the local server', () => {
  it('answers at its address until it is stopped, and goes on at the same port', async () => {
    const data = path.join(folder, 'data');
    const first = await startLocalServer(program, data, 0);
    const answer = await fetch(`${first.url}/v1/server`, { headers: { 'coffre-protocol': '1' } });
    expect(await answer.json()).toMatchObject({ name: 'coffre-cloud', signup: 'open' });
    await first.stop();
    await expect(fetch(`${first.url}/v1/server`)).rejects.toThrow();

    const again = await startLocalServer(program, data, Number(new URL(first.url).port));
    expect(again.url).toBe(first.url);
    const taken = startLocalServer(program, path.join(folder, 'other'), Number(new URL(first.url).port));
    await expect(taken).rejects.toMatchObject({ code: 'failed' });
    await again.stop();
  });
});

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

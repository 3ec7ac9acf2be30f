import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openingOf } from './open-path.ts';

let place: string;
let pair: string;
const at = (...names: string[]) => path.join(pair, ...names);
beforeEach(() => {
  place = mkdtempSync(path.join(tmpdir(), 'coffre-open-'));
  pair = path.join(place, 'Files');
  mkdirSync(at('sub'), { recursive: true });
  mkdirSync(path.join(place, 'Files-other'));
  for (const file of [at('a.txt'), at('run.sh'), at('x.desktop'), at('tool')]) writeFileSync(file, 'x');
  chmodSync(at('tool'), 0o755);
  writeFileSync(path.join(place, 'secret.txt'), 's');
  symlinkSync(path.join(place, 'secret.txt'), at('out.txt'));
  symlinkSync(place, at('up'));
  symlinkSync(at('sub'), at('inner'));
});
afterEach(() => rmSync(place, { recursive: true }));

const opening = (wanted: string, reveal = false) => openingOf([pair], wanted, reveal);

describe('opening a path', () => {
  it('opens a folder, opens or reveals a file', async () => {
    expect((await opening(pair)).kind).toBe('folder');
    expect((await opening(pair, true)).kind).toBe('folder');
    expect((await opening(at('inner'))).path.endsWith('sub')).toBe(true);
    expect((await opening(at('a.txt'))).kind).toBe('file');
    expect((await opening(at('a.txt'), true)).kind).toBe('reveal');
  });

  it('never runs anything', async () => {
    for (const name of ['run.sh', 'x.desktop', 'tool'])
      expect((await opening(at(name))).kind, name).toBe('reveal');
  });

  it('stays in the linked folders, whatever links say', async () => {
    const outside = { code: 'bad-input' };
    await expect(opening('/etc/passwd')).rejects.toMatchObject(outside);
    await expect(opening('a.txt')).rejects.toMatchObject(outside);
    await expect(opening(at('..', 'secret.txt'))).rejects.toMatchObject(outside);
    await expect(opening(path.join(place, 'Files-other'))).rejects.toMatchObject(outside);
    await expect(opening(at('out.txt'))).rejects.toMatchObject(outside);
    await expect(opening(at('up', 'secret.txt'))).rejects.toMatchObject(outside);
    await expect(openingOf([], at('a.txt'), false)).rejects.toMatchObject(outside);
  });

  it('says the same of what is not there only inside', async () => {
    await expect(opening(at('gone'))).rejects.toMatchObject({ code: 'not-found' });
    await expect(opening(path.join(place, 'gone'))).rejects.toMatchObject({ code: 'bad-input' });
  });
});

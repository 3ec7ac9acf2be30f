import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { POSIX_CAPABILITIES, type Capabilities } from './capabilities.ts';
import {
  displayName,
  isReserved,
  localNameFor,
  nameKey,
  nameProblem,
  pathProblem,
  remoteNameOf,
} from './path-rules.ts';

const WINDOWS: Capabilities = {
  ...POSIX_CAPABILITIES,
  caseSensitive: false,
  illegal: '\\:<>"|?*\u0001',
  windowsNames: true,
};
const MAC: Capabilities = { ...POSIX_CAPABILITIES, caseSensitive: false, unicodeSensitive: false };

describe('names', () => {
  it.each([
    ['', 'empty'],
    ['.', 'dots'],
    ['..', 'dots'],
    ['a/b', 'slash'],
    ['a\0b', 'nul'],
    ['a\ud800', 'not-unicode'],
    ['é'.repeat(128), 'too-long'],
  ])('%j is refused everywhere', (name, problem) => {
    expect(nameProblem(name)).toBe(problem);
  });

  it.each(['...', ' ', 'CON', 'a:b', 'a\\b', '\u202egnp.exe', 'é'.repeat(127), '-rf', '~'])(
    '%j may be held',
    (name) => {
      expect(nameProblem(name)).toBeNull();
    },
  );

  it.each([
    '.coffre',
    '.COFFRE',
    '.coffre.',
    '.coffre ',
    '.cof\u200cfre',
    '.coffre::$INDEX_ALLOCATION',
    'COFFRE~1',
  ])('%j could be the pair folder', (name) => {
    expect(isReserved(name)).toBe(true);
    expect(pathProblem(`${name}/marker.json`)).toBe('reserved');
    expect(pathProblem(`sub/${name}`)).toBeNull();
  });

  it.each(['.coffreignore', 'coffre', '.coffre2', '.coffre.txt'])('%j is not', (name) => {
    expect(isReserved(name)).toBe(false);
  });

  it('paths have a length and a depth', () => {
    expect(pathProblem('d/'.repeat(127) + 'f')).toBeNull();
    expect(pathProblem('d/'.repeat(128) + 'f')).toBe('too-deep');
    expect(pathProblem(Array.from({ length: 17 }, () => 'n'.repeat(250)).join('/'))).toBe('path-too-long');
    expect(pathProblem('a//b')).toBe('empty');
    expect(pathProblem('a/../b')).toBe('dots');
  });

  it('show what hides or turns the writing', () => {
    expect(displayName('a\u202egnp.exe\n')).toBe('a\\u{202e}gnp.exe\\u{a}');
    expect(displayName('plain é 😀')).toBe('plain é 😀');
  });
});

describe('aliases', () => {
  const alias = (name: string, capabilities = WINDOWS, taken: string[] = []) =>
    localNameFor(name, capabilities, new Set(taken.map((one) => nameKey(one, capabilities))));

  it.each([
    ['a:b?', 'a％3Ab％3F'],
    ['back\\slash', 'back％5Cslash'],
    ['tab\there', 'tab％09here'],
    ['dot.', 'dot％2E'],
    ['space ', 'space％20'],
    ['CON', '％43ON'],
    ['com1.txt', '％63om1.txt'],
    ['LPT².tar.gz', '％4CPT².tar.gz'],
    ['nul .txt', '％6Eul .txt'],
    ['100％25', '100％2525'],
  ])('on Windows %j is written %j', (name, local) => {
    expect(alias(name)).toEqual({ name: local, alias: true });
    expect(remoteNameOf(local, WINDOWS)).toBe(name);
  });

  it.each(['console', 'COM', 'com10', 'aux-file', 'a b.c', '100%', '％', '50％ off'])(
    '%j is left alone',
    (name) => {
      expect(alias(name)).toEqual({ name, alias: false });
      expect(remoteNameOf(name, WINDOWS)).toBe(name);
    },
  );

  it('tells twins apart, before the extension', () => {
    expect(alias('readme.md', MAC, ['README.md'])).toEqual({ name: 'readme％(2).md', alias: true });
    expect(alias('readme.md', MAC, ['README.md', 'Readme％(2).md'])).toEqual({
      name: 'readme％(3).md',
      alias: true,
    });
    expect(alias('e\u0301', MAC, ['\u00e9'])).toEqual({ name: 'e\u0301％(2)', alias: true });
    expect(alias('.profile', MAC, ['.PROFILE'])).toEqual({ name: '.profile％(2)', alias: true });
    expect(remoteNameOf('readme％(2).md', MAC)).toBe('readme.md');
  });

  it('none where every name is held as it is', () => {
    for (const name of ['a:b', 'x％3A', 'CON', 'y％(2)']) {
      expect(alias(name, POSIX_CAPABILITIES, ['A:B'])).toEqual({ name, alias: false });
      expect(remoteNameOf(name, POSIX_CAPABILITIES)).toBe(name);
    }
  });

  it('says when a name cannot be written at all', () => {
    expect(alias(':'.repeat(100))).toEqual({ problem: 'too-long' });
  });

  it('are undone exactly, are legal, and are not taken', () => {
    const piece = fc.constantFrom(
      '％',
      '％25',
      '％3A',
      '％(2)',
      ':',
      '.',
      ' ',
      'CON',
      'a',
      'A',
      'é',
      'e\u0301',
      '2',
      '(',
      ')',
      '?',
      '\t',
    );
    const name = fc.oneof(
      fc.array(piece, { minLength: 1, maxLength: 8 }).map((parts) => parts.join('')),
      fc.string({ minLength: 1, unit: 'grapheme' }),
    );
    fc.assert(
      fc.property(name, fc.array(name), fc.constantFrom(WINDOWS, MAC), (remote, others, capabilities) => {
        fc.pre(nameProblem(remote) === null);
        const taken = new Set([...others, remote.toUpperCase()].map((other) => nameKey(other, capabilities)));
        const local = localNameFor(remote, capabilities, taken);
        if ('problem' in local) return local.problem === 'too-long';
        expect(remoteNameOf(local.name, capabilities)).toBe(remote);
        expect(taken.has(nameKey(local.name, capabilities))).toBe(false);
        if (capabilities.windowsNames) {
          expect(local.name).not.toMatch(/[\u0000-\u001f\\:<>"|?*]|[. ]$/);
          expect(local.name).not.toMatch(/^(con|prn|aux|nul)(\.|$)/i);
        }
        return true;
      }),
      { numRuns: 2_000 },
    );
  });

  it('keys join what the file system joins', () => {
    expect(nameKey('ſ', MAC)).toBe(nameKey('S', MAC));
    expect(nameKey('ß', MAC)).not.toBe(nameKey('ss', MAC));
    expect(nameKey('\u00e9', MAC)).toBe(nameKey('E\u0301', MAC));
    expect(nameKey('A', POSIX_CAPABILITIES)).not.toBe(nameKey('a', POSIX_CAPABILITIES));
  });
});

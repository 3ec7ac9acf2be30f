import { describe, expect, it } from 'vitest';
import { conflictName } from './conflict.ts';

const OPTIONS = { deviceName: 'laptop', date: '2026-01-31' };
const never = () => false;

function bytes(text: string): number {
  return Buffer.byteLength(text);
}

describe('the name of a conflict copy', () => {
  it.each([
    ['report.docx', 'report (conflict, laptop, 2026-01-31).docx'],
    ['archive.tar.gz', 'archive (conflict, laptop, 2026-01-31).tar.gz'],
    ['.tar.gz', '.tar (conflict, laptop, 2026-01-31).gz'],
    ['Makefile', 'Makefile (conflict, laptop, 2026-01-31)'],
    ['.profile', '.profile (conflict, laptop, 2026-01-31)'],
    ['.config.json', '.config (conflict, laptop, 2026-01-31).json'],
    ['ends with.', 'ends with. (conflict, laptop, 2026-01-31)'],
    ['Mr. Smith goes home', 'Mr. Smith goes home (conflict, laptop, 2026-01-31)'],
    ['v1.a-very-long-part-of-the-name', 'v1.a-very-long-part-of-the-name (conflict, laptop, 2026-01-31)'],
  ])('%s -> %s', (name, copy) => {
    expect(conflictName(name, false, OPTIONS, never)).toBe(copy);
  });

  it('keeps a folder name whole', () => {
    expect(conflictName('v1.2', true, OPTIONS, never)).toBe('v1.2 (conflict, laptop, 2026-01-31)');
  });

  it('counts when it is taken', () => {
    const taken = new Set(['a (conflict, laptop, 2026-01-31).txt', 'a (conflict, laptop, 2026-01-31) 2.txt']);
    expect(conflictName('a.txt', false, OPTIONS, (name) => taken.has(name))).toBe(
      'a (conflict, laptop, 2026-01-31) 3.txt',
    );
  });

  it.each([
    ['Ana/Bob: "PC"', 'Ana-Bob- -PC-'],
    ['a\u0000b\u202Ec\n', 'a-b-c-'],
    ['(x), y', '-x-- y'],
    ['  ', 'device'],
    ['\uD800', '\uFFFD'],
  ])('makes a name of device %j', (deviceName, device) => {
    const copy = conflictName('a', false, { ...OPTIONS, deviceName }, never);
    expect(copy).toBe(`a (conflict, ${device}, 2026-01-31)`);
  });

  it('fits 255 bytes, cut between code points, whatever it starts from', () => {
    const long = [
      'x'.repeat(255),
      `${'é'.repeat(125)}.txt`,
      `${'🎉'.repeat(60)}.tar.gz`,
      `.${'🎉'.repeat(63)}`,
    ];
    for (const name of long) {
      const copy = conflictName(name, false, { ...OPTIONS, deviceName: '🎉'.repeat(50) }, never);
      expect(bytes(copy)).toBeLessThanOrEqual(255);
      expect(bytes(copy)).toBeGreaterThan(250);
      expect(copy.isWellFormed()).toBe(true);
    }
    const numbered = conflictName('x'.repeat(255), false, OPTIONS, (name) => !name.endsWith(' 12'));
    expect(bytes(numbered)).toBe(255);
  });
});

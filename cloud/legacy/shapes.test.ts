import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { LegacyParameters } from '../../protocol/legacy.ts';
import type { ImportedShape } from '../store/legacy-store.ts';
import { drawnParameters, shapeOf } from './shapes.ts';

const KEY = randomBytes(32);
const bcrypt = (salt: Uint8Array, cost = 10): LegacyParameters => ({
  scheme: 'bcrypt',
  cost,
  salt: Buffer.from(salt).toString('base64'),
});
const django = (salt: string): LegacyParameters => ({
  scheme: 'pbkdf2-sha256',
  iterations: 260_000,
  bytes: 32,
  salt: Buffer.from(salt).toString('base64'),
});
const counted = (parameters: LegacyParameters, rows: number, number = 1): ImportedShape => ({
  import: number,
  shape: shapeOf(parameters),
  rows,
});
const strangers = Array.from({ length: 2000 }, (_none, index) => `stranger-${index}@example.org`);
const answers = (shapes: readonly ImportedShape[], key = KEY): LegacyParameters[] =>
  strangers.map((email) => drawnParameters(key, email, shapes));

describe('made-up answers', () => {
  const shapes = [counted(bcrypt(randomBytes(16)), 750), counted(django('Zk3vQ9rT1mWx'), 250)];

  it('are as often of each kind as what was imported, and have the bytes of its answers', () => {
    const made = answers(shapes);
    const ofDjango = made.filter(({ scheme }) => scheme === 'pbkdf2-sha256');
    // Three quarters of 2,000, within six standard deviations.
    expect(Math.abs(ofDjango.length - 500)).toBeLessThan(120);
    const real = JSON.stringify(django('Aa0Bb1Cc2Dd3'));
    for (const one of ofDjango) {
      expect(JSON.stringify(one)).toHaveLength(real.length);
      expect(Object.keys(one)).toEqual(Object.keys(JSON.parse(real) as object));
      expect(Buffer.from(one.salt, 'base64').toString('latin1')).toMatch(/^[0-9A-Za-z]{12}$/);
    }
    expect(new Set(made.map(({ salt }) => salt)).size).toBe(2000);
    const letters = new Set(
      ofDjango.flatMap(({ salt }) => Array.from(Buffer.from(salt, 'base64').toString('latin1'))),
    );
    expect(letters.size).toBe(62);
  });

  it('are the same at each asking, and others with another key', () => {
    expect(answers(shapes)).toEqual(answers(shapes.toReversed()));
    const others = answers(shapes, randomBytes(32));
    expect(answers(shapes).filter((one, index) => one.salt === others[index]?.salt)).toEqual([]);
  });

  it('change for as large a part of the strangers as a further import brings rows', () => {
    const before = answers(shapes);
    const after = answers([...shapes, counted(bcrypt(randomBytes(16)), 1000, 2)]);
    const changed = before.filter((one, index) => one.salt !== after[index]?.salt);
    expect(Math.abs(changed.length - 1000)).toBeLessThan(140);
  });
});

it('tells parameters apart by everything but the salt', () => {
  expect(shapeOf(bcrypt(randomBytes(16)))).toBe(shapeOf(bcrypt(randomBytes(16))));
  expect(shapeOf(bcrypt(randomBytes(16), 12))).not.toBe(shapeOf(bcrypt(randomBytes(16))));
  expect(shapeOf(django('abcdefabcdef'))).not.toBe(shapeOf(django('Zk3vQ9rT1mWx')));
  expect(shapeOf(django('Zk3vQ9rT1mWx'))).not.toBe(shapeOf(django('Zk3vQ9rT1mW')));
});

import { expect, it } from 'vitest';
import { positionsToAsk, wrongPositions } from './word-check.ts';

const words = 'abandon ability able about above absent'.split(' ');

it('asks for three different words, in their order', () => {
  for (let round = 0; round < 200; round++) {
    const asked = positionsToAsk(24, (bound) => Math.floor(Math.random() * bound));
    expect(new Set(asked).size).toBe(3);
    expect([...asked].sort((a, b) => a - b)).toEqual(asked);
    expect(asked.every((position) => position >= 0 && position < 24)).toBe(true);
  }
});

it('overlooks capitals and spaces, and no wrong word', () => {
  expect(wrongPositions(words, [0, 2, 5], [' Abandon', 'ABLE ', 'absent'])).toEqual([]);
  expect(wrongPositions(words, [0, 2, 5], ['ability', 'able', ''])).toEqual([0, 5]);
});

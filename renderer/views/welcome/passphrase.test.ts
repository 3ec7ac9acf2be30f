import { wordlist as english } from '@scure/bip39/wordlists/english.js';
import { wordlist as french } from '@scure/bip39/wordlists/french.js';
import { describe, expect, it } from 'vitest';
import { drawFromSystem, evenChoice, makePassphrase } from './passphrase.ts';

describe('a made passphrase', () => {
  it('has six words of the list and says what they are worth', () => {
    const { text, bits } = makePassphrase(english, drawFromSystem);
    expect(text.split('-')).toHaveLength(6);
    expect(text.split('-').every((word) => english.includes(word))).toBe(true);
    expect(bits).toBe(66);
  });
  it('can be typed on any keyboard in French too, and is worth less for it', () => {
    const { text, bits } = makePassphrase(french, drawFromSystem);
    expect(text).toMatch(/^([a-z]+-){5}[a-z]+$/);
    expect(bits).toBeGreaterThan(62);
    expect(bits).toBeLessThan(66);
  });
  it('follows the drawn bits and nothing else', () => {
    const drawn = [0, 1, 2, 3, 4, 2047 + 2048 * 7];
    expect(makePassphrase(english, () => drawn.shift()!).text).toBe(
      [...english.slice(0, 5), english[2047]].join('-'),
    );
  });
});

describe('an even choice', () => {
  it('draws again where the last numbers would favour the first', () => {
    const drawn = [2 ** 32 - 1, 2 ** 32 - 2, 8];
    // 2^32 is one more than a multiple of 3: its last number is drawn again.
    expect(evenChoice(3, () => drawn.shift()!)).toBe((2 ** 32 - 2) % 3);
    expect(drawn).toEqual([8]);
  });
});

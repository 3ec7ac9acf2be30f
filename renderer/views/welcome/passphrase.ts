/** Passphrases that can be remembered and typed: words drawn evenly from a list that anyone may know. */
const WORDS = 6;
const SEPARATOR = '-';

export interface Passphrase {
  readonly text: string;
  /** What guessing it costs, in bits. */
  readonly bits: number;
}

/** An even choice below `bound`: what would favour small numbers is drawn again. */
export function evenChoice(bound: number, draw: () => number): number {
  const range = 2 ** 32;
  const limit = range - (range % bound);
  for (;;) {
    const value = draw();
    if (value < limit) return value % bound;
  }
}

/** `draw` gives 32 random bits. Words that some keyboards cannot write are left out. */
export function makePassphrase(words: readonly string[], draw: () => number): Passphrase {
  const plain = words.filter((word) => /^[a-z]+$/.test(word));
  const chosen = Array.from({ length: WORDS }, () => plain[evenChoice(plain.length, draw)] ?? '');
  return { text: chosen.join(SEPARATOR), bits: Math.floor(WORDS * Math.log2(plain.length)) };
}

export function drawFromSystem(): number {
  const [value = 0] = crypto.getRandomValues(new Uint32Array(1));
  return value;
}

/** Whether somebody has the recovery words before them: a few are asked for. Pure. */
const ASKED_WORDS = 3;

/** Positions from 0, in order, each once. `choose` is an even choice below its argument. */
export function positionsToAsk(wordCount: number, choose: (bound: number) => number): readonly number[] {
  const left = Array.from({ length: wordCount }, (_, index) => index);
  const chosen: number[] = [];
  while (chosen.length < ASKED_WORDS && left.length > 0) chosen.push(...left.splice(choose(left.length), 1));
  return chosen.sort((a, b) => a - b);
}

function plain(word: string): string {
  return word.normalize('NFKD').trim().toLowerCase();
}

/** Of the asked positions, those whose answer is another word. */
export function wrongPositions(
  words: readonly string[],
  asked: readonly number[],
  answers: readonly string[],
): readonly number[] {
  return asked.filter((position, index) => plain(answers[index] ?? '') !== plain(words[position] ?? ''));
}

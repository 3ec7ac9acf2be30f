/** One change of bytes: bits, an edge value where a length or count may stand, something cut, doubled or moved. */
import type { Dice } from './dice.ts';

/** Values at which lengths and counts go wrong, as varints and as fixed integers. */
const EDGES = [
  '00',
  '01',
  '7f',
  '8000',
  'ffffffff0f',
  'ffffffffffffffff01',
  '80808080808080808001',
  'ffffffff',
  '001fffffffffffff',
  '0020000000000000',
  'ffffffffffffffff',
].map((text) => Buffer.from(text, 'hex'));

export function flipped(dice: Dice, bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  if (changed.length === 0) return changed;
  for (let count = 1 + dice.below(3); count > 0; count -= 1) {
    changed[dice.below(changed.length)]! ^= 1 << dice.below(8);
  }
  return changed;
}

export function mutateBytes(dice: Dice, bytes: Buffer): Buffer {
  const at = dice.below(bytes.length + 1);
  const to = at + dice.below(bytes.length + 1 - at);
  switch (dice.below(7)) {
    case 0: {
      const edge = dice.pick(EDGES);
      return Buffer.concat([
        bytes.subarray(0, at),
        edge,
        bytes.subarray(dice.pick([at, at + edge.length, at + 1])),
      ]);
    }
    case 1: {
      // Counts and lengths stand at the front.
      const early = Math.min(bytes.length, dice.below(48));
      const edge = dice.pick(EDGES);
      return Buffer.concat([bytes.subarray(0, early), edge, bytes.subarray(early + edge.length)]);
    }
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), dice.bytes(1 + dice.below(16)), bytes.subarray(at)]);
    case 5:
      return Buffer.concat([bytes.subarray(at), bytes.subarray(0, at)]);
    default:
      return flipped(dice, bytes);
  }
}

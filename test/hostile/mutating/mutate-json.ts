/** One change of a JSON text: a field gone, of another type, at an edge, altered within, doubled or moved. */
import type { Dice } from './dice.ts';

/** Where a value stands. */
interface Place {
  readonly within: Record<string, unknown>;
  readonly key: string;
}

function placesOf(value: unknown, found: Place[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return found;
  const within = value as Record<string, unknown>;
  for (const key of Object.keys(within)) {
    found.push({ within, key });
    placesOf(within[key], found);
  }
  return found;
}

const ODD: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1,
  0.5,
  2 ** 31,
  2 ** 53,
  -(2 ** 53),
  8.7e15,
  1e300,
  '',
  '0',
  '\u0000',
  'é\r\nx: y',
  '../..',
  '__proto__',
  [],
  {},
  [[[[]]]],
  { length: 2 ** 40 },
];

const HEX = /^[0-9a-f]+$/;
const HEX_DIGITS = Array.from('0123456789abcdefF');
const OTHER_DIGITS = Array.from('AZaz09+/=-_ \n');

/** Something within a text: a digit, a bit of its base64, its end, its case. */
function alteredText(dice: Dice, text: string): string {
  const at = dice.below(text.length);
  const put = (digit: string): string => text.slice(0, at) + digit + text.slice(at + 1);
  switch (dice.below(6)) {
    case 0:
      return HEX.test(text) ? put(dice.pick(HEX_DIGITS)) : put(dice.pick(OTHER_DIGITS));
    case 1: {
      const bytes = Buffer.from(text, 'base64');
      if (bytes.length === 0) return `${text}A`;
      bytes[dice.below(bytes.length)]! ^= 1 << dice.below(8);
      return bytes.toString('base64');
    }
    case 2:
      return text.slice(0, at);
    case 3:
      return text + text;
    case 4:
      return text.toUpperCase();
    default:
      return Array.from(text).reverse().join('');
  }
}

function changeAt(dice: Dice, { within, key }: Place, places: readonly Place[]): void {
  const value = within[key];
  switch (dice.below(7)) {
    case 0:
      if (Array.isArray(within)) within.splice(Number(key), 1);
      else Reflect.deleteProperty(within, key);
      return;
    case 1:
      within[key] = dice.pick(ODD);
      return;
    case 2: {
      const other = dice.pick(places);
      [within[key], other.within[other.key]] = [other.within[other.key], value];
      return;
    }
    case 3:
      if (Array.isArray(value)) {
        const items: unknown[] = value;
        within[key] = dice.pick([
          [...items, ...items],
          [...items].reverse(),
          items.slice(1),
          items.slice(0, -1),
        ]);
        return;
      }
      break;
    default:
  }
  if (typeof value === 'string' && value !== '') within[key] = alteredText(dice, value);
  else if (typeof value === 'number') within[key] = value + dice.pick([-1, 1, 0.5, 1000, -value * 2]);
  else within[key] = dice.pick(ODD);
}

/** Null for what is no JSON with anything in it. */
export function mutateJson(dice: Dice, body: Buffer): Buffer | null {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
  const places = placesOf(value);
  if (places.length === 0) return null;
  for (let count = 1 + dice.below(2); count > 0; count -= 1) changeAt(dice, dice.pick(places), places);
  let text: string;
  try {
    text = JSON.stringify(value);
  } catch {
    return null; // a part was moved into itself
  }
  if (dice.below(20) === 0) text = text.replace(/:(\d+)/, ':1e999');
  if (dice.below(20) === 0) text = text.replace('{', `{"__proto__":${'['.repeat(2000)}${']'.repeat(2000)},`);
  return Buffer.from(text);
}

/** What a fault, or somebody who means harm, makes of an answer on its way. */
import { CLOUD_ERROR_CODES, CLOUD_ERROR_STATUS } from '../../../protocol/errors.ts';
import { bytesOf, refusal, wireOf, withHeader, type Answer, type Wire } from './answer.ts';
import type { Dice } from './dice.ts';
import { flipped, mutateBytes } from './mutate-bytes.ts';
import { mutateJson } from './mutate-json.ts';

export interface Given {
  readonly dice: Dice;
  readonly answer: Answer;
  /** Of other requests. */
  readonly others: readonly Answer[];
  /** Of the same request, at other times. */
  readonly older: readonly Answer[];
}

type Mutator = (given: Given) => Answer | Wire;

const STATUSES = [
  0, 100, 101, 102, 103, 200, 201, 202, 204, 205, 206, 207, 301, 302, 304, 307, 400, 401,
].concat([
  403, 404, 407, 408, 409, 410, 411, 413, 416, 421, 422, 426, 429, 431, 451, 499, 500, 502, 503, 507, 599,
  999,
]);

const HEADERS: readonly (readonly [string, string | null])[] = [
  ['coffre-protocol', null],
  ['coffre-protocol', '2'],
  ['coffre-protocol', ' 1 '],
  ['coffre-protocol', '1, 1'],
  ['content-type', null],
  ['content-type', 'text/html'],
  ['content-type', 'application/json; charset=utf-16le'],
  ['content-encoding', 'gzip'],
  ['content-encoding', 'br, deflate'],
  ['transfer-encoding', 'chunked'],
  ['transfer-encoding', 'gzip, chunked'],
  ['connection', 'upgrade'],
  ['connection', 'close'],
  ['keep-alive', 'timeout=99999999999999'],
  ['upgrade', 'websocket'],
  ['location', 'http://127.0.0.1:9/'],
  ['set-cookie', 'a=b'],
  ['retry-after', '99999999999'],
  ['content-range', 'bytes 5-1/0'],
  ['trailer', 'content-length'],
  ['x-long', 'x'.repeat(40_000)],
];

const LENGTHS = [
  '0',
  '1',
  '-1',
  'abc',
  '1e3',
  '99999999999999999999',
  '4294967296',
  '1099511627776',
  '',
  '2, 3',
];

function strange(dice: Dice): unknown {
  const code = dice.pick(CLOUD_ERROR_CODES);
  const extras: readonly Record<string, unknown>[] = [
    {},
    { head: { seq: dice.below(100), hash: dice.bytes(32).toString('hex') } },
    { chainLength: dice.pick([0, 1, -1, 2 ** 40]) },
    { packs: [dice.bytes(32).toString('hex')] },
    { packs: [] },
    { quota: { usedBytes: -5, limitBytes: 1e300, returnsAtMs: dice.pick([null, 0, 8e15, 1e300]) } },
    { retryAfterS: dice.pick([0, -1, 1e12, 0.001, 3]) },
  ];
  return {
    error: { code, message: 'x'.repeat(dice.pick([0, 1, 5000])) },
    ...dice.pick(extras),
    ...dice.pick(extras),
  };
}

const MUTATORS: Readonly<Record<string, readonly [weight: number, mutator: Mutator]>> = {
  bits: [12, ({ dice, answer }) => ({ ...answer, body: flipped(dice, answer.body) })],
  bytes: [16, ({ dice, answer }) => ({ ...answer, body: mutateBytes(dice, answer.body) })],
  json: [
    34,
    ({ dice, answer }) => ({
      ...answer,
      body: mutateJson(dice, answer.body) ?? mutateBytes(dice, answer.body),
    }),
  ],
  shortened: [
    5,
    ({ dice, answer }) => ({ ...answer, body: answer.body.subarray(0, dice.below(answer.body.length)) }),
  ],
  doubled: [2, ({ answer }) => ({ ...answer, body: Buffer.concat([answer.body, answer.body]) })],
  emptied: [1, ({ answer }) => ({ ...answer, body: Buffer.alloc(0) })],
  'of another request': [8, ({ dice, others }) => dice.pick(others)],
  older: [4, ({ dice, answer, older }) => (older.length === 0 ? answer : dice.pick(older))],
  'a refusal': [
    6,
    ({ dice }) => {
      const code = dice.pick(CLOUD_ERROR_CODES);
      return refusal(dice.pick([CLOUD_ERROR_STATUS[code], 400, 200]), strange(dice));
    },
  ],
  status: [5, ({ dice, answer }) => ({ ...answer, status: dice.pick(STATUSES) })],
  header: [5, ({ dice, answer }) => withHeader(answer, ...dice.pick(HEADERS))],
  length: [
    4,
    ({ dice, answer }) => {
      const { length } = answer.body;
      const said = dice.pick([...LENGTHS, String(length - 1), String(length + 1), null]);
      // Where more is promised than comes, the line breaks.
      return { pieces: [bytesOf(answer, said)], gapMs: 0, end: 'cut' };
    },
  ],
  cut: [
    4,
    ({ dice, answer }) => {
      const whole = bytesOf(answer);
      return { pieces: [whole.subarray(0, dice.below(whole.length))], gapMs: 0, end: 'cut' };
    },
  ],
  head: [
    3,
    ({ dice, answer }) => {
      const whole = bytesOf(answer);
      const head = whole.subarray(0, whole.length - answer.body.length);
      return { pieces: [flipped(dice, head), answer.body], gapMs: 0, end: 'cut' };
    },
  ],
  'answered twice': [
    1,
    ({ answer }) => ({ pieces: [bytesOf(answer), bytesOf(answer)], gapMs: 0, end: 'cut' }),
  ],
  slow: [
    1,
    ({ answer }) => {
      const whole = bytesOf(answer);
      const step = Math.ceil(whole.length / 5);
      const pieces = [0, 1, 2, 3, 4].map((piece) => whole.subarray(piece * step, (piece + 1) * step));
      return { pieces, gapMs: 2, end: 'cut' };
    },
  ],
};

/** Those that end by a time limit of the client: each takes a second, so they are few. */
const WAITING: readonly Mutator[] = [
  () => ({ pieces: [], gapMs: 0, end: 'silent' }),
  ({ dice, answer }) => {
    const whole = bytesOf(answer, String(answer.body.length + 50));
    return { pieces: [whole.subarray(0, dice.below(whole.length))], gapMs: 0, end: 'silent' };
  },
  ({ answer }) => ({
    pieces: [bytesOf(answer, String(answer.body.length + 100_000))],
    gapMs: 0,
    end: 'drip',
  }),
];
const ONE_WAITS_IN = 125;

const DRAWN = Object.entries(MUTATORS).flatMap(([name, [weight]]) =>
  Array.from({ length: weight }, () => name),
);

/** An answer that is not the given one, and the name of what was done to it. */
export function mutate(given: Given): { what: string; wire: Wire } {
  const answer = closing(given.answer);
  const genuine = bytesOf(answer);
  for (;;) {
    const changed = draw({ ...given, answer });
    const { pieces, gapMs, end } = changed.wire;
    if (end !== 'cut' || gapMs > 0 || !genuine.equals(Buffer.concat(pieces))) return changed;
  }
}

function draw(given: Given): { what: string; wire: Wire } {
  const { dice } = given;
  if (dice.below(ONE_WAITS_IN) === 0) {
    return { what: 'withheld', wire: asWire(dice.pick(WAITING)(given)) };
  }
  let what = dice.pick(DRAWN);
  let made = MUTATORS[what]![1](given);
  if (!('pieces' in made) && dice.below(8) === 0) {
    const again = dice.pick(DRAWN);
    what = `${what}, ${again}`;
    made = MUTATORS[again]![1]({ ...given, answer: made });
  }
  return { what, wire: asWire(made) };
}

/** The connection ends with it, or the next request would meet what is left over of this answer. */
function asWire(made: Answer | Wire): Wire {
  return 'pieces' in made ? made : { ...wireOf(closing(made)), end: 'cut' };
}

function closing(answer: Answer): Answer {
  const isSaid = answer.headers.some(([name]) => name === 'connection');
  return isSaid ? answer : withHeader(answer, 'connection', 'close');
}

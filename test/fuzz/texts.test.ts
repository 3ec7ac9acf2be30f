/** What people, other programs and the network write as text: it is taken or refused in words, never with a crash. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRange } from '../../cloud/api/byte-range.ts';
import { parseSize } from '../../cloud/quota/quota.ts';
import { encodeFrame, FrameError, FrameReader } from '../../protocol/control-frames.ts';
import { controlMethods, requestFrameSchema } from '../../protocol/control.ts';
import { PersonError } from '../../protocol/errors.ts';
import { parsePhrase } from '../../sync-engine/crypto/phrase.ts';
import { parseAccountPath } from '../../sync-engine/engine/paths.ts';
import { POSIX_CAPABILITIES } from '../../sync-engine/local-fs/capabilities.ts';
import { IgnoreRules } from '../../sync-engine/local-fs/ignore-rules.ts';
import {
  displayName,
  localNameFor,
  nameProblem,
  pathProblem,
  remoteNameOf,
} from '../../sync-engine/local-fs/path-rules.ts';
import { parseServerAddress } from '../../sync-engine/remote/server-address.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 2000);
const timeout = Math.max(60_000, numRuns * 20);

/** Any text, with what has a meaning somewhere more often than chance would have it. */
const telling = fc.constantFrom(
  ...[
    '/',
    '\\',
    '..',
    '.',
    ':',
    ':/',
    '*',
    '**',
    '!',
    '[',
    ']',
    '{',
    '#',
    '?',
    '%00',
    '\0',
    '\n',
    '\r',
    ' ',
    '\t',
  ],
  ...[
    '\u202e',
    '\u200d',
    'e\u0301',
    '\u00e9',
    '\ud83d\ude00',
    '\ud800',
    'CON',
    'NUL.txt',
    'COM\u00b9',
    '.coffre',
    '-',
  ],
  ...[
    'https://',
    'http://',
    'localhost',
    '127.0.0.1',
    '[::1]',
    '@',
    '999999999999999999999',
    'bytes=',
    '1.5',
    'TiB',
  ],
);
const text = fc
  .array(fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), telling), { maxLength: 12 })
  .map((parts) => parts.join(''));
const WINDOWS = { ...POSIX_CAPABILITIES, caseSensitive: false, windowsNames: true, illegal: '\\\\:<>"|?*' };

function check<T>(from: fc.Arbitrary<T>, holds: (value: T) => void): void {
  fc.assert(fc.property(from, holds), { numRuns });
}

describe('texts', () => {
  it(
    'of server addresses are an address or a message',
    () => {
      check(text, (typed) => {
        try {
          const { origin } = parseServerAddress(typed);
          expect(parseServerAddress(origin).origin).toBe(origin);
          expect(origin).toMatch(/^https:\/\/|^http:\/\/(localhost|127\.|\[::1\])/);
        } catch (error) {
          if (!(error instanceof PersonError)) throw error;
          expect(error.hint).not.toBe('');
        }
      });
    },
    timeout,
  );

  it(
    'of ignore rules are rules or a problem, and answer in time',
    () => {
      check(fc.tuple(text, fc.array(text, { maxLength: 4 })), ([rules, paths]) => {
        const known = new IgnoreRules();
        known.setFile('', rules);
        for (const path of paths) if (pathProblem(path) === null) known.explain(path, false);
      });
    },
    timeout,
  );

  it(
    'of names are held or refused, and come back as they were',
    () => {
      check(text, (name) => {
        displayName(name);
        if (nameProblem(name) !== null) return;
        expect(name).not.toMatch(/[/\0]/);
        for (const capabilities of [POSIX_CAPABILITIES, WINDOWS]) {
          const local = localNameFor(name, capabilities, new Set());
          if ('problem' in local) continue;
          expect(nameProblem(local.name)).toBeNull();
          expect(remoteNameOf(local.name, capabilities)).toBe(name);
        }
      });
    },
    timeout,
  );

  it(
    'of paths, sizes, ranges and phrases are values or refusals',
    () => {
      check(text, (typed) => {
        for (const step of parseAccountPath(typed).steps) expect(step).not.toContain('/');
        const size = parseSize(typed);
        if (size !== null) expect(Number.isSafeInteger(size) && size > 0).toBe(true);
        const range = parseRange(typed, 1000);
        if (range !== null && range !== 'unsatisfiable')
          expect(range.start >= 0 && range.start < range.end && range.end <= 1000).toBe(true);
        expect(parsePhrase(typed).ok).toBe(false);
      });
    },
    timeout,
  );
});

describe('the control socket', () => {
  it(
    'cuts any stream into frames or gives it up, however it arrives',
    () => {
      const lines = fc
        .array(fc.oneof(fc.json(), text), { maxLength: 5 })
        .map((parts) => Buffer.from(parts.join('\n'), 'utf8'));
      check(fc.tuple(lines, fc.array(fc.nat(64), { maxLength: 8 })), ([bytes, cuts]) => {
        const whole = framesOf([bytes]);
        let at = 0;
        const parts = cuts.map((length) => bytes.subarray(at, (at += length)));
        expect(framesOf([...parts, bytes.subarray(at)])).toEqual(whole);
      });
    },
    timeout,
  );

  it(
    'takes a request only as its method describes it',
    () => {
      const methods = Object.entries(controlMethods);
      const request = fc.tuple(
        fc.constantFrom(...methods),
        fc.object({ maxDepth: 3, withNullPrototype: true }),
      );
      check(request, ([[method, { params }], value]) => {
        const frame = requestFrameSchema.safeParse({ id: 1, method, params: value });
        expect(frame.success).toBe(true);
        const parsed = params.safeParse(value);
        if (parsed.success) expect(encodeFrame(parsed.data)).not.toBeNull();
      });
    },
    timeout,
  );
});

/** What a stream gives, up to where it is no stream of frames. */
function framesOf(parts: readonly Uint8Array[]): unknown[] {
  const reader = new FrameReader();
  const frames: unknown[] = [];
  try {
    for (const part of parts) for (const byte of part) frames.push(...reader.push(Buffer.from([byte])));
    for (const frame of frames) expect(typeof frame).not.toBe('function');
    return frames;
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    return [...frames, 'given up'];
  }
}

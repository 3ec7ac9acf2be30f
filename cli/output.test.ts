import { describe, expect, it } from 'vitest';
import { bytesText, printable, table, timeText } from './output.ts';
import { statusLine } from './status-line.ts';
import { statusOf } from '../test/fakes/scripted-facade.ts';
import { timeInput } from './time-input.ts';

describe('text for people', () => {
  it.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [999, '999 bytes'],
    [1000, '1 kB'],
    [1549, '1.5 kB'],
    [99_949, '99.9 kB'],
    [99_950, '100 kB'],
    [999_499, '999 kB'],
    [999_500, '1 MB'],
    [100_000_000_000, '100 GB'],
    [9e15, '9 PB'],
  ])('counts %i bytes as %s', (bytes, text) => {
    expect(bytesText(bytes)).toBe(text);
  });

  it('shows what a terminal would obey, and leaves letters of every script alone', () => {
    expect(printable('a\u001b[2Jb\r\n\u009b\u202e\u2066\u200f\u2028')).toBe(
      'a\\u{1b}[2Jb\\u{d}\\u{a}\\u{9b}\\u{202e}\\u{2066}\\u{200f}\\u{2028}',
    );
    expect(printable('naïve 日本語 عربى 🏔️')).toBe('naïve 日本語 عربى 🏔️');
  });

  it('aligns columns by what is shown', () => {
    expect(
      table(
        ['A', 'B'],
        [
          ['x\u0007', 'y'],
          ['long name here', 'z'],
        ],
      ),
    ).toEqual(['A               B', 'x\\u{7}          y', 'long name here  z']);
  });

  it('writes local time', () => {
    expect(timeText(new Date(2026, 2, 1, 9, 5, 7).getTime())).toBe('2026-03-01 09:05:07');
  });

  it('says in one line how the engine stands', () => {
    expect(statusLine(statusOf())).toBe('in sync');
    const busy = statusOf({
      state: 'syncing',
      pending: { files: 1, bytes: 2000 },
      transfer: { upBytesPerSecond: 10, downBytesPerSecond: 0 },
      issueCount: 2,
    });
    expect(statusLine(busy)).toBe('syncing, 1 file (2 kB) to go, up 10 bytes/s, 2 issues: bin/coffre issues');
  });
});

describe('a time', () => {
  const parse = (text: string) => timeInput(() => 1_000_000_000).safeParse(text).data;
  it('is so long ago, a day at midnight here, or a moment', () => {
    expect(parse('90m')).toBe(1_000_000_000 - 90 * 60_000);
    expect(parse('2d')).toBe(1_000_000_000 - 2 * 86_400_000);
    expect(parse('2026-03-01')).toBe(new Date(2026, 2, 1).getTime());
    expect(parse('2026-03-01 14:05')).toBe(new Date(2026, 2, 1, 14, 5).getTime());
    expect(parse('2026-03-01T14:05:00Z')).toBe(Date.UTC(2026, 2, 1, 14, 5));
  });
  it.each(['', 'soon', '3 weeks', '2026-13-01', '5', 'March 2026'])('is not %j', (text) => {
    expect(parse(text)).toBeUndefined();
  });
});

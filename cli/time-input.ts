/** A moment written by a person. */
import { z } from 'zod';

export const TIME_HELP = 'as of 2026-03-01, 2026-03-01T14:05, or 90m, 12h, 3d ago';

const SPAN = /^(\d+)\s*([mhd])$/;
const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Ms since 1970 of `2026-03-01`, `2026-03-01T14:05:00Z` (local time without a zone), or `3d` before `nowMs`. */
export function timeInput(nowMs: () => number) {
  return z.string().transform((text, issues) => {
    const ago = spanOf(text);
    if (ago !== null) return nowMs() - ago;
    const ms = momentOf(text);
    if (ms !== null) return ms;
    issues.addIssue({ code: 'custom', message: 'not a time: write 2026-03-01, 2026-03-01T14:05 or 3d' });
    return z.NEVER;
  });
}

/** Ms of `90m`, `12h`, `3d`. */
export function timeSpan() {
  return z.string().transform((text, issues) => {
    const ms = spanOf(text);
    if (ms !== null && ms > 0) return ms;
    issues.addIssue({ code: 'custom', message: 'not a span of time: write 90m, 12h or 3d' });
    return z.NEVER;
  });
}

/** Ms since 1970 of a time to come: `tomorrow` (when it begins), `14:05` (the next one), or a moment. */
export function timeAhead(nowMs: () => number) {
  return z.string().transform((text, issues) => {
    const ms = aheadOf(text.trim(), nowMs());
    if (ms !== null && ms > nowMs()) return ms;
    issues.addIssue({
      code: 'custom',
      message: 'not a time to come: write 14:05, tomorrow, 2026-03-01 or 2026-03-01T14:05',
    });
    return z.NEVER;
  });
}

function aheadOf(text: string, nowMs: number): number | null {
  const day = new Date(nowMs);
  if (text === 'tomorrow') return day.setHours(24, 0, 0, 0);
  const clock = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (clock === null) return momentOf(text);
  const today = day.setHours(Number(clock[1]), Number(clock[2]), 0, 0);
  // Not 24 hours on: the clocks may change in between.
  return today > nowMs ? today : day.setDate(day.getDate() + 1);
}

function spanOf(text: string): number | null {
  const span = SPAN.exec(text.trim());
  return span === null ? null : Number(span[1]) * UNIT_MS[span[2] as keyof typeof UNIT_MS];
}

function momentOf(text: string): number | null {
  const date = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text.trim());
  // A bare date would be read as UTC; people mean their own midnight.
  const ms = Date.parse(date === null ? text.trim().replace(' ', 'T') : `${text.trim()}T00:00`);
  return !Number.isNaN(ms) && /^\d{4}-/.test(text.trim()) ? ms : null;
}

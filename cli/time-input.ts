/** A moment written by a person. */
import { z } from 'zod';

export const TIME_HELP = 'as of 2026-03-01, 2026-03-01T14:05, or 90m, 12h, 3d ago';

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Ms since 1970 of `2026-03-01`, `2026-03-01T14:05:00Z` (local time without a zone), or `3d` before `nowMs`. */
export function timeInput(nowMs: () => number) {
  return z.string().transform((text, issues) => {
    const ago = /^(\d+)\s*([mhd])$/.exec(text.trim());
    if (ago !== null) return nowMs() - Number(ago[1]) * UNIT_MS[ago[2] as keyof typeof UNIT_MS];
    const date = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text.trim());
    // A bare date would be read as UTC; people mean their own midnight.
    const ms = Date.parse(date === null ? text.trim().replace(' ', 'T') : `${text.trim()}T00:00`);
    if (!Number.isNaN(ms) && /^\d{4}-/.test(text.trim())) return ms;
    issues.addIssue({ code: 'custom', message: 'not a time: write 2026-03-01, 2026-03-01T14:05 or 3d' });
    return z.NEVER;
  });
}

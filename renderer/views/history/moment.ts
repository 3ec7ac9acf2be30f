import type { ControlResult } from '../../../protocol/control.ts';

export type Timeline = ControlResult<'timeline'>;

/**
 * The moment that a day and an hour of it mean; without an hour the end of the day. Never outside of what is
 * kept. The day is one of the calendar, so it may have 23 or 25 hours.
 */
export function momentOf(
  kept: Pick<Timeline, 'firstMs' | 'lastMs'>,
  dayStartMs: number,
  time: string,
): number {
  const moment = new Date(dayStartMs);
  const match = /^(\d{2}):(\d{2})/u.exec(time);
  if (match === null) {
    moment.setDate(moment.getDate() + 1);
    moment.setHours(0, 0, 0, 0);
    moment.setMilliseconds(-1);
  } else {
    moment.setHours(Number(match[1]), Number(match[2]), 59, 999);
  }
  return Math.min(kept.lastMs, Math.max(kept.firstMs, moment.getTime()));
}

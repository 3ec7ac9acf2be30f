/** The pauses that tray and window offer, and when each ends. */
export const pauseSpans = ['hour', 'tomorrow', 'resumed'] as const;
export type PauseSpan = (typeof pauseSpans)[number];

/** Null: when the person says so. Tomorrow begins at eight in the morning. */
export function pauseEnd(span: PauseSpan, nowMs: number): number | null {
  if (span === 'resumed') return null;
  if (span === 'hour') return nowMs + 60 * 60_000;
  const tomorrow = new Date(nowMs);
  tomorrow.setDate(tomorrow.getDate() + 1);
  tomorrow.setHours(8, 0, 0, 0);
  return tomorrow.getTime();
}

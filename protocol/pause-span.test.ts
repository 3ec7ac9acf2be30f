import { expect, it } from 'vitest';
import { pauseEnd } from './pause-span.ts';

it('pauses for an hour, until eight tomorrow, or until told', () => {
  const evening = new Date(2026, 2, 28, 22, 30).getTime();
  expect(pauseEnd('hour', evening)).toBe(evening + 3_600_000);
  expect(pauseEnd('tomorrow', evening)).toBe(new Date(2026, 2, 29, 8).getTime());
  expect(pauseEnd('resumed', evening)).toBeNull();
});

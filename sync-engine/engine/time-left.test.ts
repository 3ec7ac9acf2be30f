import { expect, it } from 'vitest';
import type { Clock } from './ports.ts';
import { TimeLeft } from './time-left.ts';
import { Traffic } from './traffic.ts';

let nowMs = 1_000_000;
const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep: () => Promise.resolve() };

function begun(): { left: TimeLeft; traffic: Traffic } {
  const traffic = new Traffic(clock, { uploadLimit: null, downloadLimit: null });
  return { left: new TimeLeft(clock, traffic), traffic };
}

it('says nothing when nothing is pending, or nothing was done of late', () => {
  const { left } = begun();
  expect(left.seconds({ files: 0, bytes: 0 })).toBeNull();
  expect(left.seconds({ files: 3, bytes: 100 })).toBeNull();
  expect(left.seconds({ files: 3, bytes: 0 })).toBeNull();
  left.did(1_000);
  nowMs += 21_000;
  expect(left.seconds({ files: 3, bytes: 100 })).toBeNull();
});

it('takes the longer of what the files and what the bytes need', () => {
  const { left } = begun();
  // 2 files and 2,000 bytes a second over the last 20 s.
  for (let file = 0; file < 40; file += 1) left.did(1_000);
  expect(left.seconds({ files: 10, bytes: 40_000 })).toBe(20);
  expect(left.seconds({ files: 100, bytes: 40_000 })).toBe(50);
  expect(left.seconds({ files: 100, bytes: 0 })).toBe(50);
});

it('goes by what travels while a large file is under way and none is done', () => {
  const { left, traffic } = begun();
  traffic.upRate.add(30_000);
  expect(left.seconds({ files: 1, bytes: 100_000 })).toBe(10);
});

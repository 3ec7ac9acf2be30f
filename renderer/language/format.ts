/** Sizes, times and numbers as the current language writes them. */
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'] as const;
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export interface Format {
  number(value: number): string;
  /** A part of one, as a percentage. */
  percent(part: number): string;
  bytes(bytes: number): string;
  bytesPerSecond(bytes: number): string;
  /** About how long: the two largest units, rounded the way a person would say it. */
  duration(seconds: number): string;
  /** "5 minutes ago", and the date when that says more. */
  relative(atMs: number, nowMs?: number): string;
  time(atMs: number): string;
  date(atMs: number): string;
  dateTime(atMs: number): string;
  list(parts: readonly string[]): string;
}

export function makeFormat(language: string): Format {
  const plain = new Intl.NumberFormat(language);
  const percent = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  const clock = new Intl.DateTimeFormat(language, { timeStyle: 'short' });
  const day = new Intl.DateTimeFormat(language, { dateStyle: 'medium' });
  const full = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
  const list = new Intl.ListFormat(language, { type: 'conjunction' });
  const units = new Map<string, Intl.NumberFormat>();

  const inUnit = (value: number, unit: string, display: 'short' | 'long', digits: number): string => {
    const key = `${unit} ${display} ${digits}`;
    let format = units.get(key);
    if (format === undefined) {
      format = new Intl.NumberFormat(language, {
        style: 'unit',
        unit,
        unitDisplay: display,
        maximumFractionDigits: digits,
      });
      units.set(key, format);
    }
    return format.format(value);
  };

  const bytes = (value: number): string => {
    let size = Math.max(0, value);
    let step = 0;
    // 999.95 would show as 1,000.
    while (size >= 999.5 && step < UNITS.length - 1) {
      size /= 1000;
      step++;
    }
    return inUnit(
      size,
      UNITS[step] ?? 'byte',
      step === 0 ? 'long' : 'short',
      step === 0 || size >= 100 ? 0 : 1,
    );
  };

  const duration = (seconds: number): string => {
    if (seconds < 60) return inUnit(Math.max(1, Math.round(seconds)), 'second', 'long', 0);
    const minutes = Math.round(seconds / 60);
    if (minutes < 60) return inUnit(minutes, 'minute', 'long', 0);
    const hours = Math.floor(minutes / 60);
    if (hours < 24) {
      const rest = minutes % 60;
      const whole = inUnit(hours, 'hour', 'long', 0);
      return rest === 0 ? whole : `${whole} ${inUnit(rest, 'minute', 'long', 0)}`;
    }
    return inUnit(Math.round(hours / 24), 'day', 'long', 0);
  };

  return {
    number: (value) => plain.format(value),
    percent: (part) => percent.format(part),
    bytes,
    bytesPerSecond: (value) => `${bytes(value)}/s`,
    duration,
    relative: (atMs, nowMs = Date.now()) => {
      const apart = atMs - nowMs;
      const size = Math.abs(apart);
      if (size < 45 * SECOND_MS) return relative.format(0, 'second');
      if (size < 59.5 * MINUTE_MS) return relative.format(Math.round(apart / MINUTE_MS), 'minute');
      if (size < 23.5 * HOUR_MS) return relative.format(Math.round(apart / HOUR_MS), 'hour');
      if (size < 7 * DAY_MS) return relative.format(Math.round(apart / DAY_MS), 'day');
      return day.format(atMs);
    },
    time: (atMs) => clock.format(atMs),
    date: (atMs) => day.format(atMs),
    dateTime: (atMs) => full.format(atMs),
    list: (parts) => list.format(parts),
  };
}

export function useFormat(): Format {
  const { i18n } = useTranslation();
  return useMemo(() => makeFormat(i18n.language), [i18n.language]);
}

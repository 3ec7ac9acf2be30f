/**
 * The ratios of the last release: what a figure was against the floor of its own run, so that a faster or slower
 * machine says the same. `--quick` fails when one is a third worse; `--keep` writes them anew.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Row } from './report.ts';

const FILE = join(import.meta.dirname, 'kept.json');
/** What is worse by more than this is no noise. */
const WORSE = 1.3;

const keptSchema = z.record(z.string(), z.number().positive());

/** Of the rows that have a floor: time against hashing and sealing the same bytes. */
function ratiosOf(rows: readonly Row[]): Record<string, number> {
  return Object.fromEntries(
    rows.flatMap(({ name, value, floors }) =>
      floors === null ? [] : [[name, value / floors.seal] as const],
    ),
  );
}

export function keep(rows: readonly Row[]): void {
  const rounded = Object.entries(ratiosOf(rows)).map(([name, ratio]) => [name, Number(ratio.toFixed(1))]);
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(rounded), null, 2)}\n`);
}

/** What has become worse, in words. */
export function worseThanKept(rows: readonly Row[]): string[] {
  const kept = keptSchema.parse(JSON.parse(readFileSync(FILE, 'utf8')));
  return Object.entries(ratiosOf(rows)).flatMap(([name, ratio]) => {
    const before = kept[name];
    if (before === undefined) return [`${name} has no kept figure: run with --keep on a quiet machine`];
    if (ratio <= before * WORSE) return [];
    return [`${name}: ${ratio.toFixed(1)} times its floor, kept is ${before}`];
  });
}

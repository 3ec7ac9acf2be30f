/** An import, twice over the file: once to judge every line, then to bring them in. */
import { randomUUID } from 'node:crypto';
import { byOperator } from '../audit/entry.ts';
import { tallyOf } from '../audit/recorder.ts';
import type { LegacyStore, NewLegacyRow } from '../store/legacy-store.ts';
import { LEGACY_BATCH } from '../store/legacy-store.ts';
import { importLines, type ImportFormat } from './import-lines.ts';
import { shapeOf } from './shapes.ts';

/** Bad lines that are told one by one. */
const TOLD = 100;
/** Made-up answers are drawn from them at each question. */
const MOST_SHAPES = 1000;

export interface LegacyImport {
  readonly file: string;
  readonly format: ImportFormat;
  readonly service: string | null;
  readonly expiresMs: number;
  readonly nowMs: number;
  readonly skipBad: boolean;
}

interface BadLine {
  readonly line: number;
  readonly why: string;
}

interface Judged {
  readonly good: number;
  readonly bad: number;
  /** The first of them. */
  readonly badLines: readonly BadLine[];
}

export type ImportOutcome =
  /** `known`: an address that is there already, or twice in the file; it stays as it was. */
  | (Judged & { readonly kind: 'imported'; readonly added: number; readonly known: number })
  /** Nothing was imported. */
  | (Judged & { readonly kind: 'bad-lines' })
  | { readonly kind: 'too-many-shapes' };

/** Again after a stop it brings what is missing. @throws BadHeader, StoreUnavailable, or what reading fails with */
export async function importFile(legacy: LegacyStore, request: LegacyImport): Promise<ImportOutcome> {
  const judged = await judge(request);
  if (judged === null) return { kind: 'too-many-shapes' };
  if (judged.bad > 0 && !request.skipBad) return { kind: 'bad-lines', ...judged };
  const added = await bring(legacy, request);
  return { kind: 'imported', ...judged, added, known: judged.good - added };
}

async function judge({ file, format }: LegacyImport): Promise<Judged | null> {
  const badLines: BadLine[] = [];
  const shapes = new Set<string>();
  let good = 0;
  let bad = 0;
  for await (const line of importLines(file, format)) {
    if ('why' in line) {
      bad += 1;
      if (badLines.length < TOLD) badLines.push({ line: line.number, why: line.why });
      continue;
    }
    good += 1;
    if (line.row.password !== null) shapes.add(shapeOf(line.row.password.parameters));
    if (shapes.size > MOST_SHAPES) return null;
  }
  return { good, bad, badLines };
}

async function bring(
  legacy: LegacyStore,
  { file, format, service, expiresMs, nowMs }: LegacyImport,
): Promise<number> {
  let known: number | null = null;
  let added = 0;
  // All batches are one entry of the audit log.
  const tally = tallyOf(['legacy-imported', randomUUID()]);
  const batch = new Map<string, NewLegacyRow>();
  const flush = async (): Promise<void> => {
    const rows = [...batch.values()];
    batch.clear();
    const audit = byOperator('legacy-imported', nowMs, { tally, times: added === 0 ? 1 : 0 });
    const result = await legacy.add({ import: known, service, expiresMs, nowMs, rows, audit });
    known = result.import;
    added += result.added;
  };
  for await (const line of importLines(file, format)) {
    if ('why' in line) continue;
    // Of an address that comes twice the first counts, as in the next batch too.
    if (!batch.has(line.row.email)) batch.set(line.row.email, line.row);
    if (batch.size === LEGACY_BATCH) await flush();
  }
  if (batch.size > 0) await flush();
  return added;
}

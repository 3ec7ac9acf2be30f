/** `audit`: what happened to accounts, from the newest on. Works whether a server runs or not. */
import type { Command } from 'commander';
import { EXIT } from '../../protocol/errors.ts';
import type { AccountId } from '../../protocol/ids.ts';
import { DAY_MS } from '../../protocol/limits.ts';
import type { AuditEntry } from '../audit/entry.ts';
import { AUDIT_KINDS, isAuditKind, unitOf, type AuditKind } from '../audit/kinds.ts';
import { placeBefore, type AuditPlace } from '../store/audit-store.ts';
import type { MetadataStore } from '../store/metadata-store.ts';
import { withStore, type StoreOptions } from './open-stores.ts';
import { CommandError, printResult } from './output.ts';
import { addStorageOptions } from './storage-options.ts';
import { findUser } from './upkeep-commands.ts';

interface AuditOptions extends StoreOptions {
  readonly account?: string;
  readonly kind?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit: string;
  readonly cursor?: string;
}

const MOST_ENTRIES = 1000;
const HOUR_MS = DAY_MS / 24;
/** Later than any time. */
const END = placeBefore(Number.MAX_SAFE_INTEGER);

export function addAuditCommand(program: Command): void {
  addStorageOptions(program.command('audit'), 'the data directory of the server')
    .description('what happened to accounts, from the newest on')
    .option('--account <who>', 'of this one: its e-mail address, or its id, which also a deleted one has')
    .option('--kind <kind>', 'of this kind')
    .option('--since <time>', 'from then on: 2026-11-26, 2026-11-26T10:00:00Z, or 7d or 12h ago')
    .option('--until <time>', 'before then')
    .option('--limit <number>', `of entries, ${MOST_ENTRIES} at most`, '100')
    .option('--cursor <cursor>', 'goes on where an earlier answer ended')
    .option('--json', 'one JSON object')
    .addHelpText('after', () => `\nKinds:\n${kindLines().join('\n')}`)
    .action(audit);
}

function kindLines(): string[] {
  const width = Math.max(...Object.keys(AUDIT_KINDS).map((kind) => kind.length));
  return Object.entries(AUDIT_KINDS).map(([kind, { tells }]) => `  ${kind.padEnd(width)}  ${tells}`);
}

async function audit(options: AuditOptions): Promise<void> {
  const nowMs = Date.now();
  const kind = kindOption(options.kind);
  const sinceMs = options.since === undefined ? 0 : timeOption(options.since, '--since', nowMs);
  const until = options.until === undefined ? END : placeBefore(timeOption(options.until, '--until', nowMs));
  const cursor = options.cursor === undefined ? END : cursorOption(options.cursor);
  const limit = limitOption(options.limit);
  const found = await withStore(options, async (store) =>
    store.audit.page({
      account: options.account === undefined ? null : await accountOf(store, options.account),
      kind,
      sinceMs,
      before: cursor.atMs < until.atMs ? cursor : until,
      // One more tells whether there are more.
      limit: limit + 1,
    }),
  );
  const entries = found.slice(0, limit);
  const last = entries.at(-1);
  const next = found.length > limit && last !== undefined ? `${last.atMs}-${last.entry}` : null;
  printResult({ json: options.json ?? false }, { entries: entries.map(describe), next }, [
    ...entries.map(lineOf),
    ...(next === null ? [] : [`older ones: the same with --cursor ${next}`]),
  ]);
}

async function accountOf(store: MetadataStore, who: string): Promise<AccountId> {
  // An account that is gone has its entries yet.
  if (/^[0-9a-f]{32}$/.test(who)) return who as AccountId;
  return (await findUser(store, who)).account;
}

function kindOption(text: string | undefined): AuditKind | null {
  if (text === undefined || isAuditKind(text)) return text ?? null;
  throw usage('--kind wants a kind of entry', 'see coffre-cloud audit --help');
}

/** Milliseconds of a day or a moment, in UTC where it names no zone, or of so long ago. */
function timeOption(text: string, name: string, nowMs: number): number {
  const ago = /^(\d{1,5})([dh])$/.exec(text);
  if (ago !== null) return nowMs - Number(ago[1]) * (ago[2] === 'd' ? DAY_MS : HOUR_MS);
  const moment = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?)?(Z|[+-]\d{2}:\d{2})?$/.exec(text);
  const [, day = '', time = 'T00:00', , , zone = 'Z'] = moment ?? [];
  const ms = moment === null ? Number.NaN : Date.parse(`${day}${time}${zone}`);
  // 30 February is read as a day of March.
  const isDay = Date.parse(`${day}T00:00Z`) >= 0 && new Date(`${day}T00:00Z`).toISOString().startsWith(day);
  if (isDay && Number.isFinite(ms)) return ms;
  throw usage(`${name} wants a time`, 'write it like 2026-11-26, 2026-11-26T10:00:00Z, 7d or 12h');
}

function limitOption(text: string): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MOST_ENTRIES) return limit;
  throw usage(
    `--limit wants a number from 1 to ${MOST_ENTRIES}`,
    'go on with --cursor where that is not enough',
  );
}

function cursorOption(text: string): AuditPlace {
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(text);
  if (match === null) throw usage('--cursor wants what an earlier answer ended with', 'copy it from there');
  return { atMs: Number(match[1]), entry: Number(match[2]) };
}

function describe({ atMs, lastMs, ...entry }: AuditEntry): object {
  return { at: timeText(atMs), last: timeText(lastMs), ...entry };
}

function lineOf(entry: AuditEntry): string {
  const { atMs, lastMs, kind, actor, account, device, network, times, amount } = entry;
  const unit = isAuditKind(kind) ? unitOf(kind) : null;
  const parts: readonly (readonly [string, string | null])[] = [
    ['by ', actor],
    ['account ', account],
    ['device ', device],
    ['from ', network],
    ['', amount === null ? null : `${amount} ${unit ?? ''}`.trimEnd()],
    ['', times > 1 ? `${times} times until ${timeText(lastMs)}` : null],
  ];
  const told = parts.flatMap(([before, value]) => (value === null ? [] : [`${before}${value}`]));
  return `${timeText(atMs)} ${kind}: ${told.join(', ')}`;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

function usage(message: string, hint: string): CommandError {
  return new CommandError(EXIT.usage, 'bad-input', message, hint);
}

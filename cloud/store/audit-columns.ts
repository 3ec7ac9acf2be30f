/** Entries of the audit log as both metadata stores have them, and the statements that both run. */
import type { AccountId, DeviceId } from '../../protocol/ids.ts';
import type { AuditEntry, NewAuditEntry } from '../audit/entry.ts';
import type { AuditQuery } from './audit-store.ts';
import { blob, hex } from './columns.ts';

/** How a statement says which value stands where. */
type Mark = '?' | '$';
type Value = string | number | Uint8Array | null;

export interface AuditColumns {
  entry: number;
  at_ms: number;
  last_ms: number;
  kind: string;
  actor: string;
  account: Buffer | null;
  device: Buffer | null;
  network: string | null;
  times: number;
  amount: number | null;
}

export function auditRow(row: AuditColumns): AuditEntry {
  const { entry, kind, actor, account, device, network, times, amount } = row;
  return {
    entry,
    atMs: row.at_ms,
    lastMs: row.last_ms,
    kind,
    actor,
    account: account === null ? null : (hex(account) as AccountId),
    device: device === null ? null : (hex(device) as DeviceId),
    network,
    times,
    amount,
  };
}

/** Adds an entry, or to the one with its tally. */
export function recordSql(mark: Mark): string {
  const places = Array.from({ length: 9 }, (_none, index) => `${mark}${index + 1}`);
  return `INSERT INTO audit_entries AS a (at_ms, kind, actor, account, device, network, times, amount, tally, last_ms)
    VALUES (${places.join(', ')}, ${mark}1)
    ON CONFLICT (tally) DO UPDATE SET times = a.times + excluded.times,
      last_ms = CASE WHEN excluded.last_ms > a.last_ms THEN excluded.last_ms ELSE a.last_ms END,
      amount = coalesce(a.amount + excluded.amount, a.amount, excluded.amount)`;
}

export function recordValues(entry: NewAuditEntry): Value[] {
  const { atMs, kind, actor, account, device, network, times, amount, tally } = entry;
  const bytes = (id: string | null): Buffer | null => (id === null ? null : blob(id));
  return [atMs, kind, actor, bytes(account), bytes(device), network, times, amount, bytes(tally)];
}

export function pageSql(
  mark: Mark,
  { account, kind, sinceMs, before, limit }: AuditQuery,
): { readonly sql: string; readonly values: Value[] } {
  const values: Value[] = [before.atMs, before.entry, sinceMs, limit];
  const conditions = [`(at_ms, entry) < (${mark}1, ${mark}2)`, `at_ms >= ${mark}3`];
  for (const [column, value] of [
    ['account', account === null ? null : blob(account)],
    ['kind', kind],
  ] as const) {
    if (value === null) continue;
    values.push(value);
    conditions.push(`${column} = ${mark}${values.length}`);
  }
  const sql = `SELECT entry, at_ms, last_ms, kind, actor, account, device, network, times, amount FROM audit_entries
    WHERE ${conditions.join(' AND ')} ORDER BY at_ms DESC, entry DESC LIMIT ${mark}4`;
  return { sql, values };
}

/**
 * Takes from up to some entries of an account all that could tell more of a person than its id does. The tally goes,
 * too: networks are few enough to try them all against it.
 */
export function eraseSql(mark: Mark): string {
  const some = `SELECT entry FROM audit_entries
    WHERE account = ${mark}1 AND (network IS NOT NULL OR tally IS NOT NULL) LIMIT ${mark}2`;
  return `UPDATE audit_entries SET network = NULL, tally = NULL WHERE ${isAmong(mark, some)}`;
}

export function forgetSql(mark: Mark): string {
  const oldest = `SELECT entry FROM audit_entries WHERE at_ms < ${mark}1 ORDER BY at_ms, entry LIMIT ${mark}2`;
  return `DELETE FROM audit_entries WHERE ${isAmong(mark, oldest)}`;
}

/** PostgreSQL goes by the key only where it has an array of them. */
function isAmong(mark: Mark, entries: string): string {
  return mark === '$' ? `entry = ANY(ARRAY(${entries}))` : `entry IN (${entries})`;
}

import type { NewAuditEntry } from '../../audit/entry.ts';
import {
  auditRow,
  eraseSql,
  forgetSql,
  pageSql,
  recordSql,
  recordValues,
  type AuditColumns,
} from '../audit-columns.ts';
import type { AuditStore } from '../audit-store.ts';
import type { Sql } from './sql.ts';

const [RECORD, ERASE, FORGET] = [recordSql('$'), eraseSql('$'), forgetSql('$')];

/** Inside the transaction that does what it tells: last of all, for an entry that counts is locked until the end. */
export async function recordEntry(sql: Sql, entry: NewAuditEntry): Promise<void> {
  await sql.run(RECORD, ...recordValues(entry));
}

/** Inside a transaction; returns how many entries it was. */
export async function eraseEntries(sql: Sql, account: Uint8Array, batch: number): Promise<number> {
  return sql.run(ERASE, account, batch);
}

export function postgresAudit(sql: Sql): AuditStore {
  return {
    record: (entry) => recordEntry(sql, entry),
    async page(query) {
      const { sql: text, values } = pageSql('$', query);
      return (await sql.all<AuditColumns>(text, ...values)).map(auditRow);
    },
    forget: (beforeMs, batch) => sql.run(FORGET, beforeMs, batch),
  };
}

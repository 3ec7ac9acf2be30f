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
import type { Database } from './database.ts';

const [RECORD, ERASE, FORGET] = [recordSql('?'), eraseSql('?'), forgetSql('?')];

/** Inside the write that does what it tells. */
export function recordEntry(database: Database, entry: NewAuditEntry): void {
  database.run(RECORD, ...recordValues(entry));
}

/** Inside a write; returns how many entries it was. */
export function eraseEntries(database: Database, account: Uint8Array, batch: number): number {
  return database.run(ERASE, account, batch).changes;
}

export function embeddedAudit(database: Database): AuditStore {
  return {
    async record(entry) {
      await database.write(() => {
        recordEntry(database, entry);
      });
    },
    async page(query) {
      const { sql, values } = pageSql('?', query);
      return database.all<AuditColumns>(sql, ...values).map(auditRow);
    },
    async forget(beforeMs, batch) {
      return database.write(() => database.run(FORGET, beforeMs, batch).changes);
    },
  };
}

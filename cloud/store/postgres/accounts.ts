import type { DeviceId } from '../../../protocol/ids.ts';
import { ACCOUNT_COLUMNS, accountRow, blob, hex, type AccountColumns } from '../columns.ts';
import type { AccountRow, AccountStore } from '../metadata-store.ts';
import { recordEntry } from './audit.ts';
import { addDevice, appendChain } from './chain-append.ts';
import { BeginAnew, type Database } from './database.ts';
import { claimRow } from './legacy.ts';
import { endSessions } from './sessions.ts';

export function postgresAccounts(database: Database, defaultLimit: number): AccountStore {
  const find = async (where: string, value: string | Uint8Array): Promise<AccountRow | null> => {
    const row = await database.get<AccountColumns>(
      `SELECT ${ACCOUNT_COLUMNS} FROM accounts WHERE ${where} = $1 AND NOT doomed`,
      value,
    );
    return row === null ? null : accountRow(row, defaultLimit);
  };

  return {
    async create(account) {
      return database.write(async (sql) => {
        const id = blob(account.account);
        const taken = await sql.get(
          'SELECT 1 FROM accounts WHERE email = $1 UNION ALL SELECT 1 FROM accounts WHERE account = $2',
          account.email,
          id,
        );
        if (taken !== null) return 'refused';
        if (account.inviteHash !== null) {
          const used = await sql.run(
            'UPDATE invites SET used_ms = $2 WHERE hash = $1 AND used_ms IS NULL',
            blob(account.inviteHash),
            account.nowMs,
          );
          if (used === 0) return 'refused';
        }
        let quota: number | null = null;
        if (account.claimHash !== null) {
          const claimed = await claimRow(sql, account.claimHash, account.email, account.nowMs);
          if (claimed === null) return 'refused';
          quota = claimed.quotaBytes;
        }
        const created = await sql.run(
          `INSERT INTO accounts
             (account, email, registration, bundle, bundle_version, created_ms, chain_length, chain_head, quota_bytes)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
          id,
          account.email,
          account.registration,
          JSON.stringify(account.bundle),
          account.bundle.version,
          account.nowMs,
          account.chain.length,
          blob(account.chainHead),
          quota,
        );
        // Somebody else was a moment faster: neither invitation nor claim must be used up for it.
        if (created === 0) throw new BeginAnew();
        for (const [index, entry] of account.chain.entries()) {
          await sql.run(
            'INSERT INTO chain_entries (account, idx, entry) VALUES ($1, $2, $3)',
            id,
            index,
            entry,
          );
        }
        await addDevice(sql, id, account.device, account.nowMs);
        await recordEntry(sql, account.audit);
        return 'created';
      });
    },
    async byEmail(email) {
      return find('email', email);
    },
    async byId(account) {
      return find('account', blob(account));
    },
    async list() {
      const rows = await database.all<AccountColumns>(
        `SELECT ${ACCOUNT_COLUMNS} FROM accounts WHERE NOT doomed ORDER BY created_ms`,
      );
      return rows.map((row) => accountRow(row, defaultLimit));
    },
    async chain(account, from) {
      const rows = await database.all<{ entry: Buffer }>(
        'SELECT entry FROM chain_entries WHERE account = $1 AND idx >= $2 ORDER BY idx',
        blob(account),
        from,
      );
      return rows.map((row) => row.entry);
    },
    async devices(account) {
      const rows = await database.all<{ device: Buffer; last_heard_ms: number }>(
        'SELECT device, last_heard_ms FROM devices WHERE account = $1 AND NOT revoked ORDER BY device',
        blob(account),
      );
      return rows.map((row) => ({ device: hex(row.device) as DeviceId, lastHeardMs: row.last_heard_ms }));
    },
    async heard(account, device, nowMs) {
      await database.run(
        'UPDATE devices SET last_heard_ms = greatest(last_heard_ms, $3) WHERE account = $1 AND device = $2',
        blob(account),
        blob(device),
        nowMs,
      );
    },
    async appendChain(append) {
      return database.write((sql) => appendChain(sql, append));
    },
    async changePassword({ account, registration, bundle, keepSession, audit }) {
      return database.write(async (sql) => {
        const changed = await sql.run(
          `UPDATE accounts SET registration = $2, bundle = $3, bundle_version = $4
           WHERE account = $1 AND bundle_version < $4 AND NOT doomed`,
          blob(account),
          registration,
          JSON.stringify(bundle),
          bundle.version,
        );
        if (changed === 0) return 'old-version';
        await endSessions(sql, blob(account), { keep: keepSession });
        await recordEntry(sql, audit);
        return 'changed';
      });
    },
    async changeBundle(account, bundle, audit) {
      return database.write(async (sql) => {
        const changed = await sql.run(
          `UPDATE accounts SET bundle = $2, bundle_version = $3
           WHERE account = $1 AND bundle_version < $3 AND NOT doomed`,
          blob(account),
          JSON.stringify(bundle),
          bundle.version,
        );
        if (changed === 0) return 'old-version';
        await recordEntry(sql, audit);
        return 'changed';
      });
    },
    async signOut(account, keepSession, audit) {
      await database.write(async (sql) => {
        await endSessions(sql, blob(account), { keep: keepSession });
        await sql.run('DELETE FROM grants WHERE account = $1', blob(account));
        await recordEntry(sql, audit);
      });
    },
    async setQuota(account, limitBytes, audit) {
      await database.write(async (sql) => {
        const set = 'UPDATE accounts SET quota_bytes = $2 WHERE account = $1';
        if ((await sql.run(set, blob(account), limitBytes)) > 0) await recordEntry(sql, audit);
      });
    },
    async setDisabled(account, disabled, audit) {
      await database.write(async (sql) => {
        const id = blob(account);
        const set = 'UPDATE accounts SET disabled = $2 WHERE account = $1';
        if ((await sql.run(set, id, disabled)) > 0) await recordEntry(sql, audit);
        if (!disabled) return;
        // Access tokens and grants end; the refresh tokens work again once the account does.
        await sql.run(
          'DELETE FROM tokens WHERE NOT refresh AND session IN (SELECT session FROM sessions WHERE account = $1)',
          id,
        );
        await sql.run('DELETE FROM grants WHERE account = $1', id);
      });
    },
    async markDeleted(account, audit) {
      await database.write(async (sql) => {
        const id = blob(account);
        const marked = await sql.run(
          `UPDATE accounts SET doomed = true, disabled = true, email = 'deleted:' || encode(account, 'hex'),
             registration = '', bundle = '' WHERE account = $1 AND NOT doomed`,
          id,
        );
        if (marked > 0) await recordEntry(sql, audit);
        await endSessions(sql, id, { keep: null });
        await sql.run('DELETE FROM grants WHERE account = $1', id);
      });
    },
    async addInvite(inviteHash, nowMs, audit) {
      await database.write(async (sql) => {
        await sql.run('INSERT INTO invites (hash, created_ms) VALUES ($1, $2)', blob(inviteHash), nowMs);
        await recordEntry(sql, audit);
      });
    },
  };
}

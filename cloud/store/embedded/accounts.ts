import type { DeviceId } from '../../../protocol/ids.ts';
import type { AccountRow, AccountStore } from '../metadata-store.ts';
import { ACCOUNT_COLUMNS, accountRow, blob, hex, type AccountColumns } from '../columns.ts';
import { recordEntry } from './audit.ts';
import { applyRevocation } from './revocation.ts';
import type { Database } from './database.ts';
import { claimRow } from './legacy.ts';
import { isBehind, requireEntry, rewindVault } from './rewind.ts';

function endSessions(database: Database, account: Uint8Array, keep: number | null): void {
  database.run(
    `DELETE FROM tokens WHERE session IN (SELECT session FROM sessions WHERE account = ?1) AND session IS NOT ?2`,
    account,
    keep,
  );
  database.run('DELETE FROM sessions WHERE account = ?1 AND session IS NOT ?2', account, keep);
}

export function embeddedAccounts(database: Database, defaultLimit: number): AccountStore {
  const find = (where: string, value: string | Uint8Array): AccountRow | null => {
    const row = database.get<AccountColumns>(
      `SELECT ${ACCOUNT_COLUMNS} FROM accounts WHERE ${where} = ? AND doomed = 0`,
      value,
    );
    return row === null ? null : accountRow(row, defaultLimit);
  };

  return {
    async create(account) {
      return database.write(() => {
        const id = blob(account.account);
        if (
          database.get('SELECT 1 FROM accounts WHERE email = ? OR account = ?', account.email, id) !== null
        ) {
          return 'refused';
        }
        if (account.inviteHash !== null) {
          const used = database.run(
            'UPDATE invites SET used_ms = ? WHERE hash = ? AND used_ms IS NULL',
            account.nowMs,
            blob(account.inviteHash),
          );
          if (used.changes === 0) return 'refused';
        }
        let quota: number | null = null;
        if (account.claimHash !== null) {
          const claimed = claimRow(database, account.claimHash, account.email, account.nowMs);
          if (claimed === null) return 'refused';
          quota = claimed.quotaBytes;
        }
        database.run(
          `INSERT INTO accounts (account, email, registration, bundle, bundle_version, created_ms, chain_length, chain_head,
             quota_bytes)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
        for (const [index, entry] of account.chain.entries()) {
          database.run('INSERT INTO chain_entries (account, idx, entry) VALUES (?, ?, ?)', id, index, entry);
        }
        addDevice(database, id, account.device, account.nowMs);
        recordEntry(database, account.audit);
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
      return database
        .all<AccountColumns>(`SELECT ${ACCOUNT_COLUMNS} FROM accounts WHERE doomed = 0 ORDER BY created_ms`)
        .map((row) => accountRow(row, defaultLimit));
    },
    async chain(account, from) {
      return database
        .all<{ entry: Buffer }>(
          'SELECT entry FROM chain_entries WHERE account = ? AND idx >= ? ORDER BY idx',
          blob(account),
          from,
        )
        .map((row) => row.entry);
    },
    async devices(account) {
      return database
        .all<{ device: Buffer; last_heard_ms: number }>(
          'SELECT device, last_heard_ms FROM devices WHERE account = ? AND revoked = 0',
          blob(account),
        )
        .map((row) => ({ device: hex(row.device) as DeviceId, lastHeardMs: row.last_heard_ms }));
    },
    async heard(account, device, nowMs) {
      await database.write(() =>
        database.run(
          'UPDATE devices SET last_heard_ms = max(last_heard_ms, ?) WHERE account = ? AND device = ?',
          nowMs,
          blob(account),
          blob(device),
        ),
      );
    },
    async appendChain({ account, chain, entry, encoded, wasLost, entryHash, nowMs, audit }) {
      return database.write(() => {
        const id = blob(account);
        const stored = database.get<{ chain_length: number; chain_head: Buffer }>(
          'SELECT chain_length, chain_head FROM accounts WHERE account = ? AND doomed = 0',
          id,
        );
        if (stored === null) return 'gone';
        if (stored.chain_length !== chain.length || hex(stored.chain_head) !== chain.head) return 'stale';
        const { body } = entry;
        if (body.kind === 'revoke') {
          if (!applyRevocation(database, id, body.device, body.pins, entry.index, wasLost)) return 'stale';
        } else if (body.kind === 'void') {
          const rewound =
            wasLost && isBehind(database, id, body.pin)
              ? requireEntry(database, id, body.pin.vault, entry.index)
              : rewindVault(database, id, body.pin, entry.index, nowMs);
          if (rewound !== 'rewound') return rewound;
        } else if (body.kind === 'add') {
          addDevice(database, id, body.device, nowMs);
        }
        database.run(
          'INSERT INTO chain_entries (account, idx, entry) VALUES (?, ?, ?)',
          id,
          entry.index,
          encoded,
        );
        database.run(
          'UPDATE accounts SET chain_length = ?, chain_head = ? WHERE account = ?',
          chain.length + 1,
          blob(entryHash),
          id,
        );
        if (audit !== null) recordEntry(database, audit);
        return 'appended';
      });
    },
    async changePassword({ account, registration, bundle, keepSession, audit }) {
      return database.write(() => {
        const id = blob(account);
        const changed = database.run(
          `UPDATE accounts SET registration = ?, bundle = ?, bundle_version = ?
           WHERE account = ? AND bundle_version < ? AND doomed = 0`,
          registration,
          JSON.stringify(bundle),
          bundle.version,
          id,
          bundle.version,
        );
        if (changed.changes === 0) return 'old-version';
        endSessions(database, id, keepSession);
        recordEntry(database, audit);
        return 'changed';
      });
    },
    async changeBundle(account, bundle, audit) {
      return database.write(() => {
        const { changes } = database.run(
          `UPDATE accounts SET bundle = ?, bundle_version = ?
           WHERE account = ? AND bundle_version < ? AND doomed = 0`,
          JSON.stringify(bundle),
          bundle.version,
          blob(account),
          bundle.version,
        );
        if (changes === 0) return 'old-version';
        recordEntry(database, audit);
        return 'changed';
      });
    },
    async signOut(account, keepSession, audit) {
      await database.write(() => {
        endSessions(database, blob(account), keepSession);
        database.run('DELETE FROM grants WHERE account = ?', blob(account));
        recordEntry(database, audit);
      });
    },
    async setQuota(account, limitBytes, audit) {
      await database.write(() => {
        const sql = 'UPDATE accounts SET quota_bytes = ? WHERE account = ?';
        if (database.run(sql, limitBytes, blob(account)).changes > 0) recordEntry(database, audit);
      });
    },
    async setDisabled(account, disabled, audit) {
      await database.write(() => {
        const id = blob(account);
        const sql = 'UPDATE accounts SET disabled = ? WHERE account = ?';
        if (database.run(sql, disabled ? 1 : 0, id).changes > 0) recordEntry(database, audit);
        if (!disabled) return;
        // Access tokens and grants end; the refresh tokens work again once the account does.
        database.run(
          'DELETE FROM tokens WHERE refresh = 0 AND session IN (SELECT session FROM sessions WHERE account = ?)',
          id,
        );
        database.run('DELETE FROM grants WHERE account = ?', id);
      });
    },
    async markDeleted(account, audit) {
      await database.write(() => {
        const id = blob(account);
        const { changes } = database.run(
          `UPDATE accounts SET doomed = 1, disabled = 1, email = 'deleted:' || hex(account), registration = '', bundle = ''
           WHERE account = ? AND doomed = 0`,
          id,
        );
        if (changes > 0) recordEntry(database, audit);
        endSessions(database, id, null);
        database.run('DELETE FROM grants WHERE account = ?', id);
      });
    },
    async addInvite(inviteHash, nowMs, audit) {
      await database.write(() => {
        database.run('INSERT INTO invites (hash, created_ms) VALUES (?, ?)', blob(inviteHash), nowMs);
        recordEntry(database, audit);
      });
    },
  };
}

function addDevice(database: Database, account: Uint8Array, device: DeviceId, nowMs: number): void {
  database.run(
    'INSERT INTO devices (account, device, last_heard_ms) VALUES (?, ?, ?)',
    account,
    blob(device),
    nowMs,
  );
}

import type { AccountId } from '../../../protocol/ids.ts';
import { isReused } from '../../accounts/tokens.ts';
import type { NewTokens, SessionStore } from '../metadata-store.ts';
import { blob, hex, sessionRow, type SessionColumns } from '../columns.ts';
import { recordEntry } from './audit.ts';
import type { Database } from './database.ts';

const FIND = `SELECT s.session, s.account, s.device FROM tokens t JOIN sessions s ON s.session = t.session
  JOIN accounts a ON a.account = s.account
  WHERE t.hash = ? AND t.refresh = ? AND t.expires_ms > ? AND a.disabled = 0`;

export function embeddedSessions(database: Database): SessionStore {
  const addTokens = (session: number, tokens: NewTokens): void => {
    const sql = 'INSERT INTO tokens (hash, session, refresh, expires_ms) VALUES (?, ?, ?, ?)';
    database.run(sql, blob(tokens.accessHash), session, 0, tokens.accessExpiresMs);
    database.run(sql, blob(tokens.refreshHash), session, 1, tokens.refreshExpiresMs);
  };
  const end = (session: number): void => {
    database.run('DELETE FROM tokens WHERE session = ?', session);
    database.run('DELETE FROM sessions WHERE session = ?', session);
  };

  return {
    async open({ account, device, tokens, nowMs, audit }) {
      await database.write(() => {
        const { id } = database.run(
          'INSERT INTO sessions (account, device, created_ms) VALUES (?, ?, ?)',
          blob(account),
          blob(device),
          nowMs,
        );
        addTokens(id, tokens);
        if (audit !== null) recordEntry(database, audit);
      });
    },
    async byAccess(accessHash, nowMs) {
      return sessionRow(database.get<SessionColumns>(FIND, blob(accessHash), 0, nowMs));
    },
    async byRefresh(refreshHash, nowMs) {
      return sessionRow(database.get<SessionColumns>(FIND, blob(refreshHash), 1, nowMs));
    },
    async rotate(refreshHash, tokens, nowMs, graceMs, reused) {
      return database.write(() => {
        const token = database.get<{ session: number; spent_ms: number | null }>(
          'SELECT session, spent_ms FROM tokens WHERE hash = ? AND refresh = 1 AND expires_ms > ?',
          blob(refreshHash),
          nowMs,
        );
        if (token === null) return 'refused';
        if (isReused(token.spent_ms, nowMs, graceMs)) {
          end(token.session); // somebody holds a copy: neither holder keeps the session
          recordEntry(database, reused());
          return 'refused';
        }
        database.run(
          'UPDATE tokens SET spent_ms = coalesce(spent_ms, ?) WHERE hash = ?',
          nowMs,
          blob(refreshHash),
        );
        addTokens(token.session, tokens);
        return 'rotated';
      });
    },
    async alive(sessions) {
      const isAlive = (session: number): boolean =>
        database.get(
          `SELECT 1 FROM sessions s JOIN accounts a ON a.account = s.account WHERE s.session = ? AND a.disabled = 0`,
          session,
        ) !== null;
      return new Set(sessions.filter(isAlive));
    },
    async end(session) {
      await database.write(() => {
        end(session);
      });
    },
    async saveGrant(grantHash, account, expiresMs, audit) {
      await database.write(() => {
        database.run(
          'INSERT INTO grants (hash, account, expires_ms) VALUES (?, ?, ?)',
          blob(grantHash),
          blob(account),
          expiresMs,
        );
        recordEntry(database, audit);
      });
    },
    async grant(grantHash, nowMs) {
      const row = database.get<{ account: Buffer }>(
        `SELECT g.account FROM grants g JOIN accounts a ON a.account = g.account
         WHERE g.hash = ? AND g.expires_ms > ? AND a.disabled = 0`,
        blob(grantHash),
        nowMs,
      );
      return row === null ? null : (hex(row.account) as AccountId);
    },
    async saveProof(proofHash, kind, proof, expiresMs, audit) {
      await database.write(() => {
        database.run(
          'INSERT INTO proofs (hash, kind, account, data, expires_ms) VALUES (?, ?, ?, ?, ?)',
          blob(proofHash),
          kind,
          proof.account === null ? null : blob(proof.account),
          proof.data,
          expiresMs,
        );
        if (audit !== null) recordEntry(database, audit);
      });
    },
    async takeProof(proofHash, kind, nowMs) {
      return database.write(() => {
        const row = database.get<{ account: Buffer | null; data: string }>(
          'DELETE FROM proofs WHERE hash = ? AND kind = ? AND expires_ms > ? RETURNING account, data',
          blob(proofHash),
          kind,
          nowMs,
        );
        if (row === null) return null;
        return { account: row.account === null ? null : (hex(row.account) as AccountId), data: row.data };
      });
    },
  };
}

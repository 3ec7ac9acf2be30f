import type { AccountId } from '../../../protocol/ids.ts';
import { isReused } from '../../accounts/tokens.ts';
import { blob, hex, sessionRow, type SessionColumns } from '../columns.ts';
import type { NewTokens, SessionStore } from '../metadata-store.ts';
import { recordEntry } from './audit.ts';
import type { Database } from './database.ts';
import type { Sql } from './sql.ts';

const FIND = `SELECT s.session, s.account, s.device FROM tokens t JOIN sessions s ON s.session = t.session
  JOIN accounts a ON a.account = s.account
  WHERE t.hash = $1 AND t.refresh = $2 AND t.expires_ms > $3 AND NOT a.disabled`;

export function postgresSessions(database: Database): SessionStore {
  return {
    async open({ account, device, tokens, nowMs, audit }) {
      await database.write(async (sql) => {
        const row = await sql.get<{ session: number }>(
          'INSERT INTO sessions (account, device, created_ms) VALUES ($1, $2, $3) RETURNING session',
          blob(account),
          blob(device),
          nowMs,
        );
        if (row === null) throw new Error('an insertion returns its row');
        await addTokens(sql, row.session, tokens);
        if (audit !== null) await recordEntry(sql, audit);
      });
    },
    async byAccess(accessHash, nowMs) {
      return sessionRow(await database.get<SessionColumns>(FIND, blob(accessHash), false, nowMs));
    },
    async byRefresh(refreshHash, nowMs) {
      return sessionRow(await database.get<SessionColumns>(FIND, blob(refreshHash), true, nowMs));
    },
    async rotate(refreshHash, tokens, nowMs, graceMs, reused) {
      return database.write(async (sql) => {
        const token = await sql.get<{ session: number; spent_ms: number | null }>(
          'SELECT session, spent_ms FROM tokens WHERE hash = $1 AND refresh AND expires_ms > $2 FOR UPDATE',
          blob(refreshHash),
          nowMs,
        );
        if (token === null) return 'refused';
        if (isReused(token.spent_ms, nowMs, graceMs)) {
          await end(sql, token.session); // neither holder keeps the session
          await recordEntry(sql, reused());
          return 'refused';
        }
        await sql.run(
          'UPDATE tokens SET spent_ms = coalesce(spent_ms, $2) WHERE hash = $1',
          blob(refreshHash),
          nowMs,
        );
        await addTokens(sql, token.session, tokens);
        return 'rotated';
      });
    },
    async alive(sessions) {
      if (sessions.length === 0) return new Set();
      const rows = await database.all<{ session: number }>(
        `SELECT s.session FROM sessions s JOIN accounts a ON a.account = s.account
         WHERE s.session = ANY($1::bigint[]) AND NOT a.disabled`,
        sessions,
      );
      return new Set(rows.map((row) => row.session));
    },
    async end(session) {
      await database.write((sql) => end(sql, session));
    },
    async saveGrant(grantHash, account, expiresMs, audit) {
      await database.write(async (sql) => {
        await sql.run(
          'INSERT INTO grants (hash, account, expires_ms) VALUES ($1, $2, $3)',
          blob(grantHash),
          blob(account),
          expiresMs,
        );
        await recordEntry(sql, audit);
      });
    },
    async grant(grantHash, nowMs) {
      const row = await database.get<{ account: Buffer }>(
        `SELECT g.account FROM grants g JOIN accounts a ON a.account = g.account
         WHERE g.hash = $1 AND g.expires_ms > $2 AND NOT a.disabled`,
        blob(grantHash),
        nowMs,
      );
      return row === null ? null : (hex(row.account) as AccountId);
    },
    async saveProof(proofHash, kind, proof, expiresMs, audit) {
      await database.write(async (sql) => {
        await sql.run(
          'INSERT INTO proofs (hash, kind, account, data, expires_ms) VALUES ($1, $2, $3, $4, $5)',
          blob(proofHash),
          kind,
          proof.account === null ? null : blob(proof.account),
          proof.data,
          expiresMs,
        );
        if (audit !== null) await recordEntry(sql, audit);
      });
    },
    async takeProof(proofHash, kind, nowMs) {
      const row = await database.get<{ account: Buffer | null; data: string }>(
        'DELETE FROM proofs WHERE hash = $1 AND kind = $2 AND expires_ms > $3 RETURNING account, data',
        blob(proofHash),
        kind,
        nowMs,
      );
      if (row === null) return null;
      return { account: row.account === null ? null : (hex(row.account) as AccountId), data: row.data };
    },
  };
}

async function addTokens(sql: Sql, session: number, tokens: NewTokens): Promise<void> {
  await sql.run(
    `INSERT INTO tokens (hash, session, refresh, expires_ms) VALUES ($1, $5, false, $2), ($3, $5, true, $4)`,
    blob(tokens.accessHash),
    tokens.accessExpiresMs,
    blob(tokens.refreshHash),
    tokens.refreshExpiresMs,
    session,
  );
}

async function end(sql: Sql, session: number): Promise<void> {
  await sql.run('DELETE FROM tokens WHERE session = $1', session);
  await sql.run('DELETE FROM sessions WHERE session = $1', session);
}

/** Ends every session of the account but one, or those of one device. */
export async function endSessions(
  sql: Sql,
  account: Uint8Array,
  which: { readonly keep: number | null } | { readonly device: Uint8Array },
): Promise<void> {
  const [condition, value] =
    'device' in which
      ? (['device = $2', which.device] as const)
      : (['session IS DISTINCT FROM $2', which.keep] as const);
  await sql.run(
    `DELETE FROM tokens WHERE session IN (SELECT session FROM sessions WHERE account = $1 AND ${condition})`,
    account,
    value,
  );
  await sql.run(`DELETE FROM sessions WHERE account = $1 AND ${condition}`, account, value);
}

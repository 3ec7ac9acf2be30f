/** What PostgreSQL and the way to it fail with, in the words of the store. */
import pg from 'pg';
import { StoreDamaged, StoreUnavailable } from '../store-errors.ts';

/** Serialization failure and deadlock: the same work succeeds when it is run again. */
const CONFLICTS: readonly string[] = ['40001', '40P01'];
/**
 * Connection, resources, operator intervention, system error; a lock waited for too long; a server that only reads;
 * a password, a role or a database that the server does not know.
 */
const UNAVAILABLE = /^(08|53|57|58|28)|^(55P03|25006|3D000)$/;
const DAMAGED = /^XX00[12]$/;

const sqlState = (error: unknown): string => {
  if (!(error instanceof Error)) return '';
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
};

export function isConflict(error: unknown): boolean {
  return CONFLICTS.includes(sqlState(error));
}

export function translate(error: unknown): Error {
  if (error instanceof StoreUnavailable || error instanceof StoreDamaged) return error;
  if (!(error instanceof Error)) return new Error(String(error));
  const state = sqlState(error);
  if (error instanceof pg.DatabaseError) {
    if (DAMAGED.test(state)) {
      return new StoreDamaged('the database is damaged: restore it from a backup', { cause: error });
    }
    if (UNAVAILABLE.test(state)) return unavailable(`it answers ${state}`, error);
    return error;
  }
  // Of the network (a code such as ECONNREFUSED), or of the client, which has a text only.
  if (/^E[A-Z]+$/.test(state)) return unavailable(`it cannot be reached (${state})`, error);
  if (/connect|terminat|timeout|closed/i.test(error.message)) return unavailable('it does not answer', error);
  return error;
}

function unavailable(why: string, cause: Error): StoreUnavailable {
  return new StoreUnavailable(`the database cannot be used now: ${why}`, { cause });
}

/**
 * A bounded pool of connections to one PostgreSQL database: statements are prepared once a connection, under a name
 * made from their text, and a transaction that met another one is run again. Nothing here ever shows the address it
 * was given, which has a password in it.
 */
import { createHash } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import pg from 'pg';
import { StoreUnavailable } from '../store-errors.ts';
import type { Sql, SqlValue } from './sql.ts';
import type { DatabaseConfig } from './database-config.ts';
import { migrate } from './migrate.ts';
import { isConflict, translate } from './failures.ts';

/** A transaction that found something to have changed under it begins anew. */
export class BeginAnew extends Error {
  override readonly name = 'BeginAnew';
}

const MAX_ATTEMPTS = 8;
const CONNECT_MS = 10_000;
const STATEMENT_MS = 30_000;
/** Above the server's own bound: what does not answer by then never will. */
const ANSWER_MS = 40_000;
const LOCK_MS = 15_000;
const IDLE_MS = 30_000;
/** Whoever wants to know whether it answers is not told of older answers. */
const ANSWERED_MS = 1000;

const types = new pg.TypeOverrides();
// 64-bit integers: all of ours stay below 2^53.
types.setTypeParser(pg.types.builtins.INT8, Number);

/** How any connection is made. */
export function connection(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    types,
    application_name: 'coffre-cloud',
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    query_timeout: ANSWER_MS,
    lock_timeout: LOCK_MS,
    idle_in_transaction_session_timeout: STATEMENT_MS,
  };
}

const names = new Map<string, string>();

/** Prepared statements are known by name; the same text has the same name on every connection. */
function nameOf(sql: string): string {
  let name = names.get(sql);
  if (name === undefined) {
    name = createHash('sha256').update(sql).digest('hex').slice(0, 32);
    names.set(sql, name);
  }
  return name;
}

type Runner = Pick<pg.ClientBase, 'query'>;

class Connected implements Sql {
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  async #query(sql: string, values: readonly SqlValue[]): Promise<pg.QueryResult> {
    try {
      return await this.#runner.query({
        name: nameOf(sql),
        text: sql,
        values: [...values],
      });
    } catch (error) {
      throw translate(error);
    }
  }

  async get<Row extends object>(sql: string, ...values: readonly SqlValue[]): Promise<Row | null> {
    return ((await this.#query(sql, values)).rows[0] as Row | undefined) ?? null;
  }

  async all<Row extends object>(sql: string, ...values: readonly SqlValue[]): Promise<readonly Row[]> {
    return (await this.#query(sql, values)).rows as Row[];
  }

  async run(sql: string, ...values: readonly SqlValue[]): Promise<number> {
    return (await this.#query(sql, values)).rowCount ?? 0;
  }
}

export class Database extends Connected {
  readonly #pool: pg.Pool;
  #answeredAtMs = Number.NEGATIVE_INFINITY;

  private constructor(pool: pg.Pool) {
    super(pool);
    this.#pool = pool;
    pool.on('release', (error: Error | boolean | undefined) => {
      if (error === undefined || error === false) this.#answeredAtMs = performance.now();
    });
  }

  /** Whether it answers. One that is so busy that no connection is free does. @throws StoreUnavailable */
  async reachable(): Promise<void> {
    if (performance.now() - this.#answeredAtMs > ANSWERED_MS) await this.get('SELECT 1');
  }

  /** Connects, and brings the schema up to date. @throws StoreUnavailable, StoreDamaged */
  static async open({ url, maxConnections }: DatabaseConfig): Promise<Database> {
    const pool = new pg.Pool({ ...connection(url), max: maxConnections, idleTimeoutMillis: IDLE_MS });
    // A connection that breaks fails what runs on it, and the pool makes another: the event itself says no more.
    pool.on('error', () => undefined);
    pool.on('connect', (client) => client.on('error', () => undefined));
    const database = new Database(pool);
    try {
      await database.#transaction('BEGIN', migrate);
      return database;
    } catch (error) {
      await pool.end();
      throw error;
    }
  }

  /**
   * Runs `work` in a transaction; what it throws undoes it. It may run several times, and so does nothing but SQL.
   * @throws StoreUnavailable, StoreDamaged
   */
  async write<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#transaction('BEGIN', work);
      } catch (error) {
        if (!isConflict(error) && !(error instanceof BeginAnew)) throw error;
        if (attempt === MAX_ATTEMPTS) {
          throw new StoreUnavailable('too many changes at once: try again', { cause: error });
        }
      }
    }
  }

  /** Reads that see one moment. */
  async snapshot<T>(read: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#transaction('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', read);
  }

  async #transaction<T>(begin: string, work: (sql: Sql) => Promise<T>): Promise<T> {
    const client = await this.#connect();
    let broken = true;
    try {
      await client.query(begin);
      const result = await work(new Connected(client));
      await client.query('COMMIT');
      broken = false;
      return result;
    } catch (error) {
      broken = !(await rolledBack(client));
      throw translate(error);
    } finally {
      client.release(broken);
    }
  }

  async #connect(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw translate(error);
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

async function rolledBack(client: pg.PoolClient): Promise<boolean> {
  try {
    await client.query('ROLLBACK');
    return true;
  } catch {
    return false;
  }
}

/**
 * One SQLite connection: prepared statements by their text, and writes grouped so that commits arriving
 * together share one flush to the disk. A write's promise resolves only after that flush.
 */
import Sqlite from 'better-sqlite3';
import { StoreDamaged, StoreUnavailable } from '../store-errors.ts';
import { SCHEMA_VERSIONS } from './schema.ts';

export type SqlValue = string | number | Uint8Array | null;

/** Writes sharing one flush; bounds how long readers wait. */
const MAX_GROUP = 64;
const UNAVAILABLE = /^SQLITE_(FULL|IOERR|BUSY|LOCKED|READONLY|CANTOPEN)/;
const DAMAGED = /^SQLITE_(CORRUPT|NOTADB)/;

/** better-sqlite3 takes numbered parameters for named ones: a statement says which value stands where. */
interface PreparedStatement {
  readonly statement: Sqlite.Statement<SqlValue[]>;
  readonly order: readonly number[];
}

interface QueuedWrite {
  readonly run: () => void;
  readonly settle: () => void;
  readonly fail: (error: unknown) => void;
}

export class Database {
  readonly #sqlite: Sqlite.Database;
  readonly #statements = new Map<string, PreparedStatement>();
  #queue: QueuedWrite[] = [];
  #scheduled = false;
  #isAnother = false;

  readonly #soon: (flush: () => void) => void;

  /**
   * @param file `:memory:` for one that is gone with the process
   * @param soon when to flush what was written together; a simulation owns that too
   * @throws StoreDamaged when the file is not a database this program can read
   */
  constructor(file: string, soon: (flush: () => void) => void = setImmediate) {
    this.#soon = soon;
    try {
      this.#sqlite = new Sqlite(file, { timeout: 10_000 });
      this.#sqlite.pragma('journal_mode = WAL');
      // An acknowledged commit survives a loss of power; NORMAL would not flush the log.
      this.#sqlite.pragma('synchronous = FULL');
      // What does not fit is a read from the system's cache away, whose memory others may have when they need it.
      this.#sqlite.pragma('cache_size = -16384');
      this.#sqlite.pragma('temp_store = MEMORY');
      this.#migrate();
    } catch (error) {
      throw translate(error);
    }
  }

  #migrate(): void {
    const version = Number(this.#sqlite.pragma('user_version', { simple: true }));
    if (version > SCHEMA_VERSIONS.length) {
      throw new StoreDamaged(
        `the data directory was written by a newer coffre-cloud (schema ${version}): run that version`,
      );
    }
    if (version === SCHEMA_VERSIONS.length) return;
    this.#sqlite
      .transaction(() => {
        for (const sql of SCHEMA_VERSIONS.slice(version)) this.#sqlite.exec(sql);
        this.#sqlite.pragma(`user_version = ${SCHEMA_VERSIONS.length}`);
      })
      .immediate();
  }

  #statement(sql: string): PreparedStatement {
    let prepared = this.#statements.get(sql);
    if (prepared === undefined) {
      const order: number[] = [];
      const positional = sql.replaceAll(/\?(\d+)/g, (_match, number: string) => {
        order.push(Number(number) - 1);
        return '?';
      });
      prepared = { statement: this.#sqlite.prepare<SqlValue[]>(positional), order };
      this.#statements.set(sql, prepared);
    }
    return prepared;
  }

  /** The first row, or null. `Row` names the columns the SQL selects; `?1` stands for the first value. */
  get<Row extends object>(sql: string, ...values: SqlValue[]): Readonly<Row> | null {
    const { statement, order } = this.#statement(sql);
    return (statement.get(...arrange(values, order)) as Row | undefined) ?? null;
  }

  all<Row extends object>(sql: string, ...values: SqlValue[]): Row[] {
    const { statement, order } = this.#statement(sql);
    return statement.all(...arrange(values, order)) as Row[];
  }

  /** Rows one by one; nothing else may run on the connection until the loop ends. */
  iterate<Row extends object>(sql: string, ...values: SqlValue[]): IterableIterator<Row> {
    const { statement, order } = this.#statement(sql);
    return statement.iterate(...arrange(values, order)) as IterableIterator<Row>;
  }

  run(sql: string, ...values: SqlValue[]): { changes: number; id: number } {
    const { statement, order } = this.#statement(sql);
    const { changes, lastInsertRowid } = statement.run(...arrange(values, order));
    return { changes, id: Number(lastInsertRowid) };
  }

  /**
   * Runs `work` in a transaction of its own (a savepoint of the group's). What it throws undoes it alone.
   * @throws StoreUnavailable when the disk refuses; then the whole group is undone
   */
  write<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let outcome: { value: T } | null = null;
      const nested = this.#sqlite.transaction(() => {
        outcome = { value: work() };
      });
      this.#queue.push({
        run: () => nested(),
        settle: () => {
          if (outcome !== null) resolve(outcome.value);
        },
        fail: (error) => {
          reject(translate(error));
        },
      });
      if (!this.#scheduled) {
        this.#scheduled = true;
        this.#soon(() => {
          this.#flush();
        });
      }
    });
  }

  #flush(): void {
    this.#scheduled = false;
    const group = this.#queue.splice(0, MAX_GROUP);
    if (this.#queue.length > 0) {
      this.#scheduled = true;
      this.#soon(() => {
        this.#flush();
      });
    }
    const done: QueuedWrite[] = [];
    const failed = new Map<QueuedWrite, unknown>();
    try {
      this.#sqlite.exec('BEGIN IMMEDIATE');
      for (const write of group) {
        try {
          write.run();
          done.push(write);
        } catch (error) {
          // SQLite undoes the whole transaction for some failures of the disk.
          if (!this.#sqlite.inTransaction) throw error;
          failed.set(write, error);
        }
      }
      this.#sqlite.exec('COMMIT');
    } catch (error) {
      if (this.#sqlite.inTransaction) this.#sqlite.exec('ROLLBACK');
      for (const write of group) write.fail(failed.get(write) ?? error);
      return;
    }
    for (const write of done) write.settle();
    for (const [write, error] of failed) write.fail(error);
  }

  /**
   * Reads that see one moment, whoever writes meanwhile, however long they take. This connection does nothing else
   * until they end.
   */
  async longSnapshot<T>(read: () => Promise<T>): Promise<T> {
    this.#sqlite.exec('BEGIN');
    try {
      return await read();
    } finally {
      this.#sqlite.exec('COMMIT');
    }
  }

  /** Frees the pages that are kept for the next reads. */
  dropCache(): void {
    this.#sqlite.pragma('shrink_memory');
  }

  /** The same file once more, for long reads beside what is written here. */
  another(): Database {
    if (this.#sqlite.memory) throw new Error('a database in memory has one connection');
    const another = new Database(this.#sqlite.name);
    another.#isAnother = true;
    return another;
  }

  /** A consistent copy in a new file, while others write. */
  async copyTo(file: string): Promise<void> {
    await this.#sqlite.backup(file);
  }

  /** What SQLite itself finds wrong with the file; empty when sound. */
  integrityFaults(): string[] {
    const rows = this.#sqlite.pragma('integrity_check') as { integrity_check: string }[];
    return rows.map((row) => row.integrity_check).filter((text) => text !== 'ok');
  }

  close(): void {
    while (this.#queue.length > 0) this.#flush();
    // It waits for all that read.
    if (!this.#isAnother) this.#sqlite.pragma('wal_checkpoint(TRUNCATE)');
    this.#sqlite.close();
  }
}

function arrange(values: SqlValue[], order: readonly number[]): SqlValue[] {
  return order.length === 0 ? values : order.map((index) => values[index] ?? null);
}

function translate(error: unknown): Error {
  const code = error instanceof Sqlite.SqliteError ? error.code : '';
  if (DAMAGED.test(code)) {
    return new StoreDamaged('the database is damaged: restore the data directory from a backup', {
      cause: error,
    });
  }
  if (UNAVAILABLE.test(code)) return new StoreUnavailable('the disk is full or failing', { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}

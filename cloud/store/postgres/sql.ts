type Scalar = string | number | boolean | Uint8Array | null;
export type SqlValue = Scalar | readonly Scalar[];

/** What statements are run on: the pool, or one transaction. `$1` stands for the first value. */
export interface Sql {
  /** The first row, or null. `Row` names the columns the SQL selects. */
  get<Row extends object>(sql: string, ...values: readonly SqlValue[]): Promise<Readonly<Row> | null>;
  all<Row extends object>(sql: string, ...values: readonly SqlValue[]): Promise<readonly Row[]>;
  /** How many rows it changed. */
  run(sql: string, ...values: readonly SqlValue[]): Promise<number>;
}

/**
 * The tables of a metadata store, as both stores have them: what is copied from one into another, compared, and
 * checked. What one server keeps for itself (settings, leases, rates) is none of them.
 */

import type { ByteMoves } from '../quota/quota.ts';

/** `flag` is a boolean in PostgreSQL, and 0 or 1 in SQLite. */
type ColumnType = 'bytes' | 'number' | 'text' | 'flag';

/** By the name of the column. */
export type TableRow = Readonly<Record<string, string | number | boolean | Uint8Array | null>>;

export interface Table {
  readonly columns: Readonly<Record<string, ColumnType>>;
  /**
   * The order in which rows come, each in a place of its own: that of an index, but for a few rows. It begins with what
   * the rows of one account or vault are found by, so that these are not looked for in all.
   */
  readonly order: readonly string[];
  /** Columns that one store makes from others, and the other does not have. */
  readonly derived?: readonly string[];
  /** Rows may be of megabytes: few of them are held at a time. */
  readonly large?: boolean;
}

export const TABLES = {
  accounts: {
    columns: {
      account: 'bytes',
      email: 'text',
      registration: 'text',
      bundle: 'text',
      bundle_version: 'number',
      quota_bytes: 'number',
      disabled: 'flag',
      doomed: 'flag',
      created_ms: 'number',
      chain_length: 'number',
      chain_head: 'bytes',
      live_bytes: 'number',
      uncommitted_bytes: 'number',
      retained_bytes: 'number',
    },
    order: ['account'],
  },
  chain_entries: {
    columns: { account: 'bytes', idx: 'number', entry: 'bytes' },
    order: ['account', 'idx'],
  },
  devices: {
    columns: { account: 'bytes', device: 'bytes', last_heard_ms: 'number', revoked: 'flag' },
    order: ['account', 'device'],
  },
  sessions: {
    columns: { session: 'number', account: 'bytes', device: 'bytes', created_ms: 'number' },
    order: ['session'],
  },
  tokens: {
    columns: { hash: 'bytes', session: 'number', refresh: 'flag', expires_ms: 'number', spent_ms: 'number' },
    order: ['hash'],
  },
  grants: { columns: { hash: 'bytes', account: 'bytes', expires_ms: 'number' }, order: ['hash'] },
  proofs: {
    columns: { hash: 'bytes', kind: 'text', account: 'bytes', data: 'text', expires_ms: 'number' },
    order: ['hash'],
  },
  invites: { columns: { hash: 'bytes', created_ms: 'number', used_ms: 'number' }, order: ['hash'] },
  vaults: {
    columns: {
      key: 'number',
      account: 'bytes',
      vault: 'bytes',
      created_ms: 'number',
      head_seq: 'number',
      head_hash: 'bytes',
      head_received_ms: 'number',
      epoch: 'number',
      chain_length: 'number',
      epoch_chain_length: 'number',
      required_chain: 'number',
      required_epoch_chain: 'number',
      floor_seq: 'number',
      lease_device: 'bytes',
      lease_until_ms: 'number',
    },
    order: ['account', 'vault'],
    derived: ['head_received_ms'],
  },
  commits: {
    columns: {
      vault: 'number',
      seq: 'number',
      hash: 'bytes',
      received_ms: 'number',
      frame_bytes: 'number',
      header: 'bytes',
      signature: 'bytes',
    },
    order: ['vault', 'seq'],
    derived: ['frame_bytes'],
  },
  commit_lists: {
    columns: {
      vault: 'number',
      seq: 'number',
      entries: 'bytes',
      packs: 'bytes',
      heads: 'bytes',
      rejoin: 'bytes',
    },
    order: ['vault', 'seq'],
    large: true,
  },
  epochs: {
    columns: {
      vault: 'number',
      epoch: 'number',
      seq: 'number',
      chain_length: 'number',
      opening: 'bytes',
      wraps: 'bytes',
    },
    order: ['vault', 'epoch'],
    large: true,
  },
  voided_commits: {
    columns: { vault: 'number', seq: 'number', hash: 'bytes', voided_ms: 'number', frame: 'bytes' },
    order: ['vault', 'seq', 'hash', 'voided_ms'],
    large: true,
  },
  records: {
    columns: {
      vault: 'number',
      node: 'bytes',
      revision: 'number',
      from_seq: 'number',
      to_seq: 'number',
      to_ms: 'number',
      object_hash: 'bytes',
      object: 'bytes',
    },
    order: ['vault', 'node', 'revision'],
  },
  packs: {
    columns: {
      vault: 'number',
      name: 'bytes',
      size: 'number',
      state: 'text',
      device: 'bytes',
      changed_ms: 'number',
      inline: 'flag',
      bytes_gone: 'flag',
      index_hash: 'bytes',
      index_object: 'bytes',
    },
    order: ['vault', 'name'],
  },
  pack_spans: {
    columns: { vault: 'number', name: 'bytes', from_seq: 'number', to_seq: 'number' },
    order: ['vault', 'name', 'from_seq'],
  },
  inline_packs: {
    columns: { vault: 'number', name: 'bytes', bytes: 'bytes' },
    order: ['vault', 'name'],
    large: true,
  },
  uploads: {
    columns: {
      upload: 'number',
      vault: 'number',
      name: 'bytes',
      size: 'number',
      device: 'bytes',
      started_ms: 'number',
    },
    order: ['vault', 'started_ms', 'upload'],
  },
  legacy_imports: {
    columns: { import: 'number', service: 'text', created_ms: 'number', expires_ms: 'number' },
    order: ['import'],
  },
  legacy_shapes: {
    columns: { import: 'number', shape: 'text', rows: 'number' },
    order: ['import', 'shape'],
  },
  legacy_rows: {
    columns: {
      address: 'bytes',
      import: 'number',
      email: 'text',
      parameters: 'text',
      proof_hash: 'bytes',
      code_hash: 'bytes',
      quota_bytes: 'number',
      ended_ms: 'number',
      claimed: 'flag',
    },
    order: ['address'],
  },
  audit_entries: {
    columns: {
      entry: 'number',
      at_ms: 'number',
      last_ms: 'number',
      kind: 'text',
      actor: 'text',
      account: 'bytes',
      device: 'bytes',
      network: 'text',
      times: 'number',
      amount: 'number',
      tally: 'bytes',
    },
    order: ['entry'],
  },
} as const satisfies Readonly<Record<string, Table>>;

export type TableName = keyof typeof TABLES;

/** In an order in which each table comes after those whose rows it names. */
export const TABLE_NAMES = Object.keys(TABLES) as readonly TableName[];

/** The rows of one account or one vault, where the table has that column. */
export type Scope = { readonly account: Uint8Array } | { readonly vault: number };

/** Every table as of one moment. */
export interface TableReader {
  /** Rows in their order; `Row` names the columns. Memory is bounded, however many there are. */
  rows<Row extends object>(table: TableName, scope?: Scope): AsyncIterable<Row>;
  /** What the rows of a vault count for in its account. */
  counted(vault: number): Promise<ByteMoves>;
}

/** Everything that is stored, for checks and copies. */
export interface StoreTables {
  /** All that is read within sees one moment, however long it takes and whoever writes meanwhile. */
  read<T>(read: (tables: TableReader) => Promise<T>): Promise<T>;
  /** What the database itself finds wrong, one line each, where it can tell. */
  faults(): Promise<readonly string[]>;
}

/** Those of a table's columns that both stores keep. */
export function keptColumns(name: TableName): readonly string[] {
  const table: Table = TABLES[name];
  return Object.keys(table.columns).filter((column) => table.derived?.includes(column) !== true);
}

/** Rows gathered into what is written or read at once: at most a thousand, and of some megabytes. */
export async function* inBatches(rows: AsyncIterable<TableRow>): AsyncGenerator<readonly TableRow[]> {
  let batch: TableRow[] = [];
  let bytes = 0;
  for await (const row of rows) {
    batch.push(row);
    for (const value of Object.values(row)) bytes += value instanceof Uint8Array ? value.length : 8;
    if (batch.length < BATCH_ROWS && bytes < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

const BATCH_ROWS = 1000;
const BATCH_BYTES = 4 * 1024 * 1024;

/** Each row with the one that belongs to it, both being in the same order; null where there is none. */
export async function* beside<A, B>(
  rows: AsyncIterable<A>,
  others: AsyncIterable<B>,
  order: (row: A, other: B) => number,
): AsyncGenerator<readonly [A, B | null]> {
  const next = others[Symbol.asyncIterator]();
  let other = await next.next();
  for await (const row of rows) {
    while (other.done !== true && order(row, other.value) > 0) other = await next.next();
    yield [row, other.done !== true && order(row, other.value) === 0 ? other.value : null];
  }
  while (other.done !== true) other = await next.next();
}

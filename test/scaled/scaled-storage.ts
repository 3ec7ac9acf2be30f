/** A database and a bucket of their own, in the services of the suite, and what a test wants to know of them. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import { listedBlobs } from '../../cloud/store/blob-store.ts';
import { openS3Blobs, type S3Blobs } from '../../cloud/store/s3/s3-blobs.ts';
import type { S3Config } from '../../cloud/store/s3/s3-config.ts';
import type { OutsideStorage } from '../integration/cloud-kinds.ts';
import { freshBucket } from './bucket.ts';
import { flagsOf } from './make-bucket.ts';
import type {} from './postgres-service.ts';
import { askDatabase, freshDatabase, postgresProgram } from './postgres.ts';

const CLOUD = join(import.meta.dirname, '../../cloud/main.ts');
/** Of each node: several of them share what the test's PostgreSQL allows. */
const CONNECTIONS = 10;

export class ScaledStorage implements OutsideStorage {
  readonly options: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly #database: string;
  readonly #bucket: S3Config;

  private constructor(database: string, bucket: S3Config) {
    this.#database = database;
    this.#bucket = bucket;
    this.options = [...flagsOf(bucket), '--database-connections', String(CONNECTIONS)];
    this.env = { COFFRE_DATABASE_URL: database };
  }

  static async make(): Promise<ScaledStorage> {
    return new ScaledStorage(await freshDatabase(inject('postgres')), await freshBucket());
  }

  ask(sql: string): Promise<readonly Record<string, unknown>[]> {
    return askDatabase(this.#database, sql);
  }

  async operate(...words: readonly string[]): Promise<string> {
    const env = { ...process.env, ...this.env };
    return (await promisify(execFile)(process.execPath, [CLOUD, ...words], { env })).stdout;
  }

  async kept(): Promise<Buffer> {
    const parts: Buffer[] = [];
    const tables = await this.ask(
      `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables
       WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
    );
    for (const { name } of tables) {
      for (const row of await this.ask(`SELECT * FROM ${String(name)}`))
        parts.push(...Object.values(row).map(bytesOf));
    }
    await this.#blobs(async (blobs) => {
      for await (const { name, size } of listedBlobs(blobs)) {
        parts.push(Buffer.from(`${name.account}/${name.vault}/${name.pack}`));
        const body = await blobs.get(name, 0, size);
        if (body !== null) parts.push(await buffer(body));
      }
    });
    return Buffer.concat(parts);
  }

  async packSizes(): Promise<readonly number[]> {
    const sizes: number[] = [];
    await this.#blobs(async (blobs) => {
      for await (const { size } of listedBlobs(blobs)) sizes.push(size);
    });
    return sizes;
  }

  /** What `coffre-cloud check` says, and logs with a gap or a commit twice. */
  async check(): Promise<readonly string[]> {
    const stdout = await this.operate('check', '--json', ...flagsOf(this.#bucket));
    const checked = JSON.parse(stdout) as { sound: boolean };
    const logs = await this.ask(
      `SELECT vaults.key, head_seq AS head, count(seq)::int AS commits, count(DISTINCT hash)::int AS hashes, max(seq) AS last
       FROM vaults LEFT JOIN commits ON commits.vault = vaults.key GROUP BY vaults.key, head_seq`,
    );
    const broken = logs.filter(({ head, commits, hashes, last }) =>
      [commits, hashes, last].some((value) => Number(value) !== Number(head)),
    );
    return [
      ...(checked.sound ? [] : [stdout]),
      ...broken.map((log) => `not each once: ${JSON.stringify(log)}`),
    ];
  }

  async backup(): Promise<() => Promise<void>> {
    const folder = mkdtempSync(join(tmpdir(), 'coffre-dump-'));
    const file = join(folder, 'dump');
    await promisify(execFile)(postgresProgram('pg_dump'), [
      '--format=custom',
      '--file',
      file,
      this.#database,
    ]);
    return async () => {
      const { pathname } = new URL(this.#database);
      const name = pathname.slice(1);
      await askDatabase(inject('postgres'), `DROP DATABASE ${name} WITH (FORCE)`);
      await askDatabase(inject('postgres'), `CREATE DATABASE ${name}`);
      await promisify(execFile)(postgresProgram('pg_restore'), ['--dbname', this.#database, file]);
      rmSync(folder, { recursive: true });
    };
  }

  async #blobs(work: (blobs: S3Blobs) => Promise<void>): Promise<void> {
    const blobs = openS3Blobs(this.#bucket);
    try {
      await work(blobs);
    } finally {
      await blobs.close();
    }
  }
}

function bytesOf(value: unknown): Buffer {
  if (value instanceof Buffer) return value;
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
}

/**
 * Moves what is in a data directory into an empty database and a bucket: the server's house, or a backup of it. The
 * server is stopped meanwhile, which is the simplest that is safe: nothing changes under the move, and devices wait as
 * they do for any server that is away. From the first step on both sides have a mark with which neither can be served,
 * until all is there and was compared; a stop anywhere is gone on from by doing the same again.
 */
import { randomUUID } from 'node:crypto';
import { byOperator } from '../audit/entry.ts';
import { loadOpaqueSetup, prepareDataDir, StartError } from '../data-dir.ts';
import type { BlobStore } from '../store/blob-store.ts';
import { lockDataDir } from '../store/embedded/data-lock.ts';
import { openEmbeddedStore } from '../store/embedded/embedded-store.ts';
import { openFileBlobs } from '../store/embedded/file-blobs.ts';
import { keptDefaultQuota } from '../store/embedded/settings.ts';
import type { MetadataStore } from '../store/metadata-store.ts';
import { knownPlace, openBucket } from '../store/open-blobs.ts';
import type { Database } from '../store/postgres/database.ts';
import type { DatabaseConfig } from '../store/postgres/database-config.ts';
import { beginIncoming, bringTables, endIncoming } from '../store/postgres/incoming.ts';
import { settingsOf } from '../store/postgres/shared-settings.ts';
import { openPostgresStore } from '../store/postgres/postgres-store.ts';
import type { S3Config } from '../store/s3/s3-config.ts';
import { TABLE_NAMES } from '../store/tables.ts';
import { compareTable } from './compare-tables.ts';
import { movePacks, type MovedPacks } from './move-packs.ts';
import { namedPacks } from './named-packs.ts';
import { PackJournal } from './pack-journal.ts';
import { readMark, removeMark, writeMark } from './source-mark.ts';

/** Nothing of it is asked for here. */
const ANY_RETENTION = { retentionMs: 0, uncommittedMs: 0 };

export interface Move {
  readonly dataDir: string;
  readonly database: DatabaseConfig;
  readonly s3: S3Config;
  /** The data directory is a backup, and stays one. */
  readonly isBackup: boolean;
  /** Packs that are missing or damaged at home stay behind. */
  readonly leaveDamaged: boolean;
  /** Told how far it is, a line each. */
  readonly told: (line: string) => void;
}

export type MoveOutcome =
  | (MovedPacks & { readonly kind: 'moved'; readonly rows: number })
  /** An earlier run did it all. */
  | { readonly kind: 'moved-before' }
  /** What is at home is not whole: nothing was moved but packs. */
  | { readonly kind: 'damaged'; readonly damage: readonly string[] }
  /** What arrived is not what was sent. */
  | { readonly kind: 'different'; readonly differences: readonly string[] };

/** @throws StartError, StoreDamaged, StoreUnavailable, BlobStoreUnavailable */
export async function moveHouse(move: Move): Promise<MoveOutcome> {
  const undo: (() => Promise<void> | void)[] = [];
  try {
    return await run(move, undo);
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

interface Sides {
  readonly source: MetadataStore;
  readonly target: MetadataStore & { readonly database: Database };
  readonly from: BlobStore;
  readonly to: BlobStore;
  readonly id: string;
}

async function run(move: Move, undo: (() => Promise<void> | void)[]): Promise<MoveOutcome> {
  const { dataDir, database, s3, isBackup } = move;
  undo.push(lockHouse(dataDir));
  const to = whereTo(move);
  const mark = await readMark(dataDir);
  if (mark !== null && mark.to !== to) {
    throw new StartError(
      mark.state === 'moved'
        ? `the server of ${dataDir} was moved to ${mark.to}: move it on from there (backup, then restore)`
        : `the server of ${dataDir} is being moved to ${mark.to}: name that target again, or give that move up with --undo`,
    );
  }
  const id = mark?.id ?? randomUUID();
  // What stopped uploads had charged is given back, as at any start.
  const source = await openEmbeddedStore({
    ...ANY_RETENTION,
    dataDir,
    defaultQuotaBytes: null,
    exclusive: true,
  });
  undo.push(() => source.close());
  const target = await openPostgresStore({
    ...ANY_RETENTION,
    ...database,
    defaultQuotaBytes: null,
    statsAgeMs: 0,
  });
  undo.push(() => target.close());
  const bucket = await openBucket(s3, true);
  undo.push(() => bucket.close());
  const from = await blobsAtHome(move, bucket);
  const settings = settingsOf({
    opaqueSetup: await loadOpaqueSetup(dataDir, false),
    place: { endpoint: s3.endpoint, bucket: s3.bucket, prefix: s3.prefix },
    defaultQuotaBytes: keptDefaultQuota(source.database),
  });

  if (mark === null) await writeMark(dataDir, { id, state: 'moving', to });
  const state = await beginIncoming(target.database, id, settings).catch(async (error: unknown) => {
    if (mark === null) await removeMark(dataDir);
    throw error;
  });
  const sides = { source, target, from, to: bucket, id };
  const outcome = state === 'came' ? ({ kind: 'moved-before' } as const) : await bring(move, sides);
  if (outcome.kind === 'damaged' || outcome.kind === 'different') return outcome;
  if (outcome.kind === 'moved')
    await endIncoming(target.database, id, byOperator(isBackup ? 'restored' : 'moved-in', Date.now()));
  if (isBackup) await removeMark(dataDir);
  else await writeMark(dataDir, { id, state: 'moved', to });
  await PackJournal.remove(dataDir);
  return outcome;
}

function lockHouse(dataDir: string): () => void {
  const unlock = lockDataDir(dataDir);
  if (unlock !== null) return unlock;
  throw new StartError(
    `a coffre-cloud runs on ${dataDir}: stop it first; devices wait, and go on when it is back`,
  );
}

/** The target in words that anyone may read. */
function whereTo({ database, s3 }: Move): string {
  const url = URL.parse(database.url);
  return `the database ${url?.host ?? ''}${url?.pathname ?? ''} and the bucket ${s3.bucket}${s3.prefix === '' ? '' : ` under "${s3.prefix}"`}`;
}

async function blobsAtHome({ dataDir, s3 }: Move, bucket: BlobStore): Promise<BlobStore> {
  const place = await knownPlace(dataDir);
  if (place === null) return openFileBlobs(dataDir, false);
  if (place.bucket === s3.bucket && place.prefix === s3.prefix) return bucket;
  throw new StartError(
    `the packs of ${dataDir} are in the bucket ${place.bucket} under "${place.prefix}": name that one as the target, or make a backup first, which has them as files, and restore that`,
  );
}

function placeLine({ endpoint, bucket, prefix }: S3Config): string {
  return JSON.stringify({ endpoint, bucket, prefix });
}

async function bring(move: Move, sides: Sides): Promise<MoveOutcome> {
  const { source, target, from, to, id } = sides;
  const { told } = move;
  const named = await source.tables.read(namedPacks);
  told(`packs: 0 of ${named.length}`);
  const journal = await PackJournal.open(move.dataDir, placeLine(move.s3));
  const moved = await movePacks(named, { from, to, journal }, (count) => {
    told(`packs: ${count} of ${named.length}`);
  }).finally(() => journal.close());
  if (moved.damage.length > 0 && !move.leaveDamaged) return { kind: 'damaged', damage: moved.damage };

  await source.tables.read((tables) =>
    bringTables(target.database, id, tables, (table, rows) => {
      told(`${table}: ${rows}`);
    }),
  );
  const { rows, differences } = await compare(sides, told);
  return differences.length > 0 ? { kind: 'different', differences } : { kind: 'moved', rows, ...moved };
}

async function compare(
  { source, target }: Sides,
  told: (line: string) => void,
): Promise<{ rows: number; differences: readonly string[] }> {
  const differences: string[] = [];
  let rows = 0;
  for (const name of TABLE_NAMES) {
    const table = await source.tables.read((one) =>
      target.tables.read((other) => compareTable(name, one, other)),
    );
    rows += table.rows;
    differences.push(...table.differences);
    told(`compared ${name}: ${table.rows}`);
  }
  return { rows, differences };
}

/**
 * Brings packs to the bucket while the server runs: the move itself has only those left that came since.
 * @throws StartError, BlobStoreUnavailable
 */
export async function movePacksAhead(move: Omit<Move, 'database' | 'isBackup'>): Promise<MovedPacks> {
  const { dataDir, s3, told } = move;
  if ((await knownPlace(dataDir)) !== null)
    throw new StartError(`the packs of ${dataDir} are in a bucket already: there is nothing to bring ahead`);
  await prepareDataDir(dataDir);
  const options = { ...ANY_RETENTION, dataDir, defaultQuotaBytes: null, exclusive: false };
  const source = await openEmbeddedStore(options);
  try {
    const named = await source.tables.read(namedPacks);
    const to = await openBucket(s3, true);
    const journal = await PackJournal.open(dataDir, placeLine(s3));
    const from = await openFileBlobs(dataDir, false);
    try {
      return await movePacks(named, { from, to, journal }, (count) => {
        told(`packs: ${count} of ${named.length}`);
      });
    } finally {
      await journal.close();
      await to.close();
    }
  } finally {
    await source.close();
  }
}

/**
 * Takes the mark from a data directory: its server may be started again. What is on the other side stays as it is.
 * @param evenMoved also where the move has ended
 * @throws StartError while a move runs
 */
export async function undoMove(
  dataDir: string,
  evenMoved: boolean,
): Promise<'undone' | 'never-moved' | 'moved-already'> {
  const unlock = lockHouse(dataDir);
  try {
    const mark = await readMark(dataDir);
    if (mark === null) return 'never-moved';
    if (mark.state === 'moved' && !evenMoved) return 'moved-already';
    await PackJournal.remove(dataDir);
    await removeMark(dataDir);
    return 'undone';
  } finally {
    unlock();
  }
}

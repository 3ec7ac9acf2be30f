/** `check` and `backup`: of a data directory, or of a database and a bucket. */
import { copyFile, mkdir, rename } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { EXIT } from '../../protocol/errors.ts';
import type { StorageConfig } from '../config.ts';
import { CERT_FILE, KEY_FILE, readOrNull, SECRET_FILE, StartError, writeWhole } from '../data-dir.ts';
import { backupStore, type BackupReport, type BackupSource } from '../moving/backup.ts';
import { refuseMoved } from '../moving/source-mark.ts';
import { checkStore } from '../store/check.ts';
import { lockDataDir } from '../store/embedded/data-lock.ts';
import { withEverything, type Everything, type StoreOptions } from './open-stores.ts';
import { CommandError, printResult } from './output.ts';
import { addStorageOptions, storageConfig } from './storage-options.ts';

interface BackupOptions extends StoreOptions {
  readonly to: string;
  readonly withoutPacks?: boolean;
}

export function addCheckCommands(program: Command): void {
  addStorageOptions(program.command('check'), 'the data directory of the server')
    .description('verify every blob and row')
    .option('--json', 'one JSON object')
    .action(check);
  addStorageOptions(program.command('backup'), 'the data directory of the server')
    .description('copy everything into a data directory, while servers run or not')
    .requiredOption('--to <dir>', 'where to; a former backup there is brought up to date')
    .option('--without-packs', 'packs stay in the S3 store, which has copies of its own')
    .option('--json', 'one JSON object')
    .action(backup);
}

async function check(options: StoreOptions): Promise<void> {
  const report = await withEverything(storageConfig(options), ({ opened, blobs }) =>
    checkStore(opened.store, blobs),
  );
  const { damage, strayFiles } = report;
  const counts = `${report.accounts} accounts, ${report.commits} commits, ${report.records} records, ${report.packs} packs`;
  const lines = [...damage, `${counts}: ${damage.length === 0 ? 'all sound' : `${damage.length} damaged`}`];
  if (strayFiles > 0) lines.push(`${strayFiles} files no account needs, left by an unclean stop`);
  printResult({ json: options.json ?? false }, { ...report, sound: damage.length === 0 }, lines);
  if (damage.length > 0) {
    const message = `${damage.length} things stored are damaged or missing`;
    throw new CommandError(EXIT.verification, 'verification', message, 'restore the server from a backup');
  }
}

async function backup(options: BackupOptions): Promise<void> {
  const storage = storageConfig(options);
  const to = resolve(options.to);
  if (storage.kind === 'embedded' && to === resolve(storage.dataDir))
    throw usage('a backup into itself', 'give another directory as --to');
  if (options.withoutPacks === true && storage.s3 === null)
    throw usage('--without-packs is for packs in an S3 store, and these are files', 'leave it out');
  await mkdir(to, { recursive: true, mode: 0o700 });
  const report = await withEverything(storage, (everything) =>
    intoHeld(to, () => copyInto(to, everything, options.withoutPacks === true ? storage.s3 : null)),
  );
  const line = `${report.packs} packs, ${report.copiedBytes} bytes copied to ${to}`;
  printResult({ json: options.json ?? false }, { ...report, to }, [...report.damage, line]);
  if (report.damage.length > 0) {
    const message = `${report.damage.length} packs are damaged or missing and were left out`;
    throw new CommandError(EXIT.verification, 'verification', message, 'run coffre-cloud check');
  }
}

function usage(message: string, hint: string): CommandError {
  return new CommandError(EXIT.usage, 'bad-input', message, hint);
}

/** Nobody serves it meanwhile, and it is not what a server lived in. */
async function intoHeld<T>(to: string, work: () => Promise<T>): Promise<T> {
  await refuseMoved(to);
  const unlock = lockDataDir(to);
  if (unlock === null)
    throw new StartError(`a coffre-cloud works on ${to}: a backup goes into a directory of its own`);
  try {
    return await work();
  } finally {
    unlock();
  }
}

type Bucket = StorageConfig['s3'];

async function copyInto(
  to: string,
  { opened, blobs }: Everything,
  packsStayIn: Bucket,
): Promise<BackupReport> {
  const kept = { store: opened.store, blobs, packsStayIn };
  const source: BackupSource =
    opened.kind === 'embedded'
      ? {
          ...kept,
          writeFiles: (dataDir) => copyFiles(opened.dataDir, dataDir),
          writeMetadata: (file) => opened.store.database.copyTo(file),
        }
      : { ...kept, ...(await fromDatabase(opened)) };
  return backupStore(source, to, () => Date.now());
}

async function fromDatabase({
  store,
}: Extract<Everything['opened'], { kind: 'scaled' }>): Promise<
  Pick<BackupSource, 'writeFiles' | 'writeMetadata'>
> {
  const { knownDefaultQuota, knownOpaqueSetup } = await import('../store/postgres/shared-settings.ts');
  const { importTables } = await import('../store/embedded/import-tables.ts');
  const setup = await knownOpaqueSetup(store.database);
  const quota = await knownDefaultQuota(store.database);
  if (setup === null)
    throw new StartError('no server has run on this database yet: there is nothing to back up');
  return {
    async writeFiles(dataDir) {
      await expectSameServer(dataDir, setup);
      await writeWhole(join(dataDir, SECRET_FILE), `${setup}\n`);
    },
    writeMetadata: (file, stillAtIt) => importTables(file, store.tables, quota, stillAtIt),
  };
}

async function copyFiles(from: string, to: string): Promise<void> {
  const setup = await readOrNull(join(from, SECRET_FILE));
  if (setup !== null) await expectSameServer(to, setup.trim());
  for (const name of [SECRET_FILE, CERT_FILE, KEY_FILE]) {
    if (!existsSync(join(from, name))) continue;
    await copyFile(join(from, name), join(to, `${name}.new`));
    await rename(join(to, `${name}.new`), join(to, name));
  }
}

/** The secret of the password protocol tells one server from another. */
async function expectSameServer(dataDir: string, setup: string): Promise<void> {
  const known = await readOrNull(join(dataDir, SECRET_FILE));
  if (known === null || known.trim() === setup) return;
  throw new StartError(`${dataDir} has the data of another server: give an empty directory as --to`);
}

/** The commands beside `serve`: they work on the data directory, whether a server runs on it or not. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { EXIT } from '../../protocol/errors.ts';
import { RETENTION_MS, UNCOMMITTED_MS } from '../../protocol/limits.ts';
import { hashToken, newToken } from '../accounts/tokens.ts';
import { CERT_FILE, KEY_FILE, SECRET_FILE } from '../data-dir.ts';
import { usedBytes } from '../quota/quota.ts';
import type { BlobStore } from '../store/blob-store.ts';
import type { AccountRow, MetadataStore } from '../store/metadata-store.ts';
import { openBlobs } from '../store/open-blobs.ts';
import { backupStore } from '../store/embedded/backup.ts';
import { checkStore } from '../store/embedded/check.ts';
import { DATABASE_FILE, openEmbeddedStore } from '../store/embedded/embedded-store.ts';
import { openFileBlobs } from '../store/embedded/file-blobs.ts';
import { databaseConfig } from './database-options.ts';
import { CommandError, printResult } from './output.ts';
import { addStorageOptions, type StorageOptions } from './storage-options.ts';
import { addS3Options, s3Config, type S3Options } from './s3-options.ts';
import { sizeOption } from './serve.ts';

interface DataOptions extends S3Options {
  readonly data: string;
  readonly json?: boolean;
}

interface StoreOptions extends StorageOptions {
  readonly json?: boolean;
}

type EmbeddedStore = Awaited<ReturnType<typeof openEmbeddedStore>>;

/** The accounts of a server, wherever it keeps them, for one command. */
async function withStore<T>(options: StoreOptions, work: (store: MetadataStore) => Promise<T>): Promise<T> {
  const database = databaseConfig(options);
  const { data } = options;
  if ((data === undefined) === (database === null)) {
    const message = 'it takes one place where a server keeps its accounts';
    throw new CommandError(EXIT.usage, 'bad-input', message, 'give --data DIR or --database-url');
  }
  if (data !== undefined) return withEmbedded({ ...options, data }, work);
  const { openPostgresStore } = await import('../store/postgres/postgres-store.ts');
  const store = await openPostgresStore({
    url: database?.url ?? '',
    maxConnections: 2,
    defaultQuotaBytes: null,
    retentionMs: RETENTION_MS,
    uncommittedMs: UNCOMMITTED_MS,
    statsAgeMs: 0,
  });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** Opens the store of an existing data directory for one command. */
async function withEmbedded<T>(options: DataOptions, work: (store: EmbeddedStore) => Promise<T>): Promise<T> {
  if (!existsSync(join(options.data, DATABASE_FILE))) {
    const message = `there is no server's data in ${options.data}`;
    throw new CommandError(
      EXIT.usage,
      'bad-input',
      message,
      'give the directory the server runs with as --data',
    );
  }
  const store = await openEmbeddedStore({
    dataDir: options.data,
    defaultQuotaBytes: null,
    exclusive: false,
    retentionMs: RETENTION_MS,
    uncommittedMs: UNCOMMITTED_MS,
  });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** The blobs of a server, for one command. */
async function withBlobs<T>(options: DataOptions, work: (blobs: BlobStore) => Promise<T>): Promise<T> {
  const blobs = await openBlobs({ dataDir: options.data, s3: s3Config(options) }, false);
  try {
    return await work(blobs);
  } finally {
    await blobs.close();
  }
}

function dataCommand(parent: Command, name: string, description: string): Command {
  return addS3Options(parent.command(name))
    .description(description)
    .requiredOption('--data <dir>', 'the data directory of the server')
    .option('--json', 'one JSON object');
}

/** For what concerns accounts alone. */
function storeCommand(parent: Command, name: string, description: string): Command {
  return addStorageOptions(parent.command(name), 'the data directory of the server')
    .description(description)
    .option('--json', 'one JSON object');
}

export function addUpkeepCommands(program: Command): void {
  dataCommand(program, 'check', 'verify every blob and row').action(check);
  dataCommand(program, 'backup', 'copy everything, while the server runs or not')
    .requiredOption('--to <dir>', 'where to; a former backup there is brought up to date')
    .action(backup);
  storeCommand(program, 'stats', 'what is stored').action(stats);
  storeCommand(program, 'invite', 'print a code that one person may sign up with').action(invite);
  const users = program.command('users').description('accounts');
  storeCommand(users, 'list', 'all accounts').action(listUsers);
  storeCommand(users, 'show', 'one account').argument('<email>').action(showUser);
  storeCommand(users, 'quota', "set an account's quota")
    .argument('<email>')
    .argument('<size>')
    .action(setQuota);
  storeCommand(users, 'disable', 'keep an account out; its data stay')
    .argument('<email>')
    .option('--undo', 'let it in again')
    .action(disableUser);
  storeCommand(users, 'delete', 'delete an account and all its data')
    .argument('<email>')
    .option('--yes', 'do not ask')
    .action(deleteUser);
}

async function check(options: DataOptions): Promise<void> {
  const report = await withEmbedded(options, async (store) =>
    withBlobs(options, (blobs) => checkStore(store.database, blobs)),
  );
  const { damage, strayFiles } = report;
  const counts = `${report.accounts} accounts, ${report.commits} commits, ${report.records} records, ${report.packs} packs`;
  const lines = [...damage, `${counts}: ${damage.length === 0 ? 'all sound' : `${damage.length} damaged`}`];
  if (strayFiles > 0) lines.push(`${strayFiles} files no account needs, left by an unclean stop`);
  printResult({ json: options.json ?? false }, { ...report, sound: damage.length === 0 }, lines);
  if (damage.length > 0) {
    const message = `${damage.length} things stored are damaged or missing`;
    throw new CommandError(
      EXIT.verification,
      'verification',
      message,
      'restore the data directory from a backup',
    );
  }
}

async function backup(options: DataOptions & { to: string }): Promise<void> {
  const to = resolve(options.to);
  if (to === resolve(options.data)) {
    throw new CommandError(EXIT.usage, 'bad-input', 'a backup into itself', 'give another directory as --to');
  }
  await mkdir(to, { recursive: true, mode: 0o700 });
  const report = await withEmbedded(options, async (store) => {
    const target = { dataDir: to, blobs: await openFileBlobs(to, false) };
    const from = { dataDir: options.data, plainFiles: [SECRET_FILE, CERT_FILE, KEY_FILE] };
    return withBlobs(options, (blobs) =>
      backupStore({ store, database: store.database, blobs }, from, target, () => Date.now()),
    );
  });
  const line = `${report.packs} packs, ${report.copiedBytes} bytes copied to ${to}`;
  printResult({ json: options.json ?? false }, { ...report, to }, [...report.damage, line]);
  if (report.damage.length > 0) {
    const message = `${report.damage.length} packs are damaged or missing and were left out`;
    throw new CommandError(EXIT.verification, 'verification', message, 'run coffre-cloud check');
  }
}

async function stats(options: StoreOptions): Promise<void> {
  const report = await withStore(options, (store) => store.upkeep.stats());
  const lines = Object.entries(report).map(([what, value]) => `${what}: ${value}`);
  printResult({ json: options.json ?? false }, report, lines);
}

async function invite(options: StoreOptions): Promise<void> {
  const code = newToken().slice(0, 24);
  await withStore(options, (store) => store.accounts.addInvite(hashToken(code), Date.now()));
  printResult({ json: options.json ?? false }, { invite: code }, [code]);
}

function describeUser(row: AccountRow): object {
  const { email, account, disabled, createdAtMs, usage } = row;
  return { email, account, disabled, createdAtMs, usedBytes: usedBytes(usage), ...usage };
}

function userLine(row: AccountRow): string {
  const state = row.disabled ? ' (disabled)' : '';
  return `${row.email}${state}: ${usedBytes(row.usage)} of ${row.usage.limitBytes} bytes`;
}

async function listUsers(options: StoreOptions): Promise<void> {
  const rows = await withStore(options, (store) => store.accounts.list());
  printResult({ json: options.json ?? false }, { users: rows.map(describeUser) }, rows.map(userLine));
}

async function findUser(store: MetadataStore, email: string): Promise<AccountRow> {
  const row = await store.accounts.byEmail(email.trim().toLowerCase());
  if (row !== null) return row;
  throw new CommandError(
    EXIT.failed,
    'not-found',
    'no account has this address',
    'see coffre-cloud users list',
  );
}

async function showUser(email: string, options: StoreOptions): Promise<void> {
  await withStore(options, async (store) => {
    const row = await findUser(store, email);
    const devices = await store.accounts.devices(row.account);
    const vaults = await store.log.vaults(row.account);
    const lines = [userLine(row), `${devices.length} devices, ${vaults.length} vaults`];
    printResult(
      { json: options.json ?? false },
      { ...describeUser(row), devices, vaults: vaults.length },
      lines,
    );
  });
}

async function setQuota(email: string, size: string, options: StoreOptions): Promise<void> {
  const limitBytes = sizeOption(size, 'the quota');
  await withStore(options, async (store) =>
    store.accounts.setQuota((await findUser(store, email)).account, limitBytes),
  );
  printResult({ json: options.json ?? false }, { limitBytes }, []);
}

async function disableUser(email: string, options: StoreOptions & { undo?: boolean }): Promise<void> {
  const disabled = options.undo !== true;
  await withStore(options, async (store) =>
    store.accounts.setDisabled((await findUser(store, email)).account, disabled),
  );
  printResult({ json: options.json ?? false }, { disabled }, []);
}

async function deleteUser(email: string, options: StoreOptions & { yes?: boolean }): Promise<void> {
  if (options.yes !== true) {
    const message = 'deleting an account cannot be undone';
    throw new CommandError(EXIT.usage, 'bad-input', message, 'add --yes if you mean it');
  }
  await withStore(options, async (store) => {
    const { account } = await findUser(store, email);
    await store.accounts.markDeleted(account);
    const { data } = options;
    if (data === undefined) return; // a server removes the rest, at its next upkeep
    await withBlobs({ ...options, data }, (blobs) => blobs.removeAccount(account));
    while (await store.upkeep.forgetAccount(account, 1000));
  });
  printResult({ json: options.json ?? false }, { deleted: true }, []);
}

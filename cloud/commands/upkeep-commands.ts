/** What is stored, and accounts: commands that work whether a server runs or not. */
import type { Command } from 'commander';
import { EXIT } from '../../protocol/errors.ts';
import { hashToken, newToken } from '../accounts/tokens.ts';
import { auditEntry, byOperator } from '../audit/entry.ts';
import { usedBytes } from '../quota/quota.ts';
import type { AccountRow, MetadataStore } from '../store/metadata-store.ts';
import { withBlobs, withStore, type StoreOptions } from './open-stores.ts';
import { CommandError, printResult } from './output.ts';
import { sizeOption } from './serve.ts';
import { addStorageOptions } from './storage-options.ts';

function storeCommand(parent: Command, name: string, description: string): Command {
  return addStorageOptions(parent.command(name), 'the data directory of the server')
    .description(description)
    .option('--json', 'one JSON object');
}

export function addUpkeepCommands(program: Command): void {
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

async function stats(options: StoreOptions): Promise<void> {
  const report = await withStore(options, (store) => store.upkeep.stats());
  const lines = Object.entries(report).map(([what, value]) => `${what}: ${value}`);
  printResult({ json: options.json ?? false }, report, lines);
}

async function invite(options: StoreOptions): Promise<void> {
  const code = newToken().slice(0, 24);
  await withStore(options, (store) => {
    const nowMs = Date.now();
    return store.accounts.addInvite(hashToken(code), nowMs, byOperator('invite-made', nowMs));
  });
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

export async function findUser(store: MetadataStore, email: string): Promise<AccountRow> {
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
  await withStore(options, async (store) => {
    const { account } = await findUser(store, email);
    const entry = byOperator('quota-changed', Date.now(), { account, amount: limitBytes });
    await store.accounts.setQuota(account, limitBytes, entry);
  });
  printResult({ json: options.json ?? false }, { limitBytes }, []);
}

async function disableUser(email: string, options: StoreOptions & { undo?: boolean }): Promise<void> {
  const disabled = options.undo !== true;
  await withStore(options, async (store) => {
    const { account } = await findUser(store, email);
    const kind = disabled ? 'account-disabled' : 'account-enabled';
    await store.accounts.setDisabled(account, disabled, byOperator(kind, Date.now(), { account }));
  });
  printResult({ json: options.json ?? false }, { disabled }, []);
}

async function deleteUser(email: string, options: StoreOptions & { yes?: boolean }): Promise<void> {
  if (options.yes !== true) {
    const message = 'deleting an account cannot be undone';
    throw new CommandError(EXIT.usage, 'bad-input', message, 'add --yes if you mean it');
  }
  await withStore(options, async (store) => {
    const { account } = await findUser(store, email);
    await store.accounts.markDeleted(account, byOperator('account-deleted', Date.now(), { account }));
    const { data } = options;
    if (data === undefined) return; // a server removes the rest, at its next upkeep
    await withBlobs({ ...options, data }, (blobs) => blobs.removeAccount(account));
    const forgotten = auditEntry({ kind: 'account-forgotten', actor: 'system', atMs: Date.now(), account });
    while (await store.upkeep.forgetAccount(account, 1000, forgotten));
  });
  printResult({ json: options.json ?? false }, { deleted: true }, []);
}

/** Accounts of an older service: brought in, given codes, looked at and ended. */
import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { emailSchema } from '../../protocol/cloud.ts';
import { EXIT } from '../../protocol/errors.ts';
import { DAY_MS } from '../../protocol/limits.ts';
import type { Hash } from '../../protocol/ids.ts';
import { normalEmail } from '../accounts/account-service.ts';
import { byOperator } from '../audit/entry.ts';
import { tallyOf } from '../audit/recorder.ts';
import { addressHash } from '../legacy/address.ts';
import { hashCode, newCode } from '../legacy/codes.ts';
import { importFile } from '../legacy/import-file.ts';
import { BadHeader, type ImportFormat } from '../legacy/import-lines.ts';
import { LEGACY_BATCH, type LegacyRow, type LegacyStore } from '../store/legacy-store.ts';
import { withStore, type StoreOptions } from './open-stores.ts';
import { CommandError, printResult } from './output.ts';
import { addStorageOptions } from './storage-options.ts';

interface ImportOptions extends StoreOptions {
  readonly format?: string;
  readonly service?: string;
  readonly expires: string;
  readonly skipBad?: boolean;
}

const MOST_DAYS = 3650;

export function addLegacyCommands(program: Command): void {
  const legacy = program.command('legacy').description('accounts of an older service that people get back');
  const add = (name: string, description: string): Command =>
    addStorageOptions(legacy.command(name), 'the data directory of the server')
      .description(description)
      .option('--json', 'one JSON object');
  add('import', 'let the members in a file get an account here')
    .argument('<file>', 'CSV with a header or JSON lines: email, hash, plan')
    .option('--format <format>', 'csv or jsonl (default: as the name of the file ends)')
    .option('--service <name>', 'what people know the older service by')
    .option('--expires <days>', 'how long they have', '365')
    .option('--skip-bad', 'import the good lines of a file that has bad ones')
    .action(importMembers);
  add('list', 'who has not come yet').action(list);
  add('codes', 'make one-time codes, as CSV for a mailing')
    .argument('[email...]', 'for these only')
    .option('--again', 'in place of those they have, too')
    .action(codes);
  add('expire', 'end what has not been claimed')
    .argument('[email...]', 'of these')
    .option('--all', 'of everybody')
    .action(expire);
}

async function importMembers(file: string, options: ImportOptions): Promise<void> {
  const format = formatOf(file, options.format);
  const service = options.service?.trim() ?? null;
  if (service !== null && (service === '' || service.length > 100))
    throw usage('--service wants a name of at most 100 characters');
  const nowMs = Date.now();
  const request = {
    file,
    format,
    service,
    expiresMs: nowMs + daysOf(options.expires) * DAY_MS,
    nowMs,
    skipBad: options.skipBad ?? false,
  };
  await expectFile(file);
  const outcome = await withStore(options, (store) => importFile(store.legacy, request)).catch(
    (error: unknown) => {
      if (error instanceof BadHeader) throw usage(error.message, 'see docs/operations.md');
      throw error;
    },
  );
  if (outcome.kind === 'too-many-shapes') {
    throw usage(
      'the hashes have more than 1,000 different costs and salt lengths: made-up answers could not look like them',
      'leave the hashes out and send codes',
    );
  }
  const { bad, badLines } = outcome;
  const { added, known } = outcome.kind === 'imported' ? outcome : { added: 0, known: 0 };
  const lines = badLines.map(({ line, why }) => `line ${line} ${why}`);
  if (bad > lines.length) lines.push(`and ${bad - lines.length} lines more`);
  if (outcome.kind === 'imported') {
    lines.push(
      `${added} accounts wait for their owners; ${known} addresses were there already or came twice, ${bad} lines were left out`,
    );
  }
  printResult({ json: options.json ?? false }, { added, known, bad, badLines }, lines);
  if (outcome.kind === 'imported') return;
  throw usage(
    `${bad} of ${bad + outcome.good} lines cannot be imported, and nothing was`,
    'mend them, or import the others with --skip-bad',
  );
}

/** Told before anything is opened. */
async function expectFile(file: string): Promise<void> {
  const isFile = await stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) throw usage(`there is no file ${file}`, 'name one: it is read twice, so a pipe will not do');
}

function formatOf(file: string, given: string | undefined): ImportFormat {
  const format = given ?? (/\.csv$/i.test(file) ? 'csv' : /\.(jsonl|ndjson)$/i.test(file) ? 'jsonl' : null);
  if (format === 'csv' || format === 'jsonl') return format;
  throw usage('--format wants csv or jsonl', 'say which it is: the name of the file does not');
}

function daysOf(text: string): number {
  const days = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (days >= 1 && days <= MOST_DAYS) return days;
  throw usage(`--expires wants days, 1 to ${MOST_DAYS}`);
}

async function list(options: StoreOptions): Promise<void> {
  await withStore(options, async ({ legacy }) => {
    const counts = { open: 0, claimed: 0, expired: 0 };
    const isJson = options.json ?? false;
    if (isJson) process.stdout.write('{"open":[');
    for await (const row of allRows(legacy)) {
      counts[row.state] += 1;
      if (row.state !== 'open') continue;
      if (!isJson) process.stdout.write(`${lineOf(row)}\n`);
      else process.stdout.write(`${counts.open === 1 ? '' : ','}${JSON.stringify(describe(row))}`);
    }
    const { open, claimed, expired } = counts;
    process.stdout.write(
      isJson
        ? `],"counts":${JSON.stringify(counts)}}\n`
        : `${open} wait, ${claimed} have come, ${expired} ran out\n`,
    );
  });
}

function describe(row: LegacyRow): object {
  const { email, parameters, quotaBytes, expiresMs, codeHash } = row;
  return { email, scheme: parameters?.scheme ?? null, hasCode: codeHash !== null, quotaBytes, expiresMs };
}

function lineOf(row: LegacyRow): string {
  const how = [row.parameters?.scheme ?? null, row.codeHash === null ? null : 'code'].filter(
    (one) => one !== null,
  );
  const until = new Date(row.expiresMs).toISOString().slice(0, 10);
  const quota = row.quotaBytes === null ? '' : `, ${row.quotaBytes} bytes`;
  return `${row.email ?? ''}: ${how.length === 0 ? 'no way in yet' : how.join(' or ')}, until ${until}${quota}`;
}

async function* allRows(legacy: LegacyStore): AsyncGenerator<LegacyRow> {
  for (let after: Hash | null = null; ;) {
    const page: readonly LegacyRow[] = await legacy.page(after, LEGACY_BATCH, Date.now());
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.address;
  }
}

async function codes(emails: readonly string[], options: StoreOptions & { again?: boolean }): Promise<void> {
  const again = options.again === true;
  await withStore(options, async ({ legacy }) => {
    const isJson = options.json ?? false;
    process.stdout.write(isJson ? '{"codes":[' : 'email,code\n');
    let count = 0;
    const tally = tallyOf(['legacy-codes-made', randomUUID()]);
    const give = async (rows: readonly LegacyRow[]): Promise<void> => {
      const wanted = rows.filter((row) => row.state === 'open' && (again || row.codeHash === null));
      const made = wanted.map(({ address, email }) => ({ address, email: email ?? '', code: newCode() }));
      const hashes = made.map(({ address, code }) => ({ address, codeHash: hashCode(code) }));
      const nowMs = Date.now();
      const audit = byOperator('legacy-codes-made', nowMs, { tally, times: count === 0 ? 1 : 0 });
      const taken = new Set(await legacy.setCodes(hashes, nowMs, audit));
      for (const { address, email, code } of made) {
        if (!taken.has(address)) continue;
        const item = JSON.stringify({ email, code });
        process.stdout.write(isJson ? `${count === 0 ? '' : ','}${item}` : `${csvField(email)},${code}\n`);
        count += 1;
      }
    };
    if (emails.length > 0) {
      await give(await rowsOf(legacy, emails));
    } else {
      let batch: LegacyRow[] = [];
      for await (const row of allRows(legacy)) {
        batch.push(row);
        if (batch.length < LEGACY_BATCH) continue;
        await give(batch);
        batch = [];
      }
      await give(batch);
    }
    if (isJson) process.stdout.write(']}\n');
  });
}

function csvField(text: string): string {
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

async function rowsOf(legacy: LegacyStore, emails: readonly string[]): Promise<LegacyRow[]> {
  const rows: LegacyRow[] = [];
  for (const address of addressesOf(emails)) {
    const row = await legacy.find(address, Date.now());
    if (row?.state !== 'open') {
      const message = 'an address is not among those that wait: it never was, has come, or ran out';
      throw new CommandError(EXIT.failed, 'not-found', message, 'see coffre-cloud legacy list');
    }
    rows.push(row);
  }
  return rows;
}

function addressesOf(emails: readonly string[]): Hash[] {
  return emails.map((email) => {
    const address = normalEmail(email);
    if (!emailSchema.safeParse(address).success) throw usage('one of these is not an e-mail address');
    return addressHash(address);
  });
}

async function expire(emails: readonly string[], options: StoreOptions & { all?: boolean }): Promise<void> {
  const isAll = options.all === true;
  if (isAll === emails.length > 0) throw usage('it takes addresses, or --all');
  const expired = await withStore(options, async ({ legacy }) => {
    const which = isAll ? ('all' as const) : (await rowsOf(legacy, emails)).map(({ address }) => address);
    const nowMs = Date.now();
    const count = await legacy.expire(which, nowMs, byOperator('legacy-expired', nowMs));
    await legacy.forgetExpired(Date.now());
    return count;
  });
  printResult({ json: options.json ?? false }, { expired }, [`${expired} accounts can be claimed no more`]);
}

function usage(message: string, hint = 'see coffre-cloud legacy --help'): CommandError {
  return new CommandError(EXIT.usage, 'bad-input', message, hint);
}

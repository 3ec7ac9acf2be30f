/** Which database, from flags and environment. A password comes by environment or file, never by a flag. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { EXIT } from '../../protocol/errors.ts';
import type { DatabaseConfig } from '../store/postgres/database-config.ts';
import { CommandError } from './output.ts';

export interface DatabaseOptions {
  readonly databaseUrl?: string;
  readonly databaseUrlFile?: string;
  readonly databaseConnections?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const VARIABLE = 'COFFRE_DATABASE_URL';
const DEFAULT_CONNECTIONS = 20;
const MAX_CONNECTIONS = 1000;

export function addDatabaseOptions(command: Command): Command {
  return command
    .option(
      '--database-url <url>',
      `keep everything but packs in PostgreSQL; without a password, which ${VARIABLE}, PGPASSWORD or a file has`,
    )
    .option('--database-url-file <file>', 'the same from a file')
    .option(
      '--database-connections <number>',
      `at the most, of this server (default: ${DEFAULT_CONNECTIONS})`,
    );
}

/** Null where everything is in a data directory. @throws CommandError */
export function databaseConfig(
  options: DatabaseOptions,
  environment: Environment = process.env,
): DatabaseConfig | null {
  const fromEnvironment = environment[VARIABLE] ?? '';
  const given = [
    options.databaseUrl,
    options.databaseUrlFile,
    fromEnvironment === '' ? undefined : fromEnvironment,
  ].filter((value) => value !== undefined);
  if (given.length === 0) return null;
  if (given.length > 1) {
    throw usage(
      `the database is named twice`,
      `give one of --database-url, --database-url-file, ${VARIABLE}`,
    );
  }
  const { databaseUrl, databaseUrlFile } = options;
  if (databaseUrl !== undefined && passwordOf(databaseUrl) !== '') {
    throw usage('--database-url has a password in it, which every user of this machine can read', HINT);
  }
  const url = databaseUrl ?? (databaseUrlFile === undefined ? fromEnvironment : readUrl(databaseUrlFile));
  const protocol = URL.parse(url)?.protocol;
  if (protocol !== 'postgres:' && protocol !== 'postgresql:') {
    throw usage(
      'the address of the database is not one',
      'write it like postgres://coffre@db.example.org/coffre',
    );
  }
  return { url, maxConnections: connections(options.databaseConnections) };
}

const HINT = `give it by ${VARIABLE}, by a file named as --database-url-file, or by PGPASSWORD`;

function passwordOf(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? '' : parsed.password || (parsed.searchParams.get('password') ?? '');
}

function readUrl(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    throw usage('the file of --database-url-file cannot be read', 'check its path and its rights');
  }
}

function connections(text: string | undefined): number {
  const number = Number(text ?? DEFAULT_CONNECTIONS);
  if (Number.isInteger(number) && number >= 2 && number <= MAX_CONNECTIONS) return number;
  throw usage('--database-connections wants a number from 2 to 1000', 'see coffre-cloud --help');
}

function usage(message: string, hint: string): CommandError {
  return new CommandError(EXIT.usage, 'bad-input', message, hint);
}

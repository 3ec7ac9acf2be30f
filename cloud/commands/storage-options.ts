/** Where everything is kept, from flags and environment: a data directory, or a database and a bucket. */
import type { Command } from 'commander';
import { EXIT } from '../../protocol/errors.ts';
import type { StorageConfig } from '../config.ts';
import { addDatabaseOptions, databaseConfig, type DatabaseOptions } from './database-options.ts';
import { CommandError } from './output.ts';
import { addS3Options, s3Config, type S3Options } from './s3-options.ts';

export interface StorageOptions extends S3Options, DatabaseOptions {
  readonly data?: string;
}

export function addStorageOptions(command: Command, data: string): Command {
  return addS3Options(addDatabaseOptions(command.option('--data <dir>', data)));
}

/** @throws CommandError */
export function storageConfig(options: StorageOptions): StorageConfig {
  const database = databaseConfig(options);
  const { data } = options;
  if (data !== undefined && database !== null) {
    throw usage(
      'a data directory is for one server alone, and a database for several, which keep nothing themselves',
      'give --data or a database',
    );
  }
  const s3 = s3Config(options);
  if (database !== null) {
    if (s3 !== null) return { kind: 'scaled', database, s3 };
    throw usage(
      'with a database packs are in an S3 store, where each server reaches them',
      'give --s3-endpoint and --s3-bucket',
    );
  }
  if (data !== undefined) return { kind: 'embedded', dataDir: data, s3 };
  throw usage('nothing says where everything is kept', 'give --data DIR, or --database-url and an S3 store');
}

function usage(message: string, hint: string): CommandError {
  return new CommandError(EXIT.usage, 'bad-input', message, hint);
}

/** `migrate` and `restore`: a data directory into an empty database and a bucket. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { EXIT } from '../../protocol/errors.ts';
import { CERT_FILE, KEY_FILE } from '../data-dir.ts';
import type { MoveOutcome } from '../moving/move-house.ts';
import { addDatabaseOptions } from './database-options.ts';
import { expectData } from './open-stores.ts';
import { CommandError, printResult } from './output.ts';
import { addS3Options, s3Config } from './s3-options.ts';
import { storageConfig, type StorageOptions } from './storage-options.ts';

type Moved = Extract<MoveOutcome, { kind: 'moved' | 'moved-before' }>;

interface MoveOptions extends Omit<StorageOptions, 'data'> {
  readonly from: string;
  readonly ahead?: boolean;
  readonly undo?: boolean;
  readonly yes?: boolean;
  readonly leaveDamaged?: boolean;
  readonly json?: boolean;
}

export function addMoveCommands(program: Command): void {
  moveCommand(program, 'migrate', 'the data directory of the server, which is stopped')
    .description('move a server from its data directory into a database and an S3 store')
    .option('--ahead', 'bring packs only, while the server still runs: the pause is shorter then')
    .option('--undo', 'give a move up: the server in --from may be started again')
    .option('--yes', 'with --undo, also when the move has ended')
    .action(migrate);
  moveCommand(program, 'restore', 'a backup, which stays as it is')
    .description('bring a backup into an empty database and an S3 store')
    .action(restore);
}

function moveCommand(program: Command, name: string, from: string): Command {
  return addS3Options(addDatabaseOptions(program.command(name)))
    .requiredOption('--from <dir>', from)
    .option('--leave-damaged', 'go on without packs that are missing or damaged in --from')
    .option('--json', 'one JSON object');
}

async function migrate(options: MoveOptions): Promise<void> {
  if (options.undo === true) return undo(options);
  if (options.ahead === true) return ahead(options);
  return move(options, false);
}

async function restore(options: MoveOptions): Promise<void> {
  return move(options, true);
}

function toldBy(options: MoveOptions): (line: string) => void {
  return (line) => {
    if (options.json !== true) process.stderr.write(`${line}\n`);
  };
}

async function move(options: MoveOptions, isBackup: boolean): Promise<void> {
  const storage = storageConfig(options);
  if (storage.kind !== 'scaled') throw new Error('without a data directory it is scaled');
  const { from, leaveDamaged = false } = options;
  expectData(from);
  const { moveHouse } = await import('../moving/move-house.ts');
  const { database, s3 } = storage;
  const target = { database: { ...database, maxConnections: 3 }, s3 };
  const told = toldBy(options);
  const outcome = await moveHouse({ dataDir: from, ...target, isBackup, leaveDamaged, told });
  const output = { json: options.json ?? false };
  switch (outcome.kind) {
    case 'damaged':
      throw new CommandError(
        EXIT.verification,
        'verification',
        `${outcome.damage.length} packs are missing or damaged (${outcome.damage[0] ?? ''})`,
        'run coffre-cloud check, restore them from a backup and go on with the same command, or add --leave-damaged',
      );
    case 'different':
      throw new CommandError(
        EXIT.verification,
        'verification',
        `what arrived is not what was sent: ${outcome.differences.join('; ')}`,
        'see that nothing else writes to that database, drop it, give the move up with coffre-cloud migrate --undo, and begin again',
      );
    case 'moved-before':
    case 'moved':
      printResult(output, { ...outcome, from }, lines(options, isBackup, outcome));
  }
}

function lines(options: MoveOptions, isBackup: boolean, outcome: Moved): string[] {
  const { from } = options;
  const counts =
    outcome.kind === 'moved-before'
      ? 'everything is there already'
      : `${outcome.rows} rows and ${outcome.packs} packs are there, each compared`;
  const own = existsSync(join(from, CERT_FILE));
  const certificate = `--tls-cert ${join(from, CERT_FILE)} --tls-key ${join(from, KEY_FILE)}`;
  return [
    `${counts}: start coffre-cloud serve on that database and S3 store`,
    ...(own ? [`devices know this server by its own certificate: start it with ${certificate}`] : []),
    ...(isBackup ? [] : [`${from} is marked as moved, and is no longer served`]),
  ];
}

async function ahead(options: MoveOptions): Promise<void> {
  const s3 = s3Config(options);
  if (s3 === null) throw usage('nothing says where packs are to go', 'give --s3-endpoint and --s3-bucket');
  const { from } = options;
  expectData(from);
  const { movePacksAhead } = await import('../moving/move-house.ts');
  const moved = await movePacksAhead({ dataDir: from, s3, leaveDamaged: true, told: toldBy(options) });
  printResult({ json: options.json ?? false }, { kind: 'ahead', from, ...moved }, [
    ...moved.damage,
    `${moved.packs} packs are there: stop the server and run the same without --ahead to bring the rest`,
  ]);
}

async function undo(options: MoveOptions): Promise<void> {
  const { from } = options;
  expectData(from);
  const { undoMove } = await import('../moving/move-house.ts');
  const outcome = await undoMove(from, options.yes === true);
  if (outcome === 'never-moved')
    throw usage(`the server of ${from} never moved`, 'there is nothing to give up');
  if (outcome === 'moved-already') {
    throw usage(
      `the move has ended, and ${from} knows nothing of what devices sent since: they will take it for a server restored from an old backup`,
      'add --yes if you mean it, and stop the other one first',
    );
  }
  printResult({ json: options.json ?? false }, { kind: 'undone', from }, [
    `${from} may be served again; drop the database it was being moved to before you use that for anything`,
  ]);
}

function usage(message: string, hint: string): CommandError {
  return new CommandError(EXIT.usage, 'bad-input', message, hint);
}

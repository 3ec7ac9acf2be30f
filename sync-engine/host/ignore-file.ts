/** The ignore rules at the top of a pair, as a file: read, written whole or not at all, added to. */
import { randomBytes } from 'node:crypto';
import { lstat, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PersonError } from '../../protocol/errors.ts';
import {
  IGNORE_FILE,
  IgnoreRules,
  MAX_IGNORE_FILE_BYTES,
  MAX_IGNORE_LINES,
  type IgnoreFileProblem,
} from '../local-fs/ignore-rules.ts';
import { STAGING } from '../local-fs/root-marker.ts';

/** One more rule at the top of a pair, unless it is there. @throws PersonError */
export async function addIgnoreRule(folder: string, rule: string): Promise<void> {
  const text = await readRules(folder);
  if (text.split(/\r?\n/).includes(rule)) return;
  const line = `${text === '' || text.endsWith('\n') ? '' : '\n'}${rule}\n`;
  const problem = new IgnoreRules().setFile('', text + line);
  if (problem !== null) throw badRules(problem);
  await writeRules(folder, text + line);
}

export function badRules(problem: IgnoreFileProblem): PersonError {
  switch (problem) {
    case 'too-large':
    case 'too-many-lines':
      return new PersonError(
        'bad-input',
        `the ignore rules are too long: ${MAX_IGNORE_FILE_BYTES / 1024} KiB and ${MAX_IGNORE_LINES} lines at most`,
        'Leave out folders instead of single files.',
      );
    case 'bad-pattern':
      return new PersonError(
        'bad-input',
        'one of the ignore rules is no pattern, or has too many stars',
        'Write one pattern a line, as in .gitignore.',
      );
    case 'unreadable':
      return new PersonError(
        'failed',
        'the ignore rules cannot be read',
        'Look at the permissions of the file.',
      );
  }
}

/** '' when there are none. @throws PersonError */
export async function readRules(folder: string): Promise<string> {
  const path = join(folder, IGNORE_FILE);
  try {
    const found = await lstat(path);
    if (!found.isFile()) throw noFile();
    if (found.size > MAX_IGNORE_FILE_BYTES) throw badRules('too-large');
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof PersonError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw new PersonError(
      'failed',
      'the ignore rules cannot be read',
      'Look at the permissions of the file.',
      {
        cause: error,
      },
    );
  }
}

/** Whole or not at all, and never through a link. @throws PersonError */
export async function writeRules(folder: string, text: string): Promise<void> {
  const path = join(folder, IGNORE_FILE);
  const before = await lstat(path).catch(() => null);
  if (before !== null && !before.isFile()) throw noFile();
  const staged = join(folder, STAGING, `rules-${randomBytes(8).toString('hex')}`);
  try {
    const file = await open(staged, 'wx', before === null ? 0o644 : before.mode & 0o777);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(staged, path);
  } catch (error) {
    await rm(staged, { force: true });
    const isFull = ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
    throw new PersonError(
      isFull ? 'disk-full' : 'failed',
      isFull ? 'the disk is full' : 'the ignore rules cannot be written',
      isFull ? 'Free some space.' : 'Look at the permissions of the folder.',
      { cause: error },
    );
  }
}

function noFile(): PersonError {
  return new PersonError(
    'exists',
    `${IGNORE_FILE} is a link or a folder here`,
    'Rename it: rules are read from a file.',
  );
}

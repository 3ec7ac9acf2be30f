/** Handlers of protocol/control-ignore.ts: what a pair leaves out. */
import { randomBytes } from 'node:crypto';
import { lstat, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { PersonError } from '../../protocol/errors.ts';
import type { ControlHandlers } from '../control/facade.ts';
import type { PairSync } from '../engine/pair-sync.ts';
import {
  BUILT_IN_PATTERNS,
  IGNORE_FILE,
  MAX_IGNORE_FILE_BYTES,
  MAX_IGNORE_LINES,
  type IgnoreFileProblem,
  type IgnoreRules,
} from '../local-fs/ignore-rules.ts';
import { STAGING } from '../local-fs/root-marker.ts';
import type { Host } from './host.ts';
import { previewRules } from './ignore-preview.ts';

type IgnoreMethod = 'ignore.test' | 'ignore.rules' | 'ignore.setRules' | 'ignore.preview';

export function ignoreHandlers(host: Host): Pick<ControlHandlers, IgnoreMethod> {
  const pairOf = (id: string): PairSync => {
    const running = host.running();
    host.pairOf(running, id);
    const sync = running.engine.pair(id);
    if (sync === undefined) throw new Error('a linked pair is in the engine');
    return sync;
  };
  return {
    'ignore.test': async ({ path, text }) => {
      for (const sync of host.running().engine.pairs()) {
        const inside = relative(sync.pair.config.folder, path);
        if (inside === '' || inside.startsWith(`..${sep}`) || inside === '..') continue;
        const found = await stat(path).catch(() => null);
        const rules = text === undefined ? sync.observer.rules : draftOf(sync, text);
        const { ignored, rule } = rules.explain(
          inside.split(sep).join('/'),
          found?.isDirectory() ?? path.endsWith('/'),
        );
        if (rule === null) return { ignored, rule };
        const file = rule.file === 'built-in' ? null : rule.file;
        return { ignored, rule: { file, pattern: rule.pattern } };
      }
      throw new PersonError(
        'not-found',
        'that path is in no linked folder',
        'List the pairs with `coffre pair list`.',
      );
    },
    'ignore.rules': async ({ pair }) => ({
      text: await readRules(pairOf(pair).pair.config.folder),
      builtIn: [...BUILT_IN_PATTERNS],
    }),
    'ignore.setRules': async ({ pair, text, was }) => {
      const sync = pairOf(pair);
      draftOf(sync, text);
      const { folder } = sync.pair.config;
      if (was !== undefined && (await readRules(folder)) !== was) {
        throw new PersonError(
          'exists',
          `${IGNORE_FILE} was changed meanwhile`,
          'Read it again, then make your change.',
        );
      }
      await writeRules(folder, text);
      host.running().engine.nudge();
      return { text };
    },
    'ignore.preview': ({ pair, text, limit }, { signal }) => {
      const sync = pairOf(pair);
      const rules = { now: sync.observer.rules, then: draftOf(sync, text) };
      return previewRules(sync.pair.config.folder, rules, limit, signal);
    },
  };
}

/** @throws PersonError bad-input */
function draftOf(sync: PairSync, text: string): IgnoreRules {
  const draft = sync.observer.rules.withTop(text);
  if (typeof draft === 'string') throw badRules(draft);
  return draft;
}

function badRules(problem: IgnoreFileProblem): PersonError {
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
async function readRules(folder: string): Promise<string> {
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
async function writeRules(folder: string, text: string): Promise<void> {
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

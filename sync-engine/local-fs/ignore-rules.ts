/**
 * What is not synced: `.coffreignore` files (gitignore syntax, each scoped to its folder, a deeper one
 * deciding over one above) and a short built-in list. Paths are relative to the pair's folder, with `/`,
 * '' for the folder itself.
 *
 * As in git, nothing inside an ignored folder can be taken back by a deeper rule. The built-in list cannot be
 * taken back at all.
 */
import ignore, { type Ignore, type TestResult } from 'ignore';

export const IGNORE_FILE = '.coffreignore';
/** The pair's own folder; only at the top of the pair. */
export const PAIR_FOLDER = '.coffre';

/** Caps: a rule file arrives from other devices too, and every path is tested against every rule. */
export const MAX_IGNORE_FILE_BYTES = 64 * 1024;
export const MAX_IGNORE_LINES = 1_000;
const MAX_PATTERN_LENGTH = 1_024;
/** A pattern of n separate stars may take a time of the n-th power of the name's length to fail. */
const MAX_PATTERN_STARS = 8;

/** By name alone, so no table of past answers grows with the number of files. */
const BUILT_IN: readonly (readonly [pattern: string, name: RegExp])[] = [
  ['.DS_Store', /^\.ds_store$/i],
  ['Thumbs.db', /^thumbs\.db$/i],
  ['desktop.ini', /^desktop\.ini$/i],
  ['~$*', /^~\$/],
  ['.~lock.*#', /^\.~lock\..*#$/],
];

export const BUILT_IN_PATTERNS: readonly string[] = [
  ...BUILT_IN.map(([pattern]) => pattern),
  `/${PAIR_FOLDER}/`,
];

export type IgnoreFileProblem = 'too-large' | 'too-many-lines' | 'unreadable' | 'bad-pattern';

export interface IgnoreVerdict {
  readonly ignored: boolean;
  /** The rule that decided; null when none matched. */
  readonly rule: {
    /** Path of the rule file, relative to the pair; `built-in` for the built-in list. */
    readonly file: string;
    readonly pattern: string;
    /** The path it matched: the asked one, or the folder above it that is ignored. */
    readonly path: string;
  } | null;
}

const NO_RULE: IgnoreVerdict = { ignored: false, rule: null };

/**
 * The rules of one pair, kept up to date with `setFile`. Not shared between threads: each builds its own from
 * the same texts.
 */
export class IgnoreRules {
  /** By folder; '' is the pair's folder. */
  readonly #files = new Map<string, RuleFile>();

  /**
   * Takes the text of a folder's rule file, null when the folder has none (any more). A file with a problem
   * counts as empty, and the caller shows the problem as an issue.
   */
  setFile(folder: string, text: string | null): IgnoreFileProblem | null {
    this.#files.delete(folder);
    for (const file of this.#files.values()) file.forget();
    if (text === null) return null;
    const rules = parseRules(text);
    if (typeof rules === 'string') return rules;
    this.#files.set(folder, new RuleFile(rules));
    return null;
  }

  /** The same with another text at the top, for a person who writes one. Neither changes the other. */
  withTop(text: string): IgnoreRules | IgnoreFileProblem {
    const draft = new IgnoreRules();
    for (const [folder, file] of this.#files) if (folder !== '') draft.#files.set(folder, file.copy());
    return draft.setFile('', text) ?? draft;
  }

  /** Forgets the rule files of a folder that went, and of all below it. */
  dropFolder(folder: string): void {
    for (const known of this.#files.keys()) {
      if (folder === '' || known === folder || known.startsWith(`${folder}/`)) this.#files.delete(known);
    }
  }

  /** Whether the path, or a folder above it, is ignored. */
  ignores(path: string, isFolder: boolean): boolean {
    return this.explain(path, isFolder).ignored;
  }

  /** The same for an entry of a folder known not to be ignored: one step instead of one for every folder. */
  ignoresEntry(path: string, isFolder: boolean): boolean {
    return this.#step(path, isFolder).ignored;
  }

  /** Which rule of which file decides over the path (`coffre ignore test PATH`). */
  explain(path: string, isFolder: boolean): IgnoreVerdict {
    for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) {
      const verdict = this.#step(path.slice(0, end), true);
      if (verdict.ignored) return verdict;
    }
    return this.#step(path, isFolder);
  }

  /** The verdict on one path whose folders above are not ignored: the deepest file with an opinion decides. */
  #step(path: string, isFolder: boolean): IgnoreVerdict {
    if (path === '') return NO_RULE;
    const builtIn = builtInPattern(path, isFolder);
    if (builtIn !== null) return { ignored: true, rule: { file: 'built-in', pattern: builtIn, path } };
    // Rule files are synced, so that every device ignores the same: `*` does not mean them.
    if (this.#files.size === 0 || (!isFolder && nameOf(path) === IGNORE_FILE)) return NO_RULE;
    for (let folder = parentOf(path); ; folder = parentOf(folder)) {
      const rules = this.#files.get(folder);
      const result = rules?.test(folder === '' ? path : path.slice(folder.length + 1), isFolder);
      if (result?.ignored === true || result?.unignored === true) {
        const file = folder === '' ? IGNORE_FILE : `${folder}/${IGNORE_FILE}`;
        const pattern = result.rule?.pattern;
        return { ignored: result.ignored, rule: pattern === undefined ? null : { file, pattern, path } };
      }
      if (folder === '') return NO_RULE;
    }
  }
}

/** One rule file. The library remembers every answer, so after so many it is made anew from its rules. */
class RuleFile {
  readonly #rules: Ignore;
  #tester: Ignore;
  #asked = 0;

  constructor(rules: Ignore) {
    this.#rules = rules;
    this.#tester = ignore({ ignorecase: false }).add(rules);
  }

  copy(): RuleFile {
    return new RuleFile(this.#rules);
  }

  forget(): void {
    this.#tester = ignore({ ignorecase: false }).add(this.#rules);
    this.#asked = 0;
  }

  /** The opinion on the path itself; its folders above are known not to be ignored. */
  test(path: string, isFolder: boolean): TestResult {
    if (++this.#asked > 20_000) this.forget();
    // A folder this file ignores, but a deeper one took back: without a rule saying so here, everything in
    // it would count as ignored with it.
    for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) {
      const above = path.slice(0, end + 1);
      if (this.#tester.test(above).ignored) this.#tester.add(`!/${escapePattern(above)}`);
    }
    return this.#tester.test(isFolder ? `${path}/` : path);
  }
}

function parseRules(text: string): Ignore | IgnoreFileProblem {
  if (Buffer.byteLength(text) > MAX_IGNORE_FILE_BYTES) return 'too-large';
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  if (lines.length > MAX_IGNORE_LINES) return 'too-many-lines';
  if (lines.some(isCostly)) return 'bad-pattern';
  try {
    const rules = ignore({ ignorecase: false }).add(lines);
    // Patterns compile on first use: a bad one must show here, not in a scan.
    rules.ignores('probe/probe');
    return rules;
  } catch {
    return 'bad-pattern';
  }
}

function isCostly(line: string): boolean {
  if (line.startsWith('#')) return false;
  return line.length > MAX_PATTERN_LENGTH || (line.match(/\*+/g)?.length ?? 0) > MAX_PATTERN_STARS;
}

function builtInPattern(path: string, isFolder: boolean): string | null {
  if (isFolder && path.toLowerCase() === PAIR_FOLDER) return `/${PAIR_FOLDER}/`;
  const name = nameOf(path);
  return BUILT_IN.find(([, matcher]) => matcher.test(name))?.[0] ?? null;
}

function escapePattern(path: string): string {
  return path.replace(/[\\*?[\]!# ]/g, '\\$&');
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash === -1 ? '' : path.slice(0, slash);
}

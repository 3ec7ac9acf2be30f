/** Names and contents for the numbers of a bug report: those that were the same, or nearly, are so again. */
import type { FileKind, ReportedName, ReportedPair } from '../../protocol/report.ts';

const ENDINGS: Readonly<Record<FileKind, string>> = {
  none: '',
  text: '.txt',
  document: '.odt',
  picture: '.jpg',
  sound: '.mp3',
  film: '.mp4',
  archive: '.zip',
  code: '.ts',
  temporary: '.tmp',
  other: '.dat',
};
/** Composed and decomposed, for the forms 0, 1, 2 and 3. */
const ACCENTS = ['\u00e9\u00e9', 'e\u0301e\u0301', '\u00e9e\u0301', 'e\u0301\u00e9'];
const WORD = ['n', 'a', 'm', 'e'];
/** What the built-in rules ignore. */
const IGNORED = '~$';

export class ReplayNames {
  readonly #pair: ReportedPair;
  readonly #accented: ReadonlySet<number>;
  /** Contents that are rules: they must be able to be read as such. */
  readonly #rules: ReadonlySet<number>;

  constructor(pair: ReportedPair) {
    this.#pair = pair;
    this.#accented = new Set(pair.names.filter(({ form }) => form > 0).map(({ group }) => group));
    const states = pair.nodes.flatMap(({ remote, local, synced }) =>
      [remote, local, synced].flatMap((state) =>
        typeof state === 'object' && state !== null ? [state] : [],
      ),
    );
    this.#rules = new Set(
      states.flatMap(({ name, content }) => (content !== null && this.#isRuleFile(name) ? [content] : [])),
    );
  }

  #isRuleFile(index: number): boolean {
    return this.#pair.names[index]?.traits.includes('ignore-file') === true;
  }

  /** @param isIgnored the rules that ignored it are not in the report: a built-in one does */
  name(index: number, isIgnored: boolean): string {
    const name = this.#pair.names[index];
    if (name === undefined) throw new Error(`the report has no name ${index}`);
    if (this.#isRuleFile(index)) return '.coffreignore';
    const has = new Set(name.traits);
    const before =
      (isIgnored || has.has('built-in') ? IGNORED : '') +
      (has.has('hidden') ? '.' : '') +
      (has.has('device') ? 'nul.' : '');
    const after = has.has('trailing') ? '.' : '';
    return before + this.#stem(name, has) + ENDINGS[name.kind] + after;
  }

  #stem(name: ReportedName, has: ReadonlySet<string>): string {
    const { illegal, windowsNames } = this.#pair.capabilities;
    const letters = WORD.map((letter, place) =>
      ((name.spelling >> place) & 1) === 1 ? letter.toUpperCase() : letter,
    );
    const isOddOtherwise = has.has('trailing') || has.has('device');
    const refused = illegal[0] ?? (windowsNames ? ':' : '');
    return [
      letters.join(''),
      `-${name.group}`,
      this.#accented.has(name.group) ? (ACCENTS[name.form] ?? '') : '',
      has.has('impossible') && !isOddOtherwise ? refused : '',
      has.has('long') ? 'x'.repeat(200) : '',
      has.has('conflict') ? ' (conflict, Device, 2026-01-01)' : '',
    ].join('');
  }

  content(token: number): string {
    return this.#rules.has(token) ? `# content ${token}\n` : `content ${token}`;
  }
}

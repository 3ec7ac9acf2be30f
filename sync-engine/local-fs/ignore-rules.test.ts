import { describe, expect, it } from 'vitest';
import { IgnoreRules, MAX_IGNORE_FILE_BYTES, MAX_IGNORE_LINES } from './ignore-rules.ts';

function rulesOf(files: Record<string, string>): IgnoreRules {
  const rules = new IgnoreRules();
  for (const [folder, text] of Object.entries(files)) expect(rules.setFile(folder, text)).toBeNull();
  return rules;
}

describe('the built-in list', () => {
  const rules = new IgnoreRules();
  it.each([
    ['.DS_Store', false],
    ['a/b/Thumbs.db', false],
    ['a/desktop.ini', false],
    ['a/~$report.docx', false],
    ['a/.~lock.report.odt#', false],
    ['.coffre', true],
    ['.coffre/trash/x', false],
  ])('ignores %s', (path, isFolder) => {
    expect(rules.ignores(path, isFolder)).toBe(true);
  });

  it.each([
    ['a/.coffre', true], // another folder's own business
    ['.coffre', false], // a file of that name is no pair folder
    ['.coffreignore', false],
    ['~report.docx', false],
    ['my.DS_Store', false],
  ])('keeps %s', (path, isFolder) => {
    expect(rules.ignores(path, isFolder)).toBe(false);
  });

  it('cannot be taken back', () => {
    expect(rulesOf({ '': '!.DS_Store\n!.coffre/' }).ignores('.DS_Store', false)).toBe(true);
  });
});

describe('rule files', () => {
  it('follow gitignore syntax, with comments, CRLF and a byte order mark', () => {
    const rules = rulesOf({ '': '\uFEFF# a comment\r\n*.log\r\n!keep.log\r\n/top\r\nbuild/\r\n' });
    expect(rules.ignores('a/b.log', false)).toBe(true);
    expect(rules.ignores('a/keep.log', false)).toBe(false);
    expect(rules.ignores('top', false)).toBe(true);
    expect(rules.ignores('a/top', false)).toBe(false);
    expect(rules.ignores('build', true)).toBe(true);
    expect(rules.ignores('build', false)).toBe(false);
    expect(rules.ignores('build/deep/file', false)).toBe(true);
    expect(rules.ignores('B.LOG', false)).toBe(false);
  });

  it('are scoped to their folder', () => {
    const rules = rulesOf({ a: '*.tmp\n/only' });
    expect(rules.ignores('a/x.tmp', false)).toBe(true);
    expect(rules.ignores('a/b/x.tmp', false)).toBe(true);
    expect(rules.ignores('x.tmp', false)).toBe(false);
    expect(rules.ignores('ab/x.tmp', false)).toBe(false);
    expect(rules.ignores('a/only', false)).toBe(true);
    expect(rules.ignores('a/b/only', false)).toBe(false);
  });

  it('deeper ones decide over those above', () => {
    const rules = rulesOf({ '': '*.log', a: '!*.log', 'a/b': '*.log' });
    expect(rules.ignores('x.log', false)).toBe(true);
    expect(rules.ignores('a/x.log', false)).toBe(false);
    expect(rules.ignores('a/b/x.log', false)).toBe(true);
  });

  it('a folder taken back by a deeper file has its own contents judged by all files', () => {
    const rules = rulesOf({ '': 'a/[k]eep*/\n*.log', a: '!keep me/' });
    expect(rules.ignores('a/keeper', true)).toBe(true);
    expect(rules.ignores('a/keep me', true)).toBe(false);
    expect(rules.ignores('a/keep me/deep/file', false)).toBe(false);
    expect(rules.ignores('a/keep me/deep/file.log', false)).toBe(true);
    rules.setFile('a', null);
    expect(rules.ignores('a/keep me/deep/file', false)).toBe(true);
  });

  it('nothing in an ignored folder is taken back', () => {
    const rules = rulesOf({ '': 'a/', 'a/b': '!file' });
    expect(rules.ignores('a/b/file', false)).toBe(true);
  });

  it('do not ignore themselves', () => {
    const rules = rulesOf({ '': '*\n', a: '*' });
    expect(rules.ignores('.coffreignore', false)).toBe(false);
    expect(rules.ignores('x', false)).toBe(true);
    expect(rules.ignores('a/.coffreignore', false)).toBe(true); // `a` is ignored
  });

  it('are forgotten with their folder', () => {
    const rules = rulesOf({ '': '*.one', a: '*.two', 'a/b': '*.three', ab: '*.four' });
    rules.dropFolder('a');
    expect(rules.ignores('a/x.two', false)).toBe(false);
    expect(rules.ignores('a/b/x.three', false)).toBe(false);
    expect(rules.ignores('ab/x.four', false)).toBe(true);
    expect(rules.ignores('a/x.one', false)).toBe(true);
  });

  it('answer the same after more questions than are remembered', () => {
    const rules = rulesOf({ '': '*.log\nkept/', x: '!kept/' });
    for (let count = 0; count < 25_000; count += 1) rules.ignoresEntry(`x/kept/${count}.log`, false);
    expect(rules.ignoresEntry('x/kept/y.log', false)).toBe(true);
    expect(rules.ignoresEntry('x/kept/y.txt', false)).toBe(false);
  });
});

describe('explain', () => {
  it('names the file, the pattern and the path that decided', () => {
    const rules = rulesOf({ '': 'build/', a: '*.tmp\n!x.tmp' });
    expect(rules.explain('a/build/x/y.o', false)).toEqual({
      ignored: true,
      rule: { file: '.coffreignore', pattern: 'build/', path: 'a/build' },
    });
    expect(rules.explain('a/y.tmp', false)).toEqual({
      ignored: true,
      rule: { file: 'a/.coffreignore', pattern: '*.tmp', path: 'a/y.tmp' },
    });
    expect(rules.explain('a/x.tmp', false).ignored).toBe(false);
    expect(rules.explain('a/Thumbs.db', false).rule?.file).toBe('built-in');
    expect(rules.explain('a/other', false)).toEqual({ ignored: false, rule: null });
  });
});

describe('a rule file with a problem', () => {
  it.each([
    ['too-large', '#'.repeat(MAX_IGNORE_FILE_BYTES + 1)],
    ['too-many-lines', 'a\n'.repeat(MAX_IGNORE_LINES + 1)],
    ['bad-pattern', 'a*'.repeat(20)],
    ['bad-pattern', 'a'.repeat(2_000)],
  ] as const)('is reported as %s and counts as empty', (problem, text) => {
    const rules = new IgnoreRules();
    expect(rules.setFile('', text)).toBe(problem);
    expect(rules.ignores('a', false)).toBe(false);
  });

  it('patterns that make no sense are not a crash', () => {
    const rules = rulesOf({ '': '[z-a]\n\\\n[\n!\n/\n***\n[[:alpha:]]' });
    expect(rules.ignores('anything/at all', false)).toBeTypeOf('boolean');
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IgnoreRules } from '../local-fs/ignore-rules.ts';
import { previewRules } from './ignore-preview.ts';

const never = new AbortController().signal;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coffre-preview-'));
  for (const path of [
    'a.txt',
    'build/one.o',
    'build/deep/two.o',
    'docs/a.tmp',
    'docs/keep',
    '.coffre/marker',
  ]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), path);
  }
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function rules(top: string, docs?: string): IgnoreRules {
  const made = new IgnoreRules();
  made.setFile('', top);
  if (docs !== undefined) made.setFile('docs', docs);
  return made;
}

function draft(now: IgnoreRules, text: string): IgnoreRules {
  const then = now.withTop(text);
  if (typeof then === 'string') throw new Error(then);
  return then;
}

describe('the preview of ignore rules', () => {
  it('counts all that would be left out and names the tops of it', async () => {
    const now = rules('*.tmp');
    const seen = await previewRules(folder, { now, then: draft(now, 'build/\n') }, 20, never);
    expect(seen).toEqual({
      newlyIgnored: { files: 2, paths: ['build/'] },
      noLongerIgnored: { files: 1, paths: ['docs/a.tmp'] },
      complete: true,
    });
  });

  it('shows that a rule for everything takes everything but the rules', async () => {
    writeFileSync(join(folder, '.coffreignore'), '');
    const now = rules('');
    const seen = await previewRules(folder, { now, then: draft(now, '*') }, 2, never);
    expect(seen.newlyIgnored).toEqual({ files: 5, paths: ['a.txt', 'build/'] });
  });

  it('lets rules in deeper folders decide as they do', async () => {
    const now = rules('', '!*.tmp\n');
    const seen = await previewRules(folder, { now, then: draft(now, '*.tmp') }, 20, never);
    expect(seen.newlyIgnored).toEqual({ files: 0, paths: [] });
    expect(now.ignores('docs/a.tmp', false)).toBe(false);
  });

  it('refuses a draft that is no rules', () => {
    expect(rules('').withTop('*'.repeat(70_000))).toBe('too-large');
    expect(rules('').withTop('a*b*c*d*e*f*g*h*i*j*')).toBe('bad-pattern');
  });
});

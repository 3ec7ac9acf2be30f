/** What the engine may say has words in the window: its own sources are read, so that a new code turns this red. */
import { describe, expect, it } from 'vitest';
import en from '../locales/en.json';
import { sayingOf } from './error-text.ts';

const sources = import.meta.glob<string>(['../../sync-engine/**/*.ts', '!../../sync-engine/**/*.test.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
});

function source(name: string): string {
  const found = sources[`../../sync-engine/${name}`];
  if (found === undefined) throw new Error(`the engine has no ${name} any more`);
  return found;
}

/** The members of a union of strings. */
function union(text: string, name: string): string[] {
  const body = new RegExp(`type ${name} =([^;]*);`).exec(text)?.[1] ?? '';
  return [...body.matchAll(/'([\w-]+)'/g)].map((match) => match[1] ?? '');
}

describe('the words for', () => {
  it('issues are there for each code', () => {
    const codes = union(source('engine/issue-codes.ts'), 'IssueCode');
    expect(codes.length).toBeGreaterThan(20);
    expect(codes.filter((code) => !(code in en.issues))).toEqual([]);
  });
  it('ways out are there for each way', () => {
    const lists = [...source('engine/issue-codes.ts').matchAll(/ways: \[([^\]]*)\]/g)];
    const ways = lists.flatMap(([, list]) =>
      [...(list ?? '').matchAll(/'([\w-]+)'/g)].map((match) => match[1] ?? ''),
    );
    expect(ways.length).toBeGreaterThan(20);
    expect(ways.filter((way) => !(way in en.ways))).toEqual([]);
  });
  it('notices are there for each code', () => {
    const codes = [...source('host/running-device.ts').matchAll(/\.notice\(\s*'([\w-]+)'/g)].map(
      ([, code]) => code ?? '',
    );
    expect(codes.length).toBeGreaterThan(4);
    expect(codes.filter((code) => !(code in en.notices))).toEqual([]);
  });
  it('reasons of what was done are there for each reason', () => {
    const reasons = union(source('plan/operation.ts'), 'Reason');
    expect(reasons.length).toBeGreaterThan(10);
    expect(reasons.filter((reason) => !(reason in en.activity.reasons))).toEqual([]);
  });
});

it('recognises only sentences that the engine says', () => {
  const sentences = Object.values(sources).flatMap((text) =>
    [...text.matchAll(/(['"`])((?:(?!\1).)*)\1/g)].map((match) => match[2] ?? ''),
  );
  const said = new Set(
    sentences
      .map((message) => sayingOf({ code: 'refused', message, hint: '' }))
      .filter((one) => one !== null),
  );
  expect(Object.keys(en.sayings).filter((saying) => !said.has(saying as never))).toEqual([]);
});

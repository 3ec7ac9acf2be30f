/**
 * The lines of an import: CSV with a header, or a JSON object a line; columns `email`, `hash`, `scheme`, `plan`. Read as
 * a stream, so that a file may have any number of lines; a line that is too long is passed over, not held.
 */
import { createReadStream } from 'node:fs';
import { z } from 'zod';
import { emailSchema } from '../../protocol/cloud.ts';
import { normalEmail } from '../accounts/account-service.ts';
import { parseSize } from '../quota/quota.ts';
import type { NewLegacyRow } from '../store/legacy-store.ts';
import { proofHash } from './claims.ts';
import { LEGACY_SCHEMES, parseEncodedHash } from './encoded-hash.ts';

export type ImportFormat = 'csv' | 'jsonl';

export type ImportLine =
  | { readonly number: number; readonly row: NewLegacyRow }
  /** Why it is none, as a sentence that quotes nothing of it. */
  | { readonly number: number; readonly why: string };

const COLUMNS = ['email', 'hash', 'scheme', 'plan'] as const;
type Fields = Partial<Readonly<Record<(typeof COLUMNS)[number], string>>>;

const MOST_LINE_CHARS = 4096;
const MOST_HASH_CHARS = 512;

/** The header of a CSV is not one that is known. */
export class BadHeader extends Error {
  override readonly name = 'BadHeader';
}

/** Numbered as an editor does; empty lines are none. @throws BadHeader, or what reading fails with */
export async function* importLines(file: string, format: ImportFormat): AsyncGenerator<ImportLine> {
  let columns: readonly string[] | null = null;
  for await (const { number, text } of cappedLines(file)) {
    if (text === null) {
      if (format === 'csv' && columns === null)
        throw new BadHeader('the first line is too long to be a header');
      yield { number, why: `is longer than ${MOST_LINE_CHARS} characters` };
      continue;
    }
    if (text.trim() === '') continue;
    if (format === 'csv' && columns === null) {
      columns = headerOf(text);
      continue;
    }
    const fields = columns === null ? fieldsOfJson(text) : fieldsOfCsv(text, columns);
    yield typeof fields === 'string' ? { number, why: fields } : { number, ...rowOf(fields) };
  }
  if (format === 'csv' && columns === null) throw new BadHeader('it is empty: a header comes first');
}

/** `text` is null for a line that is too long. */
async function* cappedLines(file: string): AsyncGenerator<{ number: number; text: string | null }> {
  let number = 1;
  let line = '';
  let isTooLong = false;
  const ended = (): { number: number; text: string | null } => {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    return { number, text: isTooLong ? null : number === 1 ? text.replace(/^\uFEFF/, '') : text };
  };
  for await (const chunk of createReadStream(file, { encoding: 'utf8' }) as AsyncIterable<string>) {
    const [first = '', ...others] = chunk.split('\n');
    for (const [index, part] of [first, ...others].entries()) {
      if (index > 0) {
        yield ended();
        number += 1;
        line = '';
        isTooLong = false;
      }
      if (!isTooLong) line += part;
      if (line.length <= MOST_LINE_CHARS) continue;
      isTooLong = true;
      line = '';
    }
  }
  if (line !== '' || isTooLong) yield ended();
}

function headerOf(text: string): readonly string[] {
  const columns = csvValues(text)?.map((name) => name.trim().toLowerCase()) ?? [];
  const known: readonly string[] = COLUMNS;
  const strange = columns.find((name) => !known.includes(name));
  const hasAll = columns.includes('email') && new Set(columns).size === columns.length;
  if (strange === undefined && hasAll) return columns;
  const what = strange === undefined ? 'has no column email, or one twice' : 'has a column that is not known';
  throw new BadHeader(
    `its first line ${what}: a header names email, and hash, scheme and plan where there are any`,
  );
}

function fieldsOfCsv(text: string, columns: readonly string[]): Fields | string {
  const values = csvValues(text);
  if (values === null) return 'has a quote that does not close, or stands inside a field';
  if (values.length !== columns.length) return `has ${values.length} fields and the header ${columns.length}`;
  return Object.fromEntries(columns.map((name, index) => [name, values[index] ?? '']));
}

/** RFC 4180, a record a line. Null for what is none. */
function csvValues(text: string): string[] | null {
  const values: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (;;) {
    const match = field.exec(text);
    if (match === null) return null;
    values.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '') return values;
  }
}

const jsonSchema = z.strictObject({
  email: z.string(),
  hash: z.string().nullish(),
  scheme: z.string().nullish(),
  plan: z.union([z.string(), z.number()]).nullish(),
});

function fieldsOfJson(text: string): Fields | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'is not JSON';
  }
  const result = jsonSchema.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    const where = issue?.path.join('.') ?? '';
    if (issue?.code === 'unrecognized_keys')
      return 'has a key that is not known: email, hash, scheme, plan are';
    return where === '' ? 'is not an object' : `has no ${where} that is text`;
  }
  const given = Object.entries(result.data).filter(([, one]) => one !== null && one !== undefined);
  return Object.fromEntries(given.map(([name, one]) => [name, String(one)]));
}

function rowOf({
  email = '',
  hash = '',
  scheme = '',
  plan = '',
}: Fields): { row: NewLegacyRow } | { why: string } {
  const address = normalEmail(email);
  if (!emailSchema.safeParse(address).success) return { why: 'has no e-mail address' };
  const quotaBytes = plan.trim() === '' ? null : parseSize(plan);
  if (quotaBytes === null && plan.trim() !== '') return { why: 'has a plan that is not a size such as 50GB' };
  if (hash.trim() === '') {
    if (scheme.trim() !== '') return { why: 'names a scheme and has no hash' };
    return { row: { email: address, password: null, quotaBytes } };
  }
  if (hash.length > MOST_HASH_CHARS) return { why: `has a hash longer than ${MOST_HASH_CHARS} characters` };
  const parsed = parseEncodedHash(hash.trim());
  if (!parsed.ok) return { why: `has a hash that ${parsed.why}` };
  const named = scheme.trim().toLowerCase();
  if (named !== '' && named !== parsed.parameters.scheme) {
    return {
      why: `has a hash of ${parsed.parameters.scheme}, and another scheme (${LEGACY_SCHEMES.join(', ')})`,
    };
  }
  const password = { parameters: parsed.parameters, proofHash: proofHash(parsed.hash) };
  return { row: { email: address, password, quotaBytes } };
}

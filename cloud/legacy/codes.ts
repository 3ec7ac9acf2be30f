/** One-time codes, which the operator sends to people. The server knows them by their hash only. */
import { createHash, randomBytes } from 'node:crypto';
import { LEGACY_CODE_CHARS, normalCode } from '../../protocol/legacy.ts';
import type { Hash } from '../../protocol/ids.ts';

const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** As people read it: `7K3Q-...`, four groups of four. */
export function newCode(): string {
  const letters = [...randomBytes(LEGACY_CODE_CHARS)].map((byte) => LETTERS[byte % LETTERS.length] ?? '');
  return letters.join('').replaceAll(/(.{4})(?=.)/g, '$1-');
}

export function hashCode(code: string): Hash {
  return createHash('sha256').update(normalCode(code), 'utf8').digest('hex') as Hash;
}

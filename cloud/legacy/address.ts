import { createHash } from 'node:crypto';
import type { Hash } from '../../protocol/ids.ts';

/** By which rows of an older service are known. @param email lower case and trimmed */
export function addressHash(email: string): Hash {
  return createHash('sha256').update(email, 'utf8').digest('hex') as Hash;
}

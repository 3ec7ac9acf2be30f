/**
 * Ids of new nodes. Those made one after another begin alike, so that what keeps rows by id (the manifest, the
 * server) writes them next to each other, and a folder of a million files costs no more a file than one of ten
 * thousand. Who sees ids learns no more by that than by the commits in which they come. What is left, 96 bits, is
 * random for each.
 */
import { toHex, type NodeId } from '../../protocol/ids.ts';
import type { Random } from '../crypto/random.ts';

const PREFIX_BYTES = 4;
const RANDOM_BYTES = 12;
const RUN = 4096;

/** Each call makes an id. */
export function nodeIds(random: Random): () => NodeId {
  let prefix = '';
  let left = 0;
  return () => {
    if (left === 0) {
      prefix = toHex(random(PREFIX_BYTES));
      left = RUN;
    }
    left -= 1;
    return `${prefix}${toHex(random(RANDOM_BYTES))}` as NodeId;
  };
}

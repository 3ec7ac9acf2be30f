import { createHash } from 'node:crypto';

/** Bytes that look random and are the same for the same seed: SHA-256 over seed and counter. Never for keys. */
export function seededRandom(seed: string): (size: number) => Uint8Array {
  let counter = 0;
  return (size) => {
    const blocks: Buffer[] = [];
    for (let length = 0; length < size; length += 32) {
      blocks.push(createHash('sha256').update(`${seed}/${counter}`).digest());
      counter += 1;
    }
    return Uint8Array.from(Buffer.concat(blocks).subarray(0, size));
  };
}

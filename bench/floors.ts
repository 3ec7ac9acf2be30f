/** What the same work costs without any sync: the floors that every figure is set against. */
import { spawnSync } from 'node:child_process';
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { filesOf } from './trees.ts';

const COPY_MS = 300_000;
/** A segment of the sealing: what one seal covers. */
const SEGMENT = 256 * 1024;

export interface Floors {
  /** Seconds of `cp -r` of the same tree. */
  readonly copy: number;
  /** Seconds to read, hash (SHA-256) and seal (AES-256-GCM) the same bytes on one core. */
  readonly seal: number;
}

/** @param scratch where the copy goes; it is removed again */
export function floorsOf(tree: string, scratch: string): Floors {
  const began = performance.now();
  const result = spawnSync('cp', ['-r', tree, scratch], { timeout: COPY_MS });
  const copy = (performance.now() - began) / 1000;
  rmSync(scratch, { recursive: true, force: true });
  if (result.status !== 0) throw new Error('cp failed');
  // The least of three: what is measured against it must not look good because something else ran.
  return { copy, seal: Math.min(...[0, 1, 2].map(() => sealSeconds(tree))) };
}

function sealSeconds(tree: string): number {
  const key = randomBytes(32);
  const piece = Buffer.alloc(SEGMENT);
  const began = performance.now();
  for (const name of filesOf(tree)) {
    const file = openSync(join(tree, name), 'r');
    for (let length = readSync(file, piece); length > 0; length = readSync(file, piece)) {
      const bytes = piece.subarray(0, length);
      createHash('sha256').update(bytes).digest();
      const cipher = createCipheriv('aes-256-gcm', key, Buffer.alloc(12));
      cipher.update(bytes);
      cipher.final();
      cipher.getAuthTag();
    }
    closeSync(file);
  }
  return (performance.now() - began) / 1000;
}

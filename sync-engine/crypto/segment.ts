/**
 * A segment: one large chunk or a run of small ones, sealed under K_data. In a pack it is salt, commitment,
 * ciphertext and tag only; the sealed pack index says where it lies and of which epoch it is.
 * Whoever opens one computes every chunk id again.
 */
import {
  NO_EXTRA,
  openHeaderless,
  sealHeaderless,
  sealHeaderlessInto,
  type ObjectContext,
  type Opened,
} from './object.ts';
import type { Random } from './random.ts';
import type { VaultKeys } from './vault-keys.ts';

function contextOf(keys: VaultKeys, epoch: number): ObjectContext {
  return { key: keys.dataKey(epoch), type: 'segment', epoch, vault: keys.vault, extra: NO_EXTRA };
}

/** `SEGMENT_OVERHEAD_BYTES` longer than its plaintext. */
export function sealSegment(
  keys: VaultKeys,
  epoch: number,
  plaintext: Uint8Array,
  random: Random,
): Uint8Array {
  return sealHeaderless({ ...contextOf(keys, epoch), plaintext, random });
}

/** The same, written to `target` from `at` on. */
export function sealSegmentInto(
  keys: VaultKeys,
  epoch: number,
  plaintext: Uint8Array,
  random: Random,
  target: Uint8Array,
  at: number,
): void {
  sealHeaderlessInto({ ...contextOf(keys, epoch), plaintext, random }, target, at);
}

/** `wrong-epoch` when the keyring lacks that epoch. */
export function openSegment(keys: VaultKeys, epoch: number, sealed: Uint8Array): Opened {
  if (!keys.has(epoch)) return { ok: false, fault: 'wrong-epoch' };
  return openHeaderless({ ...contextOf(keys, epoch), sealed });
}

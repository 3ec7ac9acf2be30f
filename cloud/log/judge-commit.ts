/**
 * Decides whether a commit may be appended to a vault's log, from facts a store read inside its
 * transaction. Pure: every store decides alike. Signature and device are checked before (`check-author.ts`).
 */
import type { Head } from '../../protocol/cloud.ts';
import { decodeHeader, type CommitFrame } from '../../protocol/commit.ts';
import { ZERO_HASH, type Hash, type NodeId, type PackName } from '../../protocol/ids.ts';
import { MAX_RECORD_BYTES } from '../../protocol/limits.ts';
import type { PackState } from '../packs/pack-state.ts';
import {
  exceedsQuota,
  retainedTooMuch,
  type ByteMoves,
  type QuotaRefusal,
  type Usage,
} from '../quota/quota.ts';

export interface VaultFacts {
  readonly head: Head;
  readonly epoch: number;
  /** Chain length the last commit named: it never regresses. */
  readonly chainLength: number;
  /** The least chain length a commit must name: past the last revocation or void that pins this vault. */
  readonly requiredChain: number;
  /** A revocation pinned this vault and no epoch has been opened since. */
  readonly epochDue: boolean;
}

export interface NodeFacts {
  readonly revision: number;
  readonly tombstone: boolean;
  readonly bytes: number;
}

export interface PackFacts {
  readonly size: number;
  readonly state: PackState;
  readonly indexHash: Hash | null;
  readonly indexBytes: number;
}

export interface CommitFacts {
  readonly vault: VaultFacts | null;
  readonly usage: Usage;
  readonly node: (node: NodeId) => NodeFacts | null;
  readonly pack: (name: PackName) => PackFacts | null;
  /** When retained bytes will be back within their share; asked only for a refusal. */
  readonly returnsAtMs: () => number | null;
}

export type CommitRefusal =
  | { readonly kind: 'stale-head'; readonly head: Head }
  | { readonly kind: 'stale-chain' }
  | { readonly kind: 'pack-missing'; readonly packs: readonly PackName[] }
  | { readonly kind: 'pack-deleting' }
  | { readonly kind: 'bad-request'; readonly message: string }
  | { readonly kind: 'refused'; readonly message: string }
  | QuotaRefusal;

export type CommitVerdict = { readonly kind: 'accepted'; readonly moves: ByteMoves } | CommitRefusal;

const bad = (message: string): CommitRefusal => ({ kind: 'bad-request', message });

export function judgeCommit(frame: CommitFrame, facts: CommitFacts): CommitVerdict {
  const placed = judgePlace(frame, facts.vault) ?? judgeEpoch(frame, facts.vault);
  if (placed !== null) return placed;
  const moves = { live: 0, uncommitted: 0, retained: 0 };
  const refusal = judgeNodes(frame, facts, moves) ?? judgePacks(frame, facts, moves);
  if (refusal !== null) return refusal;
  return judgeQuota(frame, facts, moves) ?? { kind: 'accepted', moves };
}

function judgePlace(frame: CommitFrame, vault: VaultFacts | null): CommitRefusal | null {
  const { header } = frame;
  const head: Head = vault?.head ?? { seq: 0, hash: ZERO_HASH };
  if (vault !== null && header.chainLength < Math.max(vault.chainLength, vault.requiredChain)) {
    return { kind: 'stale-chain' };
  }
  if (header.previous !== head.hash) return { kind: 'stale-head', head };
  if (header.seq <= head.seq || header.seq > lastSeq(frame, head) + 1) return { kind: 'stale-head', head };
  return null;
}

/**
 * A commit is the next one. After the server was restored from a backup a rejoin commit may skip the numbers
 * of the commits it names as lost, so that numbers and epochs never go down for a device that saw them.
 */
function lastSeq(frame: CommitFrame, head: Head): number {
  const lost = frame.rejoin?.lost.at(-1);
  return lost === undefined ? head.seq : Math.max(head.seq, decodeHeader(lost.bytes).seq);
}

function judgeEpoch(frame: CommitFrame, vault: VaultFacts | null): CommitRefusal | null {
  const { header, opening, wraps } = frame;
  const opens = opening !== null;
  if (opens && wraps === null) return bad('the commit opens an epoch without its keys');
  const expected = vault === null ? 0 : opens ? Math.max(vault.epoch, lostEpoch(frame)) + 1 : vault.epoch;
  if (vault === null && !opens) return bad("a vault's first commit opens epoch 0");
  if (header.epoch !== expected) return bad(`the commit names epoch ${header.epoch}, not ${expected}`);
  if (vault?.epochDue === true && !opens) {
    return { kind: 'refused', message: 'a device was revoked: the next commit must open a new epoch' };
  }
  return null;
}

function lostEpoch(frame: CommitFrame): number {
  return Math.max(0, ...(frame.rejoin?.lost ?? []).map((lost) => decodeHeader(lost.bytes).epoch));
}

type Moves = { -readonly [K in keyof ByteMoves]: number };

function judgeNodes(frame: CommitFrame, facts: CommitFacts, moves: Moves): CommitRefusal | null {
  for (const [index, entry] of frame.entries.entries()) {
    const before = facts.node(entry.node);
    const object = frame.objects[index] ?? null;
    if (before?.tombstone === true) return bad('a removed node never returns');
    if (entry.revision !== (before?.revision ?? 0) + 1) return bad('a revision that is not the next one');
    if (entry.objectHash === ZERO_HASH) {
      if (before === null) return bad('a tombstone for a node that is not there');
      if (object !== null) return bad('a tombstone with a record');
    } else {
      if (object === null || object.length > MAX_RECORD_BYTES) return bad('a record is missing or too large');
      moves.live += object.length;
    }
    moves.live -= before?.bytes ?? 0;
    moves.retained += before?.bytes ?? 0;
  }
  return null;
}

function judgePacks(frame: CommitFrame, facts: CommitFacts, moves: Moves): CommitRefusal | null {
  const { added, revived, dropped } = frame.packs;
  const inline = new Set(frame.inline.map((pack) => pack.name));
  const missing: PackName[] = [];
  for (const [index, pack] of added.entries()) {
    const stored = facts.pack(pack.name);
    const object = frame.indexes[index] ?? null;
    if (object === null) return bad('a pack index is missing');
    if (stored !== null && stored.state !== 'uploaded') {
      if (stored.state === 'deleting' || stored.state === 'purged') return { kind: 'pack-deleting' };
      return bad(
        stored.state === 'live' ? 'an added pack is live already' : 'an added pack was dropped: revive it',
      );
    }
    if (stored === null && !inline.has(pack.name)) missing.push(pack.name);
    if (stored !== null && stored.size !== pack.size) return bad('an added pack has another size');
    moves.live += pack.size + object.length;
    if (stored !== null) moves.uncommitted -= pack.size;
  }
  for (const pack of revived) {
    const stored = facts.pack(pack.name);
    if (stored?.state === 'deleting') return { kind: 'pack-deleting' };
    if (stored === null || stored.state === 'purged') missing.push(pack.name);
    else if (stored.state !== 'dropped') return bad('a revived pack was not dropped');
    else if (stored.indexHash !== pack.indexHash || stored.size !== pack.size) {
      return bad('a revived pack has another index');
    } else {
      moves.live += pack.size + stored.indexBytes;
      moves.retained -= pack.size + stored.indexBytes;
    }
  }
  if (missing.length > 0) return { kind: 'pack-missing', packs: missing };
  for (const pack of dropped) {
    const stored = facts.pack(pack.name);
    if (stored?.state !== 'live') return bad('a dropped pack is not live');
    if (stored.indexHash !== pack.indexHash || stored.size !== pack.size) {
      return bad('a dropped pack has another index');
    }
    moves.live -= pack.size + stored.indexBytes;
    moves.retained += pack.size + stored.indexBytes;
  }
  return null;
}

function judgeQuota(frame: CommitFrame, facts: CommitFacts, moves: ByteMoves): CommitRefusal | null {
  const { added, revived, dropped } = frame.packs;
  // Housekeeping, and a person making room: neither may be locked out by the very thing it is to end.
  const slack = dropped.length > 0 || added.length + revived.length === 0;
  const refuse = (returnsAtMs: number | null): CommitRefusal => ({
    kind: 'quota',
    usedBytes: facts.usage.liveBytes + facts.usage.uncommittedBytes,
    limitBytes: facts.usage.limitBytes,
    returnsAtMs,
  });
  if (exceedsQuota(facts.usage, moves.live + moves.uncommitted, slack)) return refuse(null);
  if (!slack && frame.inline.length > 0 && retainedTooMuch(facts.usage)) return refuse(facts.returnsAtMs());
  return null;
}

/** Commits as they arrive: decoded, their author checked against the device chain, appended. */
import { MalformedError } from '../../protocol/bytes.ts';
import { commitHash, decodeFrame, encodeFrame, type CommitFrame } from '../../protocol/commit.ts';
import type { DeviceChain } from '../../protocol/device-chain.ts';
import type { DeviceId, VaultId } from '../../protocol/ids.ts';
import { MAX_EVENT_BYTES } from '../../protocol/limits.ts';
import { verifySignature } from '../../protocol/signing.ts';
import type { ChainCache } from '../accounts/chain-cache.ts';
import { Refusal } from '../refusal.ts';
import type { AppendOutcome, MetadataStore, SessionRow } from '../store/metadata-store.ts';

export interface Committed {
  readonly seq: number;
  readonly receivedAtMs: number;
  /** Null for a commit that was in the log already: it is announced once. */
  readonly announce: {
    readonly frame: CommitFrame;
    readonly bytes: Uint8Array;
    readonly created: boolean;
  } | null;
}

/** How often a commit is tried again when the device chain moves under it. */
const CHAIN_RETRIES = 3;

export async function receiveCommit(
  parts: { readonly store: MetadataStore; readonly chains: ChainCache; readonly now: () => number },
  session: SessionRow,
  vault: VaultId,
  bytes: Uint8Array,
): Promise<Committed> {
  const frame = decode(bytes);
  if (frame.header.vault !== vault) throw new Refusal('bad-request', 'the commit is for another vault');
  const hash = commitHash(frame.signed.bytes);
  for (let attempt = 0; attempt < CHAIN_RETRIES; attempt += 1) {
    const chain = await (attempt === 0
      ? parts.chains.get(session.account)
      : parts.chains.refresh(session.account));
    if (chain === null) throw new Refusal('unauthorized', 'the token is missing, wrong or expired');
    const refusal = authorRefusal(frame, chain, session.device);
    if (refusal !== null) {
      // Another node may have appended to the chain since this one looked.
      if (attempt === 0 && (await parts.chains.refresh(session.account))?.head !== chain.head) continue;
      throw refusal;
    }
    const append = { account: session.account, chain, frame, hash, nowMs: parts.now() };
    const outcome = await parts.store.log.appendCommit(append);
    if (outcome.kind === 'chain-moved') continue;
    return answer(outcome, frame, bytes, chain);
  }
  throw new Refusal('unavailable', 'the device chain is changing: try again', { retryAfterS: 1 });
}

function decode(bytes: Uint8Array): CommitFrame {
  try {
    return decodeFrame(bytes);
  } catch (error) {
    if (error instanceof MalformedError) throw new Refusal('bad-request', error.message);
    throw error;
  }
}

/** Null when the device of the session signed it, and is live where the commit says the device chain stands. */
function authorRefusal(frame: CommitFrame, chain: DeviceChain, author: DeviceId): Refusal | null {
  const { header, signed } = frame;
  if (header.device !== author)
    return new Refusal('refused', 'the commit is by another device than the token');
  const device = chain.devices.get(author);
  if (device?.revoked !== null) return new Refusal('refused', 'the device was revoked');
  if (header.chainLength > chain.length) {
    return new Refusal('stale-chain', 'the commit names more of the device chain than the server has', {
      chainLength: chain.length,
    });
  }
  if (chain.hashes[header.chainLength - 1] !== header.chainHead || device.addedAt >= header.chainLength) {
    return new Refusal('refused', "the commit names a device chain that is not the account's");
  }
  if (!verifySignature('commit', signed.bytes, signed.signature, device.signKey)) {
    return new Refusal('refused', 'the signature of the commit does not hold');
  }
  return null;
}

function answer(
  outcome: Exclude<AppendOutcome, { kind: 'chain-moved' }>,
  frame: CommitFrame,
  bytes: Uint8Array,
  chain: DeviceChain,
): Committed {
  switch (outcome.kind) {
    case 'committed':
      return {
        seq: outcome.seq,
        receivedAtMs: outcome.receivedAtMs,
        announce: { frame, bytes, created: outcome.created },
      };
    case 'known':
      return { seq: outcome.seq, receivedAtMs: outcome.receivedAtMs, announce: null };
    case 'stale-head':
      throw new Refusal('stale-head', 'the commit is not on top of the head', { head: outcome.head });
    case 'stale-chain':
      throw new Refusal('stale-chain', 'the commit names too little of the device chain', {
        chainLength: chain.length,
      });
    case 'pack-missing':
      throw new Refusal('pack-missing', 'the commit names packs that are not stored', {
        packs: [...outcome.packs],
      });
    case 'pack-deleting':
      throw new Refusal('pack-deleting', 'a pack of the commit is being removed: upload its content anew');
    case 'quota':
      throw quotaExceeded(outcome);
    case 'bad-request':
    case 'refused':
      throw new Refusal(outcome.kind, outcome.message);
  }
}

export function quotaExceeded(quota: {
  readonly usedBytes: number;
  readonly limitBytes: number;
  readonly returnsAtMs: number | null;
}): Refusal {
  const { usedBytes, limitBytes, returnsAtMs } = quota;
  return new Refusal('quota', 'the account is full', { quota: { usedBytes, limitBytes, returnsAtMs } });
}

/** The bytes to push for a commit: whole, else without its inline packs, else null (only its head). */
export function eventFrame(frame: CommitFrame, bytes: Uint8Array): Uint8Array | null {
  if (bytes.length <= MAX_EVENT_BYTES) return bytes;
  const inline = frame.inline.reduce((sum, pack) => sum + pack.bytes.length, 0);
  if (inline === 0 || bytes.length - inline > MAX_EVENT_BYTES) return null;
  const without = encodeFrame({ ...frame, inline: [] });
  return without.length <= MAX_EVENT_BYTES ? without : null;
}

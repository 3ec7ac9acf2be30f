/**
 * After the server was restored from a backup. The device whose person says so takes the restored head and writes
 * a rejoin commit on it, which carries the signed headers from the fork to its high-water mark. A device that finds
 * its own mark among them goes along by itself; every other asks its person.
 */
import type { Head } from '../../protocol/cloud.ts';
import {
  commitHash,
  decodeRejoin,
  encodeRejoin,
  type CommitFrame,
  type CommitHeader,
  type Rejoin,
} from '../../protocol/commit.ts';
import type { DeviceChain } from '../../protocol/device-chain.ts';
import { ZERO_HASH, type Hash, type NodeId, type VaultId } from '../../protocol/ids.ts';
import type { VaultStore } from '../manifest/manifest.ts';
import { checkAuthor, follows, readHeader } from './commit-rules.ts';
import { takeEpochKey } from './log-epochs.ts';
import { LogFault } from './log-fault.ts';
import { chainCovering, REJOIN, type LogScope } from './log-scope.ts';
import { takeState } from './log-state.ts';
import { readSnapshot } from './snapshot.ts';

/** Headers in one rejoin: 7.7 MB of the 16 MiB of a commit. A device whose mark is older than these asks. */
const MAX_LOST = 20_000;
const HEADERS_PER_PAGE = 1000;

/** What the next commit has to carry, kept since the restored head was taken. */
export function pendingRejoin(store: VaultStore): Rejoin | null {
  const kept = store.meta(REJOIN);
  return kept === null ? null : decodeRejoin(Buffer.from(kept, 'base64'));
}

/** Sequence number and epoch that a rejoin commit must lie above. */
export function heightOf(rejoin: Rejoin): { seq: number; epoch: number } {
  const headers = rejoin.lost.map(readHeader);
  return { seq: headers.at(-1)?.seq ?? 0, epoch: Math.max(0, ...headers.map(({ epoch }) => epoch)) };
}

function names(rejoin: Rejoin, hash: Hash): boolean {
  return rejoin.lost.some(({ bytes }) => commitHash(bytes) === hash);
}

/** Whether another device's rejoin makes the one kept here needless: it names what this device saw last. */
export function settlesPending(store: VaultStore, rejoin: Rejoin): boolean {
  const own = pendingRejoin(store)?.lost.at(-1);
  return own !== undefined && names(rejoin, commitHash(own.bytes));
}

/** That the headers a rejoin carries are the account's own, one upon the other, all below it. @throws LogFault */
export function checkRejoin(vault: VaultId, header: CommitHeader, rejoin: Rejoin, chain: DeviceChain): void {
  let before: Head | null = null;
  for (const signed of rejoin.lost) {
    const lost = readHeader(signed);
    checkAuthor(vault, signed, lost, chain);
    if (before !== null && !follows(before, lost)) throw new LogFault('bad-rejoin');
    if (lost.seq >= header.seq || lost.chainLength > header.chainLength) throw new LogFault('bad-rejoin');
    if (lost.epoch >= header.epoch) throw new LogFault('bad-epoch');
    before = { seq: lost.seq, hash: commitHash(signed.bytes) };
  }
  if (before === null) throw new LogFault('bad-rejoin');
}

/** The newest commit that server and device both have; null when this device began later. @throws CloudError */
async function forkOf({ vault, store, cloud }: LogScope, top: number): Promise<Head | null> {
  let fork: Head | null = null;
  let low = store.headersFrom(1, 1)[0]?.seq ?? 1;
  let high = top;
  while (low <= high) {
    const middle = Math.floor((low + high) / 2);
    const [row] = store.headersFrom(middle, 1);
    if (row === undefined || row.seq > high) {
      high = middle - 1;
      continue;
    }
    const [theirs] = await cloud.headers(vault, row.seq, row.seq);
    if (theirs !== undefined && commitHash(theirs.signed.bytes) === row.hash) {
      fork = { seq: row.seq, hash: row.hash };
      low = row.seq + 1;
    } else high = middle - 1;
  }
  return fork;
}

/** The signed headers after the fork, up to the newest this device verified. */
function lostHeaders(store: VaultStore, fork: Head | null): Rejoin {
  const lost: Rejoin['lost'][number][] = [];
  for (let from = (fork?.seq ?? 0) + 1; ;) {
    const page = store.headersFrom(from, HEADERS_PER_PAGE);
    for (const { signed } of page) {
      // What an older Coffre verified has no signed bytes: the list begins after it.
      if (signed === null) lost.length = 0;
      else lost.push(signed);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < HEADERS_PER_PAGE) break;
    from = last.seq + 1;
  }
  return { lost: lost.slice(-MAX_LOST) };
}

/**
 * On the person's word: takes the server's older head, in one transaction with what the rejoin commit is to carry
 * and with the pairs' new merge base. The commit itself is the proposer's. @throws CloudError, LogFault
 */
export async function takeRestoredHead(scope: LogScope): Promise<void> {
  const { vault, store, cloud, identity } = scope;
  const listed = (await cloud.vaults()).find((candidate) => candidate.vault === vault);
  const fork = await forkOf(scope, listed?.head.seq ?? 0);
  const rejoin = lostHeaders(store, fork);
  const chain = identity.chain();
  const atFork = fork === null ? null : await stateAt(scope, fork);
  const taken = await takeState(scope, {
    anchor: fork,
    visit: (signed, header) => {
      checkAuthor(vault, signed, header, chain);
      // What a removed device wrote on the restored head is newer than its removal, whatever numbers it has.
      if (chain.devices.get(header.device)?.revoked !== null) throw new LogFault('bad-device');
    },
    // What others wrote on the restored head stays beside what was lost.
    claim: (node, now) => (atFork === null || atFork.get(node) === now ? 'again' : 'both'),
    done: () => {
      const bytes = Buffer.from(encodeRejoin(rejoin)).toString('base64');
      store.setMeta(REJOIN, rejoin.lost.length === 0 ? null : bytes);
    },
  });
  if (!taken) throw new LogFault('rolled-back');
}

/** The hash of each live record at a head. @throws CloudError, LogFault */
export async function stateAt(
  { vault, cloud, identity }: LogScope,
  head: Head,
): Promise<ReadonlyMap<NodeId, Hash>> {
  const snapshot = await readSnapshot({ vault, cloud, identity, at: head.seq });
  if (snapshot?.hash !== head.hash) throw new LogFault('forked');
  return new Map(snapshot.nodes.map(({ node, objectHash }) => [node, objectHash]));
}

/**
 * Looks for a rejoin commit of another device that names this one's high-water mark, and goes along with it. False
 * when there is none. @throws CloudError, LogFault
 */
export async function goAlong(scope: LogScope): Promise<boolean> {
  const { vault, store } = scope;
  const { highSeq, highHash, chainLength, epoch } = store.cursor();
  const frame = await findRejoin(scope, highSeq, highHash);
  if (frame === null) return false;
  const { header, signed, rejoin, opening } = frame;
  if (rejoin === null) return false;
  if (opening === null) throw new LogFault('bad-epoch');
  const chain = await chainCovering(scope, header.chainLength);
  checkAuthor(vault, signed, header, chain);
  checkRejoin(vault, header, rejoin, chain);
  if (header.chainLength < chainLength) throw new LogFault('bad-device-chain');
  if (header.epoch <= epoch) throw new LogFault('bad-epoch');
  await takeEpochKey(scope, header.epoch, opening, frame.wraps);
  const anchor = { seq: header.seq, hash: commitHash(signed.bytes) };
  const restored = await stateAt(scope, anchor);
  return takeState(scope, {
    anchor,
    visit: () => undefined,
    // What was changed since was changed by devices that knew of what this one holds.
    claim: (node, now) => (restored.get(node) === now ? 'again' : null),
    done: () => {
      store.setMeta(REJOIN, null);
    },
  });
}

/** It lies above every number it names, so above this device's mark. */
async function findRejoin(
  { vault, cloud }: LogScope,
  markSeq: number,
  mark: Hash,
): Promise<CommitFrame | null> {
  const listed = (await cloud.vaults()).find((candidate) => candidate.vault === vault);
  const top = listed?.head.seq ?? 0;
  for (let from = markSeq + 1; from <= top; from += HEADERS_PER_PAGE) {
    for (const { signed } of await cloud.headers(vault, from, Math.min(top, from + HEADERS_PER_PAGE - 1))) {
      const header = readHeader(signed);
      if (header.rejoinHash === ZERO_HASH) continue;
      const page = await cloud.changes(vault, header.seq - 1);
      const found = page.commits.find(({ frame }) => frame.rejoin !== null && names(frame.rejoin, mark));
      if (found !== undefined) return found.frame;
    }
  }
  return null;
}

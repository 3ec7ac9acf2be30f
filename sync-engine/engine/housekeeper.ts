/**
 * Housekeeping as it is done: what housekeeping.ts plans, under the vault's lease, in rounds small enough to
 * stop between. Nothing is dropped unless, on the very head the drop is committed on, every chunk a live record
 * names stands in another live pack; where the head moves in between, that is looked at again.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MalformedError } from '../../protocol/bytes.ts';
import type { PackEntry } from '../../protocol/commit.ts';
import { DAY_MS, RETENTION_MS } from '../../protocol/limits.ts';
import type { PackName } from '../../protocol/ids.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { Cloud } from '../remote/cloud.ts';
import { ChunkUnreadable } from '../transfer/chunk-reader.ts';
import { ChunkLists } from './chunk-lists.ts';
import { commitNodes } from './commit-nodes.ts';
import type { DeviceIdentity } from './device-identity.ts';
import { expiredNodes, packUse, planRepack, segmentsToCopy, type PackUse } from './housekeeping.ts';
import { NeededChunkSet } from './needed-chunks.ts';
import { entryOf } from './pack-rows.ts';
import type { Clock, RandomSource } from './ports.ts';
import { SegmentCopier } from './segment-copier.ts';
import { forgetTrashed } from './trash.ts';
import type { VaultSync } from './vault-sync.ts';

/** Lost races after which the vault is too busy to be kept; tomorrow is another day. */
const MAX_ATTEMPTS = 5;
/** Vault meta: when this device first saw a pack dropped, ms. */
const DROPPED_AT = 'dropped-at/';
/** Vault meta: the seq after which there was nothing left to do. */
const KEPT_AT = 'housekept-at';

export interface HousekeepingParts {
  readonly vaultSync: VaultSync;
  readonly cloud: Cloud;
  readonly device: Pick<DeviceIdentity, 'vaultKeys'>;
  readonly manifest: Manifest;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly signal: AbortSignal;
  /** Above 90 % of the quota: whatever is 10 % dead is copied. */
  readonly nearlyFull: boolean;
}

export interface HousekeepingOutcome {
  /** kept: done, maybe with nothing to do. The others leave the packs as they are. */
  readonly result: 'kept' | 'leased-elsewhere' | 'unreadable' | 'busy' | 'full';
  readonly tombstones: number;
  readonly droppedPacks: number;
  readonly addedPacks: number;
}

type Kept = Omit<HousekeepingOutcome, 'tombstones'>;

/** One round for one vault. Another may be due when `addedPacks` is not 0. @throws CloudError, LogFault, PersonError quota */
export async function runHousekeeping(parts: HousekeepingParts): Promise<HousekeepingOutcome> {
  const { vaultSync, cloud, clock, manifest } = parts;
  const { log } = vaultSync;
  const none = { tombstones: 0, droppedPacks: 0, addedPacks: 0 };
  forgetReaped(parts);
  manifest.collect();
  if (expiredNodes(log, clock.nowMs()).length === 0 && log.store.meta(KEPT_AT) === keptMark(parts)) {
    return { result: 'kept', ...none };
  }
  if (!(await cloud.lease(log.vault)).granted) return { result: 'leased-elsewhere', ...none };
  await log.pull();
  const tombstones = await buryExpired(parts);
  const kept = await keepPacks(parts);
  if (kept.result === 'kept' && kept.addedPacks === 0) log.store.setMeta(KEPT_AT, keptMark(parts));
  return { ...kept, tombstones };
}

function keptMark({ vaultSync, nearlyFull }: HousekeepingParts): string {
  return `${vaultSync.log.cursor().seq}${nearlyFull ? ' full' : ''}`;
}

/** Tombstones for what lay in the trash for its time, children before parents. */
async function buryExpired({ vaultSync, clock, signal }: HousekeepingParts): Promise<number> {
  let count = 0;
  for (;;) {
    signal.throwIfAborted();
    let ids: ReturnType<typeof expiredNodes> = [];
    const committed = await commitNodes(vaultSync, () => {
      ids = expiredNodes(vaultSync.log, clock.nowMs());
      if (ids.length === 0) return null;
      return { nodes: ids.map((node) => ({ node, record: null })), added: [], revived: [], dropped: [] };
    });
    if (!committed) return count;
    forgetTrashed(vaultSync, ids);
    count += ids.length;
  }
}

/** Drops and merges packs. @throws CloudError, LogFault */
export async function keepPacks(parts: HousekeepingParts): Promise<Kept> {
  const { vaultSync, cloud, device, signal } = parts;
  const { log } = vaultSync;
  const keys = device.vaultKeys(log.vault);
  const locate = (chunk: Parameters<typeof log.store.locate>[0]) => log.store.locate(chunk);
  const lists = new ChunkLists({ vault: log.vault, keys, cloud, locate, signal });
  const needed = new NeededChunkSet(log, lists, signal);
  const none = { droppedPacks: 0, addedPacks: 0 };
  if ((await updated(needed)) === null) return { result: 'unreadable', ...none };
  const plan = planRepack(await usesOf(parts, needed), parts.nearlyFull);
  const copier = new SegmentCopier({
    vault: log.vault,
    store: log.store,
    cloud,
    keys,
    epoch: log.cursor().epoch,
    random: (size) => parts.random.bytes(size),
    signal,
  });
  const { candidates, isFull } = await copyAll(parts, plan, copier, needed);
  const done = await commitDrops(parts, candidates, copier, needed);
  return isFull && done.result === 'kept' ? { ...done, result: 'full' } : done;
}

/** Null as well when a list of some content does not open: what it names cannot be told. */
async function updated(needed: NeededChunkSet): Promise<number | null> {
  try {
    return await needed.update();
  } catch (error) {
    if (error instanceof MalformedError) return null;
    if (error instanceof ChunkUnreadable && error.why !== 'offline') return null;
    throw error;
  }
}

async function usesOf({ vaultSync, signal }: HousekeepingParts, needed: NeededChunkSet): Promise<PackUse[]> {
  const uses: PackUse[] = [];
  for (const pack of vaultSync.log.store.packs('live')) {
    uses.push(packUse(vaultSync.log, pack, needed));
    await nextTurn();
    signal.throwIfAborted();
  }
  return uses;
}

async function copyAll(
  { vaultSync, cloud }: HousekeepingParts,
  plan: ReturnType<typeof planRepack>,
  copier: SegmentCopier,
  needed: NeededChunkSet,
): Promise<{ candidates: PackEntry[]; isFull: boolean }> {
  const { log } = vaultSync;
  const candidates = [...plan.drop];
  for (const { pack } of plan.copy) {
    // Renewed: a slow line may need longer than it lasts.
    await cloud.lease(log.vault);
    const outcome = await copier.copy(pack.name, segmentsToCopy(log, pack.name, needed));
    if (outcome === 'full') return { candidates, isFull: true };
    if (outcome === 'copied') candidates.push(entryOf(pack));
  }
  return { candidates, isFull: !(await copier.flush()) };
}

/** Commits the drops that still hold on the head they go on. */
async function commitDrops(
  { vaultSync, signal }: HousekeepingParts,
  candidates: readonly PackEntry[],
  copier: SegmentCopier,
  needed: NeededChunkSet,
): Promise<Kept> {
  const { log } = vaultSync;
  if (candidates.length === 0 && copier.made.length === 0)
    return { result: 'kept', droppedPacks: 0, addedPacks: 0 };
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    signal.throwIfAborted();
    const base = await updated(needed);
    if (base === null) return { result: 'unreadable', droppedPacks: 0, addedPacks: 0 };
    const dropped = droppable(vaultSync, candidates, copier, needed).slice(0, 1000);
    const added = copier.made.flatMap((name) => {
      const row = log.store.pack(name);
      return row?.state === 'uploaded' ? [{ row, inline: null }] : [];
    });
    const counts = { droppedPacks: dropped.length, addedPacks: copier.made.length };
    if (dropped.length === 0 && added.length === 0) return { result: 'kept', ...counts };
    const outcome = await log.commit({ base, nodes: [], added, revived: [], dropped });
    if (outcome.kind === 'committed') return { result: 'kept', ...counts };
    if (outcome.kind === 'quota') return { result: 'full', droppedPacks: 0, addedPacks: 0 };
    if (outcome.kind === 'pack-missing') for (const name of outcome.packs) log.store.deletePack(name);
    await log.pull();
  }
  return { result: 'busy', droppedPacks: 0, addedPacks: 0 };
}

/** Those whose every needed chunk stands in a live pack that stays, or in one made for it. */
function droppable(
  { log }: VaultSync,
  candidates: readonly PackEntry[],
  copier: SegmentCopier,
  needed: NeededChunkSet,
): PackEntry[] {
  const { store } = log;
  const going = new Set<PackName>(candidates.map(({ name }) => name));
  const isCarried = copier.made.every((name) => {
    const state = store.pack(name)?.state;
    return state === 'uploaded' || state === 'live';
  });
  return candidates.filter(({ name }) => {
    if (store.pack(name)?.state !== 'live') return false;
    return store.chunksOf(name).every(({ id }) => {
      if (!needed.has(id) || (isCarried && copier.carried.has(id))) return true;
      const place = store.locate(id);
      return place !== undefined && !going.has(place.pack) && store.pack(place.pack)?.state === 'live';
    });
  });
}

/** Forgets dropped packs once the server has: until then a restore may need to know what they hold. */
function forgetReaped({ vaultSync, clock }: HousekeepingParts): void {
  const { store } = vaultSync.log;
  const nowMs = clock.nowMs();
  for (const { name } of store.packs('dropped')) {
    const since = store.meta(`${DROPPED_AT}${name}`);
    if (since === null) store.setMeta(`${DROPPED_AT}${name}`, String(nowMs));
    else if (nowMs - Number(since) > RETENTION_MS + DAY_MS) {
      store.deletePack(name);
      store.setMeta(`${DROPPED_AT}${name}`, null);
    }
  }
  for (const { name } of store.packs('live')) {
    if (store.meta(`${DROPPED_AT}${name}`) !== null) store.setMeta(`${DROPPED_AT}${name}`, null);
  }
}

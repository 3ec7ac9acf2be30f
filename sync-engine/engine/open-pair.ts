/** Makes a pair's syncing from its record: its rows in the manifest, its folder as a disk, its ports. */
import { POSIX_CAPABILITIES, probe, type Capabilities } from '../local-fs/capabilities.ts';
import { DiskError, type Disk } from '../local-fs/disk.ts';
import { checkRoot, makePairFolders } from '../local-fs/root-marker.ts';
import type { PairRecord, SyncEngineParts } from './engine-parts.ts';
import type { IssueBoard } from './issue-board.ts';
import { nodeIds } from './node-ids.ts';
import { PairDisk } from './pair-disk.ts';
import { PairSync } from './pair-sync.ts';
import type { QuotaWait } from './quota-wait.ts';
import type { TimeLeft } from './time-left.ts';
import type { VaultSync } from './vault-sync.ts';

export interface OpenPairParts {
  readonly ports: SyncEngineParts;
  readonly record: PairRecord;
  readonly vault: VaultSync;
  readonly issues: IssueBoard;
  readonly signal: AbortSignal;
  readonly quota: QuotaWait;
  readonly timeLeft: TimeLeft;
  readonly wake: () => void;
  readonly crashed: (error: unknown) => void;
}

export function openPair(parts: OpenPairParts): PairSync {
  const { ports, record, vault, issues, quota, timeLeft, signal, wake, crashed } = parts;
  const { manifest, disk, workers, clock, random, identity, hooks } = ports;
  const { config } = record;
  const known = manifest.pairs().some((pair) => pair.id === config.id);
  const pair = known ? manifest.pair(config.id) : manifest.addPair(config);
  const stored = pair.meta('capabilities');
  const found = probed(disk, record);
  const learned = (capabilities: Capabilities): void => {
    pair.setMeta('capabilities', JSON.stringify(capabilities));
  };
  if (found !== null) learned(found);
  const pairDisk = new PairDisk({
    pair,
    disk,
    workers,
    clock,
    random,
    expected: { marker: record.marker, remembered: null },
    // A folder that is away, or takes no writes, is probed later; until then what it could do before holds.
    capabilities: found ?? (stored === null ? POSIX_CAPABILITIES : (JSON.parse(stored) as Capabilities)),
    learned: found === null ? learned : null,
    signal,
  });
  const sync = new PairSync({
    pair,
    manifest,
    vault,
    disk: pairDisk,
    clock,
    random,
    deviceName: identity.deviceName,
    newId: nodeIds((size) => random.bytes(size)),
    signal,
    space: {
      get isFull() {
        return quota.isFull;
      },
      waits: () => {
        quota.waits(config.id);
      },
    },
    hooks: {
      wake,
      raise: (node, code, path, more) => {
        issues.raise(config.id, node, code, path, more);
      },
      clear: (node, code) => {
        issues.clear(config.id, node, code);
      },
      clearAt: (path, code) => {
        issues.clearAt(config.id, path, code);
      },
      did: (path, action, reason, bytes) => {
        timeLeft.did(bytes);
        manifest.addActivity({ atMs: clock.nowMs(), pair: config.id, path, action, reason, bytes });
        hooks.changed('activity');
      },
      crashed,
    },
  });
  // The log may have been read before the pair was: everything in the bound folder is new to it.
  if (!known) {
    manifest.transaction(() => {
      sync.books.markRemoteSubtree(config.bound);
    });
  }
  return sync;
}

/** What the folder's file system can do; null when the folder is away, or not the pair's own. */
function probed(disk: Disk, { config, marker }: PairRecord): Capabilities | null {
  if (checkRoot(disk, config.folder, { marker, remembered: null }).state !== 'ok') return null;
  try {
    makePairFolders(disk, config.folder);
    return probe(disk, config.folder, '.coffre');
  } catch (error) {
    if (error instanceof DiskError) return null;
    throw error;
  }
}

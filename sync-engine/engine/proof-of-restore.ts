/**
 * Proves that the account could be restored: takes the server's present state anew, verified to its root, and
 * fetches a sample of its files whole from the packs that state names, owing nothing to what this device has.
 */
import { PersonError } from '../../protocol/errors.ts';
import type { ChunkId, NodeId } from '../../protocol/ids.ts';
import { MIB } from '../../protocol/limits.ts';
import { displayName } from '../local-fs/path-rules.ts';
import type { NodeRecord } from '../crypto/record.ts';
import { DiskError } from '../local-fs/disk.ts';
import { CloudError } from '../remote/cloud.ts';
import type { ChunkLocation, FetchResult, FileToFetch } from '../transfer/sealing-jobs.ts';
import { createVaultTransfer } from '../transfer/vault-transfer.ts';
import { sealingWorkers } from '../workers/sealing-workers.ts';
import { asked } from './person-work.ts';
import { placeText } from './places.ts';
import type { RandomSource } from './ports.ts';
import { readSnapshot, type Snapshot } from './snapshot.ts';
import { ROOT_NODE } from '../../protocol/ids.ts';
import { cloudOf, vaultsOf, type Asking, type TreeDevice } from './tree-host.ts';
import type { VaultSync } from './vault-sync.ts';

/** Manifest meta, ms since 1970. */
export const LAST_PROVEN = 'last-proven-restorable';
/** What lies in the temporary folder at a time, one larger file aside. */
const BATCH_BYTES = 64 * MIB;
const BATCH_FILES = 200;

export interface Proven {
  readonly files: number;
  readonly bytes: number;
  readonly lastProvenRestorableMs: number;
}

export interface ProofWorld {
  readonly random: RandomSource;
  readonly nowMs: () => number;
  /** Absolute; made and removed. */
  readonly folder: string;
}

interface Sampled {
  readonly node: NodeId;
  readonly record: NodeRecord;
}

/** @throws PersonError verification (names a file), server-unreachable, disk-full */
export function proveRestorable(
  at: TreeDevice,
  percent: number,
  world: ProofWorld,
  asking: Asking,
): Promise<Proven> {
  return asked(async () => {
    let files = 0;
    let bytes = 0;
    makeEmpty(at, world.folder);
    try {
      for (const vault of vaultsOf(at)) {
        const proven = await proveVault(at, vault, percent, world, {
          signal: asking.signal,
          progress: (progress) => {
            asking.progress({ ...progress, done: bytes + progress.done });
          },
        });
        files += proven.files;
        bytes += proven.bytes;
      }
    } finally {
      clear(at, world.folder);
    }
    const lastProvenRestorableMs = world.nowMs();
    at.manifest.setMeta(LAST_PROVEN, String(lastProvenRestorableMs));
    return { files, bytes, lastProvenRestorableMs };
  });
}

async function proveVault(
  at: TreeDevice,
  vault: VaultSync,
  percent: number,
  world: ProofWorld,
  asking: Asking,
): Promise<{ files: number; bytes: number }> {
  const cloud = cloudOf(at);
  const snapshot = await readSnapshot({ vault: vault.vault, cloud, identity: at.device, at: null });
  if (snapshot === null) return { files: 0, bytes: 0 };
  // Its root holds for its own head; that this head is not an old one is for the log to say.
  if (snapshot.header.seq < vault.log.cursor().highSeq) {
    throw new PersonError(
      'verification',
      'the server shows an older state than this device has already seen',
      'See `coffre issues`.',
    );
  }
  const sample = sampled(snapshot, percent, world.random);
  const total = sample.reduce((sum, { record }) => sum + record.size, 0);
  const transfer = createVaultTransfer({
    vault: vault.vault,
    keys: () => at.device.vaultKeys(vault.vault),
    epoch: () => snapshot.header.epoch,
    workers: sealingWorkers(at.workers),
    cloud,
    locate: locator(snapshot),
  });
  let done = 0;
  for (const batch of batches(sample)) {
    const failures: FetchResult[] = [];
    const requests = batch.map((file) => toFetch(file, world.folder));
    const paths = new Map(requests.map(({ id, stagingPath }) => [id, stagingPath]));
    const sizes = new Map(batch.map(({ node, record }) => [node, record.size]));
    await transfer.fetch(
      requests,
      (result) => {
        if (!result.ok) {
          failures.push(result);
          return;
        }
        const path = paths.get(result.id);
        if (path !== undefined) at.disk.removeFile(path);
        done += sizes.get(result.id) ?? 0;
        asking.progress({ step: 'fetching and verifying', done, total, unit: 'bytes' });
      },
      asking.signal,
    );
    const [failure] = failures;
    if (failure?.ok === false) throw failed(failure, placeText(vault, pathIn(snapshot, failure.id)));
  }
  return { files: sample.length, bytes: total };
}

/** Where chunks lie, from the indexes the root covers. */
export function locator(snapshot: Snapshot): (chunk: ChunkId) => ChunkLocation | undefined {
  const places = new Map<ChunkId, ChunkLocation>();
  for (const { chunks } of snapshot.packs) for (const chunk of chunks) places.set(chunk.id, chunk);
  return (chunk) => places.get(chunk);
}

/** A share of the files, at least one, drawn at random. */
function sampled(snapshot: Snapshot, percent: number, random: RandomSource): Sampled[] {
  const files: Sampled[] = [];
  for (const { node, record } of snapshot.nodes) {
    if (record === null || record === 'unreadable' || record.content === null) continue;
    files.push({ node, record });
  }
  const wanted = Math.min(files.length, Math.max(1, Math.ceil((files.length * percent) / 100)));
  for (let index = 0; index < wanted; index += 1) {
    const other = index + Math.floor(random.fraction() * (files.length - index));
    const [mine, theirs] = [files[index], files[other]];
    if (mine === undefined || theirs === undefined) continue;
    files[index] = theirs;
    files[other] = mine;
  }
  return files.slice(0, wanted);
}

function* batches(sample: readonly Sampled[]): Generator<Sampled[]> {
  let batch: Sampled[] = [];
  let bytes = 0;
  for (const file of sample) {
    if (batch.length > 0 && (batch.length >= BATCH_FILES || bytes + file.record.size > BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(file);
    bytes += file.record.size;
  }
  if (batch.length > 0) yield batch;
}

function toFetch({ node, record }: Sampled, folder: string): FileToFetch {
  const { content, size, depth, list } = record;
  if (content === null) throw new Error('a folder has no content to fetch');
  return { id: node, content: { id: content, size, depth, list }, stagingPath: `${folder}/${node}` };
}

/** For a message: the path by the names of the verified state. */
function pathIn(snapshot: Snapshot, node: NodeId): string {
  const records = new Map(snapshot.nodes.map((one) => [one.node, one.record]));
  const steps: string[] = [];
  for (let id = node; id !== ROOT_NODE && steps.length < 200;) {
    const record = records.get(id);
    if (record === undefined || record === null || record === 'unreadable') break;
    steps.push(record.name);
    id = record.parent;
  }
  return displayName(`/${steps.reverse().join('/')}`);
}

/** What a person is told of content that cannot be had. */
export function failed(result: Extract<FetchResult, { ok: false }>, path: string): Error {
  switch (result.why) {
    case 'corrupt':
      return new PersonError(
        'verification',
        `${path} cannot be restored: what the server stores of it is damaged`,
        'If a device still has the file, touch it there and it is stored anew. Tell who runs the server.',
      );
    case 'missing':
      return new PersonError(
        'verification',
        `${path} cannot be restored: the server has lost what it stored of it`,
        'If a device still has the file, touch it there and it is stored anew. Tell who runs the server.',
      );
    case 'offline':
      return new CloudError('offline', 'the server cannot be reached');
    case 'full':
      return new PersonError('disk-full', 'the disk is full', 'Make room and try again.');
    default:
      return new PersonError(
        'failed',
        `the disk did not take ${path} (${result.why})`,
        'Look at the disk, then try again.',
      );
  }
}

function makeEmpty(at: TreeDevice, folder: string): void {
  clear(at, folder);
  at.disk.makeFolder(folder, 0o700);
}

function clear(at: TreeDevice, folder: string): void {
  try {
    for (const { name } of at.disk.list(folder).entries) at.disk.removeFile(`${folder}/${name}`);
    at.disk.removeFolder(folder);
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== 'not-found') throw error;
  }
}

/**
 * Proves that the account could be restored: takes the server's present state anew, verified to its root, and
 * fetches a sample of its files whole from the packs that state names. With the 24 words it owes nothing to what
 * this device has; without them, the keys alone are those this device keeps.
 */
import { PersonError } from '../../protocol/errors.ts';
import type { ChunkId, NodeId } from '../../protocol/ids.ts';
import { MIB } from '../../protocol/limits.ts';
import { withServer } from '../account/connect.ts';
import { PhraseReader } from '../account/phrase-reader.ts';
import type { AccountTools } from '../account/tools.ts';
import { displayName } from '../local-fs/path-rules.ts';
import type { NodeRecord } from '../crypto/record.ts';
import { DiskError } from '../local-fs/disk.ts';
import { CloudError, type Cloud } from '../remote/cloud.ts';
import type { ChunkLocation, FetchResult, FileToFetch } from '../transfer/sealing-jobs.ts';
import { createVaultTransfer } from '../transfer/vault-transfer.ts';
import { sealingWorkers } from '../workers/sealing-workers.ts';
import { asked } from './person-work.ts';
import { placeText } from './places.ts';
import type { RandomSource } from './ports.ts';
import { readSnapshot, type Snapshot, type SnapshotRequest } from './snapshot.ts';
import { ROOT_NODE } from '../../protocol/ids.ts';
import { cloudOf, vaultsOf, type Asking, type TreeDevice } from './tree-host.ts';
import type { VaultSync } from './vault-sync.ts';

/** Manifest meta, ms since 1970: by whatever keys, and by those that the 24 words give. */
export const LAST_PROVEN = 'last-proven-restorable';
export const LAST_PROVEN_WITH_WORDS = 'last-proven-with-words';
/** What lies in the temporary folder at a time, one larger file aside. */
const BATCH_BYTES = 64 * MIB;
const BATCH_FILES = 200;

export interface Proven {
  readonly files: number;
  readonly bytes: number;
  readonly lastProvenRestorableMs: number;
  /** Where the keys came from. */
  readonly keys: 'words' | 'device';
}

export interface ProofRequest {
  /** Of the files. */
  readonly percent: number;
  /** The 24 words; null: the keys this device keeps. */
  readonly phrase: string | null;
}

export interface ProofWorld {
  readonly random: RandomSource;
  readonly nowMs: () => number;
  readonly tools: AccountTools;
  /** Absolute; made and removed. */
  readonly folder: string;
}

/** Who reads: a device with its session, or a person with nothing but the words. */
interface Reader {
  readonly identity: SnapshotRequest['identity'];
  readonly cloud: Cloud;
}

interface Sampled {
  readonly node: NodeId;
  readonly record: NodeRecord;
}

/** @throws PersonError refused (phrase), verification (names a file), server-unreachable, disk-full */
export function proveRestorable(
  at: TreeDevice,
  { percent, phrase }: ProofRequest,
  world: ProofWorld,
  asking: Asking,
): Promise<Proven> {
  return asked(async () => {
    const prove = (reader: Reader) => proveAll(at, reader, percent, world, asking);
    const proven =
      phrase === null
        ? await prove({ identity: at.device, cloud: cloudOf(at) })
        : await withWords(at, phrase, world.tools, prove);
    const lastProvenRestorableMs = world.nowMs();
    at.manifest.setMeta(LAST_PROVEN, String(lastProvenRestorableMs));
    if (phrase !== null) at.manifest.setMeta(LAST_PROVEN_WITH_WORDS, String(lastProvenRestorableMs));
    return { ...proven, lastProvenRestorableMs, keys: phrase === null ? 'device' : 'words' };
  });
}

/** On a connection of its own, with keys from the server's bundle that only the words open. */
function withWords<T>(
  at: TreeDevice,
  phrase: string,
  tools: AccountTools,
  work: (reader: Reader) => Promise<T>,
): Promise<T> {
  const { server, email } = at.device.config;
  return withServer(server, tools, async (api, client) => {
    const reader = await PhraseReader.open(api, client, { email, phrase }, tools);
    try {
      for (const vault of vaultsOf(at)) {
        if (reader.vaultKeys(vault.vault).has(0)) continue;
        throw new PersonError(
          'verification',
          `${vault.name()} cannot be restored from the words: the server gives no keys of it that hold`,
          'Keep a copy of its files elsewhere, and tell who runs the server.',
        );
      }
      return await work({ identity: reader, cloud: reader.cloud });
    } finally {
      reader.close();
    }
  });
}

async function proveAll(
  at: TreeDevice,
  reader: Reader,
  percent: number,
  world: ProofWorld,
  asking: Asking,
): Promise<{ files: number; bytes: number }> {
  let files = 0;
  let bytes = 0;
  makeEmpty(at, world.folder);
  try {
    for (const vault of vaultsOf(at)) {
      const before = bytes;
      const proven = await proveVault(at, { vault, reader, percent }, world, {
        signal: asking.signal,
        progress: (progress) => {
          asking.progress({ ...progress, done: before + progress.done });
        },
      });
      files += proven.files;
      bytes += proven.bytes;
    }
  } finally {
    clear(at, world.folder);
  }
  return { files, bytes };
}

async function proveVault(
  at: TreeDevice,
  { vault, reader, percent }: { vault: VaultSync; reader: Reader; percent: number },
  world: ProofWorld,
  asking: Asking,
): Promise<{ files: number; bytes: number }> {
  const { cloud, identity } = reader;
  const snapshot = await readSnapshot({ vault: vault.vault, cloud, identity, at: null });
  // Its root holds for its own head; that this head is not an old one is for the log to say.
  if (snapshot === null || snapshot.header.seq < vault.log.cursor().highSeq) {
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
    keys: () => identity.vaultKeys(vault.vault),
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

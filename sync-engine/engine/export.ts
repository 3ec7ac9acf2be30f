/**
 * Everything an account holds, decrypted into an empty folder, from the recovery phrase and the server alone.
 * Device chain, signature, root and every chunk are verified on the way; what fails is left out and told at the
 * end, and everything else is there.
 */
import { realpathSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { PersonError } from '../../protocol/errors.ts';
import { ROOT_NODE, type VaultId } from '../../protocol/ids.ts';
import { MIB } from '../../protocol/limits.ts';
import { withServer } from '../account/connect.ts';
import { PhraseReader } from '../account/phrase-reader.ts';
import type { AccountTools } from '../account/tools.ts';
import { MAX_TARGET_BYTES } from '../crypto/record.ts';
import { probe, type Capabilities } from '../local-fs/capabilities.ts';
import { DiskError, type Disk } from '../local-fs/disk.ts';
import { readSmallFile } from '../local-fs/inside.ts';
import { NodeDisk } from '../local-fs/node-disk.ts';
import { displayName, localNameFor, nameKey } from '../local-fs/path-rules.ts';
import { parseServerAddress } from '../remote/server-address.ts';
import type { FetchResult } from '../transfer/sealing-jobs.ts';
import { createVaultTransfer } from '../transfer/vault-transfer.ts';
import { sealingWorkers } from '../workers/sealing-workers.ts';
import { WorkerPool } from '../workers/worker-pool.ts';
import type { Workers } from '../workers/workers.ts';
import { closeFolders, exportTree, makeFolders, type ExportedNode } from './export-tree.ts';
import { hashFile, HashList } from './hash-list.ts';
import { asked } from './person-work.ts';
import { failed, locator } from './proof-of-restore.ts';
import { readSnapshot, type Snapshot } from './snapshot.ts';
import type { Asking } from './tree-host.ts';

const HASH_LIST = 'coffre-export.sha256';
const BATCH_FILES = 1000;
const BATCH_BYTES = 256 * MIB;

export interface ExportRequest {
  readonly server: string;
  readonly caPem?: string | undefined;
  readonly email: string;
  readonly phrase: string;
  /** Absolute; empty or not there. */
  readonly folder: string;
}

export interface Exported {
  readonly folder: string;
  /** Path of the list. */
  readonly hashList: string;
  readonly files: number;
  readonly bytes: number;
  readonly vaults: string[];
}

/** @throws PersonError refused (phrase), bad-input, exists (folder not empty), verification, disk-full, server-unreachable */
export function exportAccount(
  request: ExportRequest,
  tools: AccountTools,
  asking: Asking,
): Promise<Exported> {
  return asked(() =>
    onDisk(async () => {
      const address = parseServerAddress(request.server, request.caPem ?? null);
      const disk = new NodeDisk();
      const folder = realPlace(disk, request.folder);
      checkEmpty(disk, folder);
      return withServer(address, tools, async (api, client) => {
        const reader = await PhraseReader.open(api, client, request, tools);
        const workers = new WorkerPool();
        try {
          return await new Export({ reader, workers, disk, folder, asking }).run();
        } finally {
          reader.close();
          await workers.close();
        }
      });
    }),
  );
}

/** Behind a link that the person named. */
function realPlace(disk: Disk, folder: string): string {
  return disk.lstat(folder)?.type === 'symlink' ? realpathSync(folder) : folder;
}

/** Told before anything is asked of the server. */
function checkEmpty(disk: Disk, folder: string): void {
  if (!isAbsolute(folder)) throw new PersonError('bad-input', 'the folder has no absolute path', '');
  const found = disk.lstat(folder);
  if (found === null) return;
  if (found.type !== 'folder') {
    throw new PersonError('bad-input', `${folder} is not a folder`, 'Name a new or an empty folder.');
  }
  const { entries, invalid } = disk.list(folder);
  if (entries.length + invalid.length > 0) {
    throw new PersonError('exists', `${folder} is not empty`, 'Name a new or an empty folder.');
  }
}

async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    if (error.code === 'full') {
      throw new PersonError('disk-full', 'the disk is full', 'Export to a larger disk.', { cause: error });
    }
    const why = `the folder cannot be written (${error.code})`;
    throw new PersonError('failed', why, 'Name a folder on a disk you may write to.', { cause: error });
  }
}

interface ExportParts {
  readonly reader: PhraseReader;
  readonly workers: Workers;
  readonly disk: Disk;
  readonly folder: string;
  readonly asking: Asking;
}

class Export {
  readonly #parts: ExportParts;
  readonly #leftOut: string[] = [];
  #files = 0;
  #bytes = 0;
  #total = 0;

  constructor(parts: ExportParts) {
    this.#parts = parts;
  }

  async run(): Promise<Exported> {
    const { reader, disk, folder } = this.#parts;
    if (disk.lstat(folder) === null) disk.makeFolder(folder, 0o700);
    const capabilities = probed(disk, folder);
    const listed = await reader.cloud.vaults();
    const vaults = listed.map(({ vault }) => vault).filter((vault) => !reader.refused.includes(vault));
    for (const vault of reader.refused) this.#leftOut.push(vault);
    const hashes = new HashList(disk, join(folder, HASH_LIST));
    const names: string[] = [];
    const taken = new Set([nameKey(HASH_LIST, capabilities)]);
    try {
      for (const vault of vaults) {
        const snapshot = await readSnapshot({ vault, cloud: reader.cloud, identity: reader, at: null });
        if (snapshot === null) continue;
        const name = nameOf(snapshot, vault);
        names.push(name);
        const own = vaults.length === 1 ? '' : this.#makeVaultFolder(name, vault, capabilities, taken);
        await this.#exportVault(vault, snapshot, own, capabilities, hashes);
      }
    } finally {
      hashes.close();
    }
    this.#tellLeftOut();
    return {
      folder,
      hashList: join(folder, HASH_LIST),
      files: this.#files,
      bytes: this.#bytes,
      vaults: names,
    };
  }

  /** Relative to the export's folder. */
  #makeVaultFolder(name: string, vault: VaultId, capabilities: Capabilities, taken: Set<string>): string {
    const { disk, folder } = this.#parts;
    const wanted = localNameFor(name, capabilities, taken);
    const isGood = 'name' in wanted && !taken.has(nameKey(wanted.name, capabilities));
    const own = isGood ? wanted.name : `Vault ${vault.slice(0, 8)}`;
    taken.add(nameKey(own, capabilities));
    disk.makeFolder(join(folder, own), 0o700);
    return own;
  }

  async #exportVault(
    vault: VaultId,
    snapshot: Snapshot,
    own: string,
    capabilities: Capabilities,
    hashes: HashList,
  ): Promise<void> {
    const { disk, folder } = this.#parts;
    const base = own === '' ? folder : `${folder}/${own}`;
    const tree = exportTree(snapshot, capabilities, own === '' ? [HASH_LIST] : []);
    this.#leftOut.push(...tree.leftOut);
    for (const { record } of [...tree.files, ...tree.links]) this.#total += record.size;
    makeFolders(disk, base, tree.folders);
    const fetch = this.#fetcher(vault, snapshot, base);
    await fetch(tree.files, async ({ record, path }) => {
      const at = `${base}/${path}`;
      hashes.add(await hashFile(disk, at, this.#parts.asking.signal), own === '' ? path : `${own}/${path}`);
      if (capabilities.modes) disk.setMode(at, record.mode);
      disk.setMtime(at, record.mtimeUs);
    });
    // Last, when nothing more is written beneath this folder: no byte goes through a link.
    await fetch(tree.links, ({ path }) => this.#makeLink(`${base}/${path}`, path));
    closeFolders(disk, base, tree.folders, capabilities);
  }

  #makeLink(at: string, path: string): Promise<void> {
    const { disk } = this.#parts;
    const target = Buffer.from(readSmallFile(disk, at, MAX_TARGET_BYTES)).toString('utf8');
    disk.removeFile(at);
    try {
      disk.makeLink(target, at);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.#leftOut.push(displayName(path));
    }
    return Promise.resolve();
  }

  /** Fetches nodes to their own paths, and hands on those that are there and verified. */
  #fetcher(vault: VaultId, snapshot: Snapshot, base: string) {
    const { reader, workers, asking } = this.#parts;
    const transfer = createVaultTransfer({
      vault,
      keys: () => reader.vaultKeys(vault),
      epoch: () => snapshot.header.epoch,
      workers: sealingWorkers(workers),
      cloud: reader.cloud,
      locate: locator(snapshot),
    });
    return async (
      nodes: readonly ExportedNode[],
      take: (node: ExportedNode) => Promise<void>,
    ): Promise<void> => {
      for (const batch of batches(nodes)) {
        const failures = new Map<string, Extract<FetchResult, { ok: false }>>();
        const files = batch.map(({ id, record, path }) => {
          const { content, size, depth, list } = record;
          if (content === null) throw new Error('a file has content');
          return { id, content: { id: content, size, depth, list }, stagingPath: `${base}/${path}` };
        });
        await transfer.fetch(
          files,
          (result) => {
            if (!result.ok) failures.set(result.id, result);
          },
          asking.signal,
        );
        for (const node of batch) {
          const failure = failures.get(node.id);
          if (failure === undefined) {
            await take(node);
            this.#files += node.record.type === 'file' ? 1 : 0;
            this.#bytes += node.record.size;
          } else this.#fail(failure, node.path);
        }
        asking.progress({ step: 'writing files', done: this.#bytes, total: this.#total, unit: 'bytes' });
      }
    };
  }

  /** What is damaged is left out; a disk or a server that fails ends it. */
  #fail(failure: Extract<FetchResult, { ok: false }>, path: string): void {
    if (failure.why !== 'corrupt' && failure.why !== 'missing') throw failed(failure, displayName(path));
    this.#leftOut.push(displayName(path));
  }

  #tellLeftOut(): void {
    const [first] = this.#leftOut;
    if (first === undefined) return;
    const count = this.#leftOut.length;
    throw new PersonError(
      'verification',
      `${count === 1 ? 'one thing' : `${count} things`} could not be exported, the first: ${first}`,
      `Everything else is in ${this.#parts.folder}. What is missing was damaged, or has a name this disk cannot hold.`,
    );
  }
}

/** In a folder that is gone again before anything is written. */
function probed(disk: Disk, folder: string): Capabilities {
  const name = 'coffre-probe';
  disk.makeFolder(`${folder}/${name}`, 0o700);
  try {
    return probe(disk, folder, name);
  } finally {
    disk.removeFolder(`${folder}/${name}`);
  }
}

function nameOf(snapshot: Snapshot, vault: VaultId): string {
  const root = snapshot.nodes.find(({ node }) => node === ROOT_NODE)?.record;
  return root === undefined || root === null || root === 'unreadable' ? vault : root.name;
}

function* batches(nodes: readonly ExportedNode[]): Generator<ExportedNode[]> {
  let batch: ExportedNode[] = [];
  let bytes = 0;
  for (const node of nodes) {
    batch.push(node);
    bytes += node.record.size;
    if (batch.length >= BATCH_FILES || bytes >= BATCH_BYTES) {
      yield batch;
      batch = [];
      bytes = 0;
    }
  }
  if (batch.length > 0) yield batch;
}

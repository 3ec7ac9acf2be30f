/** Packs in memory with the chunks they hold: what an account and a manifest are to a transfer. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ChunkId, PackName, VaultId } from '../../protocol/ids.ts';
import { secureRandom } from '../../sync-engine/crypto/random.ts';
import { makeEpochKey, VaultKeys } from '../../sync-engine/crypto/vault-keys.ts';
import { CloudError, type CloudFault } from '../../sync-engine/remote/cloud.ts';
import type {
  ChunkLocation,
  IngestHooks,
  LocatedChunk,
  PackToSend,
} from '../../sync-engine/transfer/sealing-jobs.ts';
import {
  createVaultTransfer,
  type SealingWorkers,
  type VaultTransferOptions,
} from '../../sync-engine/transfer/vault-transfer.ts';

export const VAULT = '0123456789abcdef0123456789abcdef' as VaultId;

export interface Read {
  readonly pack: PackName;
  readonly start: number;
  readonly end: number;
}

export class PackWorld {
  /** A folder on the real disk for all that the test makes. */
  readonly folder = mkdtempSync(path.join(tmpdir(), 'coffre-transfer-'));
  readonly keys = new VaultKeys(VAULT, [[0, makeEpochKey(secureRandom)]]);
  readonly packs = new Map<PackName, Buffer>();
  readonly sent: PackToSend[] = [];
  readonly chunks = new Map<ChunkId, LocatedChunk>();
  readonly asked: ChunkId[] = [];
  readonly reads: Read[] = [];
  readBytes = 0;
  /** Set to make every read fail. */
  fault: CloudFault | null = null;

  at(name: string): string {
    return path.join(this.folder, name);
  }

  readonly hooks: IngestHooks = {
    known: async (chunks) => {
      this.asked.push(...chunks);
      return chunks.map((chunk) => this.chunks.has(chunk));
    },
    pack: async (pack) => {
      this.sent.push(pack);
      this.packs.set(pack.name, Buffer.from(pack.bytes));
      for (const chunk of pack.chunks) this.chunks.set(chunk.id, chunk);
    },
  };

  locate(chunk: ChunkId): ChunkLocation | undefined {
    return this.chunks.get(chunk);
  }

  async getPack(_vault: VaultId, name: PackName, start: number, end: number): Promise<Uint8Array> {
    this.reads.push({ pack: name, start, end });
    if (this.fault !== null) throw new CloudError(this.fault, 'as the test asked');
    const pack = this.packs.get(name);
    if (pack === undefined) throw new CloudError('not-found', 'no such pack');
    const bytes = new Uint8Array(pack.subarray(start, end));
    this.readBytes += bytes.length;
    return bytes;
  }

  transfer(workers: SealingWorkers, more: Partial<VaultTransferOptions> = {}) {
    return createVaultTransfer({
      vault: VAULT,
      keys: () => this.keys,
      epoch: () => 0,
      workers,
      cloud: { getPack: (vault, name, start, end) => this.getPack(vault, name, start, end) },
      locate: (chunk) => this.locate(chunk),
      ...more,
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Everything of one vault that its pairs share: log, uploads, commits, content transfer. */
import { ROOT_NODE, type NodeId, type SealedPack, type VaultId } from '../../protocol/ids.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { Cloud, CloudError, PackBody } from '../remote/cloud.ts';
import type { VaultTransfer } from '../transfer/sealing-jobs.ts';
import { CommitQueue, type QuotaState } from './commit-queue.ts';
import type { DeviceIdentity } from './device-identity.ts';
import { PackUploads } from './pack-uploads.ts';
import { remotePath } from './paths.ts';
import type { Clock, RandomSource } from './ports.ts';
import type { Claim } from './log-scope.ts';
import type { TreeFault } from './remote-apply.ts';
import { VaultLog } from './vault-log.ts';

export interface VaultSyncParts {
  readonly vault: VaultId;
  readonly manifest: Manifest;
  readonly cloud: Cloud;
  readonly identity: DeviceIdentity;
  readonly transfer: VaultTransfer;
  /** A pack as the body of its upload. */
  readonly body: (bytes: SealedPack) => PackBody;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly hooks: {
    changed(vault: VaultId, nodes: readonly NodeId[]): void;
    faults(vault: VaultId, faults: readonly { readonly node: NodeId; readonly fault: TreeFault }[]): void;
    rewinding(vault: VaultId, claims: ReadonlyMap<NodeId, Claim>): () => void;
    chainMoved(): void;
    quota(state: QuotaState | null): void;
    isFull(): boolean;
    sent(bytes: number): void;
    failed(vault: VaultId, error: unknown): void;
    retryUpload(error: CloudError, attempt: number, signal: AbortSignal): Promise<void>;
    busy(vault: VaultId): boolean;
  };
}

export class VaultSync {
  readonly vault: VaultId;
  readonly log: VaultLog;
  readonly uploads: PackUploads;
  readonly commits: CommitQueue;
  readonly transfer: VaultTransfer;
  /** Set when the log failed verification: nothing of this vault moves until a person decides. */
  stopped: unknown = null;

  constructor(parts: VaultSyncParts) {
    const { vault, manifest, cloud, identity, transfer, body, clock, random, hooks } = parts;
    this.vault = vault;
    this.transfer = transfer;
    this.log = new VaultLog({
      vault,
      manifest,
      cloud,
      identity,
      clock,
      random,
      hooks: {
        changed: (nodes) => {
          hooks.changed(vault, nodes);
        },
        faults: (faults) => {
          hooks.faults(vault, faults);
        },
        rewinding: (claims) => hooks.rewinding(vault, claims),
        chainMoved: () => {
          this.log.judgePacks();
          hooks.chainMoved();
        },
      },
    });
    this.uploads = new PackUploads(vault, manifest, cloud, clock, body, {
      quota: (state) => {
        hooks.quota(state);
      },
      sent: (bytes, sentMs) => {
        this.commits.packArrived(sentMs);
        hooks.sent(bytes);
      },
      retry: (error, attempt, signal) => hooks.retryUpload(error, attempt, signal),
    });
    this.commits = new CommitQueue(this.log, manifest, clock, {
      busy: () => hooks.busy(vault),
      isFull: () => hooks.isFull(),
      quota: (state) => {
        hooks.quota(state);
      },
      failed: (error) => {
        hooks.failed(vault, error);
      },
    });
  }

  /** A path to show for a node. */
  pathOf(node: NodeId): string {
    return remotePath(this.log.store.remote, node)?.path ?? '';
  }

  /** Whether the node stands beneath the root, and not in the trash. */
  reaches(node: NodeId): boolean {
    return remotePath(this.log.store.remote, node)?.inTrash === false;
  }

  /** The vault's name: that of its root node. */
  name(): string {
    return this.log.store.remote.get(ROOT_NODE)?.name ?? '';
  }
}

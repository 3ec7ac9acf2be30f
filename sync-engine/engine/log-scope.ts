/** What the rooms of one vault's log share: whom it follows, with what, and where it keeps what it verified. */
import type { NodeId, VaultId } from '../../protocol/ids.ts';
import type { Manifest, VaultStore } from '../manifest/manifest.ts';
import type { Cloud } from '../remote/cloud.ts';
import type { DeviceIdentity } from './device-identity.ts';
import type { Clock, RandomSource } from './ports.ts';
import type { TreeFault } from './remote-apply.ts';

interface LogHooks {
  /** Nodes whose remote state changed. */
  changed(nodes: readonly NodeId[]): void;
  faults(faults: readonly { readonly node: NodeId; readonly fault: TreeFault }[]): void;
  /** The device chain grew. */
  chainMoved(): void;
}

export interface VaultLogParts {
  readonly vault: VaultId;
  readonly manifest: Manifest;
  readonly cloud: Cloud;
  readonly identity: DeviceIdentity;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly hooks: LogHooks;
}

export interface LogScope extends VaultLogParts {
  readonly store: VaultStore;
}

/** Vault meta: the hash of the commit that was sent last and not yet seen in the log. */
export const PENDING = 'pending-commit';
/** Vault meta: when the trash took a node, by the server's clock. */
export const TRASHED_AT = 'trashed-at/';

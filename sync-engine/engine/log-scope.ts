/** What the rooms of one vault's log share: whom it follows, with what, and where it keeps what it verified. */
import type { DeviceChain } from '../../protocol/device-chain.ts';
import { PersonError } from '../../protocol/errors.ts';
import type { Hash, NodeId, VaultId } from '../../protocol/ids.ts';
import type { Manifest, VaultStore } from '../manifest/manifest.ts';
import type { Cloud } from '../remote/cloud.ts';
import type { DeviceIdentity } from './device-identity.ts';
import type { Clock, RandomSource } from './ports.ts';
import type { TreeFault } from './remote-apply.ts';

/**
 * What a log that went back makes of a node whose state here is newer: it is proposed `again` on what the account
 * now has; or `both` are kept, where that is newer too.
 */
export type Claim = 'again' | 'both';

interface LogHooks {
  /**
   * Nodes whose remote state changed. In the transaction that changed them: a head that moves without them being
   * looked at again would leave them as they are for good.
   */
  changed(nodes: readonly NodeId[]): void;
  faults(faults: readonly { readonly node: NodeId; readonly fault: TreeFault }[]): void;
  /** In a transaction in which the remote tree goes back: called before the rows change, what it returns after. */
  rewinding(claims: ReadonlyMap<NodeId, Claim>): () => void;
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

/** Vault meta: the commits that were sent and not seen in the log yet; see `pendingCommits`. */
const PENDING = 'pending-commit';
/** One is refused, or its answer lost or false, at most a few times before the log is read. */
const MOST_PENDING = 16;
/** Vault meta: the rejoin list that the next commit has to carry, base64. */
export const REJOIN = 'rejoin';
/** Vault meta: when the trash took a node, by the server's clock. */
export const TRASHED_AT = 'trashed-at/';

/**
 * Hashes of the commits of this device that may be the next in the log, the last sent at the end: all that were sent
 * on the head where it stood then. An answer may be lost or false, so another is sent while one before is in the log.
 */
export function pendingCommits(store: Pick<VaultStore, 'meta'>): readonly Hash[] {
  return sentOn(store.meta(PENDING))[1];
}

/** Notes one that is about to be sent on `head`. */
export function addPending(store: Pick<VaultStore, 'meta' | 'setMeta'>, head: Hash, sent: Hash): void {
  const [before, hashes] = sentOn(store.meta(PENDING));
  const all = before === head ? [...hashes, sent].slice(-MOST_PENDING) : [sent];
  store.setMeta(PENDING, `${head}/${all.join(',')}`);
}

export function clearPending(store: Pick<VaultStore, 'setMeta'>): void {
  store.setMeta(PENDING, null);
}

/** `HEAD/HASH,HASH`; an engine of before wrote one hash. */
function sentOn(value: string | null): readonly [head: string, sent: readonly Hash[]] {
  if (value === null) return ['', []];
  const [head = '', sent] = value.split('/');
  return sent === undefined ? ['', [head as Hash]] : [head, sent.split(',') as Hash[]];
}

/** The device chain, read on when it has to be longer. @throws CloudError, PersonError */
export async function chainCovering({ identity, hooks }: LogScope, length: number): Promise<DeviceChain> {
  const chain = identity.chain();
  if (length <= chain.length) return chain;
  const longer = await identity.followChain();
  hooks.chainMoved();
  return longer;
}

/** The device chain as the server has it; where that does not hold, the one this device verified. @throws CloudError */
export async function newestChain({ identity, hooks }: LogScope): Promise<void> {
  const { length } = identity.chain();
  try {
    await identity.followChain();
  } catch (error) {
    if (!(error instanceof PersonError && error.code === 'verification')) throw error;
  }
  if (identity.chain().length > length) hooks.chainMoved();
}

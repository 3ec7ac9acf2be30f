/** A vault as it was at one commit, as a tree that can be walked. */
import { PersonError } from '../../protocol/errors.ts';
import { ROOT_NODE, type NodeId } from '../../protocol/ids.ts';
import type { NodeRecord } from '../crypto/record.ts';
import type { FolderTotals } from './folder-totals.ts';
import { stateAt } from './history.ts';
import { cloudOf, type TreeDevice } from './tree-host.ts';
import type { VaultSync } from './vault-sync.ts';

type State = ReadonlyMap<NodeId, NodeRecord>;

export class PastTree {
  readonly seq: number;
  readonly #state: State;
  readonly #children: ReadonlyMap<NodeId, readonly NodeId[]>;

  constructor(seq: number, state: State) {
    this.seq = seq;
    this.#state = state;
    this.#children = childrenOf(state);
  }

  get(node: NodeId): NodeRecord | undefined {
    return this.#state.get(node);
  }

  nodes(): Iterable<NodeId> {
    return this.#state.keys();
  }

  children(node: NodeId): readonly NodeId[] {
    return this.#children.get(node) ?? [];
  }

  /** What lies beneath a folder. */
  totals(folder: NodeId): FolderTotals {
    let files = 0;
    let bytes = 0;
    const stack = [folder];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      for (const id of this.children(next)) {
        const record = this.#state.get(id);
        if (record?.type === 'folder') stack.push(id);
        else files += 1;
        bytes += record?.size ?? 0;
      }
    }
    return { files, bytes };
  }

  walk(steps: readonly string[]): NodeId | undefined {
    let current: NodeId | undefined = ROOT_NODE;
    for (const step of steps) {
      current = this.children(current).find((id) => this.#state.get(id)?.name === step);
      if (current === undefined) return undefined;
    }
    return current;
  }
}

function childrenOf(state: State): ReadonlyMap<NodeId, NodeId[]> {
  const children = new Map<NodeId, NodeId[]>();
  for (const [id, { parent }] of state) {
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [id]);
    else siblings.push(id);
  }
  return children;
}

/** The last commit that the server had received then. @throws PersonError not-found, CloudError */
export async function seqAt(at: TreeDevice, vault: VaultSync, atMs: number): Promise<number> {
  const head = await cloudOf(at).headAt(vault.vault, atMs);
  if (head === null)
    throw new PersonError('not-found', 'the vault did not exist then', 'Choose a later time.');
  return head.seq;
}

/** Read whole and verified. @throws CloudError, LogFault */
export async function pastTreeAt(at: TreeDevice, vault: VaultSync, seq: number): Promise<PastTree> {
  return new PastTree(seq, await stateAt(vault.log, cloudOf(at), at.device, seq));
}

/** A person looks through one past at a time, folder by folder; it is forgotten when they stop looking. */
const KEPT_MS = 60_000;

/** The past last looked at, so that each folder of it does not read the whole of it anew. */
export class PastTrees {
  #kept: KeptPast | null = null;
  #forget: NodeJS.Timeout | undefined;

  async at(device: TreeDevice, vault: VaultSync, seq: number): Promise<PastTree> {
    const known = this.#kept?.vault === vault && this.#kept.seq === seq ? this.#kept : null;
    const looked = known ?? { vault, seq, tree: pastTreeAt(device, vault, seq) };
    this.#keep(looked);
    try {
      return await looked.tree;
    } catch (error) {
      if (this.#kept === looked) this.#kept = null;
      throw error;
    }
  }

  #keep(looked: KeptPast): void {
    this.#kept = looked;
    clearTimeout(this.#forget);
    this.#forget = setTimeout(() => {
      this.#kept = null;
    }, KEPT_MS).unref();
  }
}

interface KeptPast {
  readonly vault: VaultSync;
  readonly seq: number;
  readonly tree: Promise<PastTree>;
}

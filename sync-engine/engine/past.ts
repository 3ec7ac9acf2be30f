/**
 * Where nodes were and what they held, from the retained log: each history is read once and verified. One
 * object for one question, so that it never answers from an older head.
 */
import { ROOT_NODE, TRASH_NODE, type NodeId } from '../../protocol/ids.ts';
import { MAX_DEPTH } from '../../protocol/limits.ts';
import type { NodeRecord } from '../crypto/record.ts';
import { nodeVersions, recordOf, type NodeVersion } from './history.ts';
import { cloudOf, type TreeDevice } from './tree-host.ts';
import type { VaultSync } from './vault-sync.ts';

export class Past {
  readonly #at: TreeDevice;
  readonly #vault: VaultSync;
  readonly #versions = new Map<NodeId, Promise<readonly NodeVersion[]>>();

  constructor(at: TreeDevice, vault: VaultSync) {
    this.#at = at;
    this.#vault = vault;
  }

  /** Newest first. @throws CloudError, LogFault */
  versions(node: NodeId): Promise<readonly NodeVersion[]> {
    let versions = this.#versions.get(node);
    if (versions === undefined) {
      versions = nodeVersions(this.#vault.log, cloudOf(this.#at), this.#at.device, node);
      this.#versions.set(node, versions);
    }
    return versions;
  }

  /** The node's record as of a commit; the present one where nothing older is kept. Null: nothing is known of it. */
  async recordAt(node: NodeId, seq: number): Promise<NodeRecord | null> {
    const versions = await this.versions(node);
    const version = versions.find((candidate) => candidate.seq <= seq) ?? versions.at(-1);
    if (version !== undefined) return version.record;
    const present = this.#vault.log.store.remote.get(node);
    return present === undefined ? null : recordOf(this.#vault.log, present);
  }

  /** The names from the root to a place as of a commit; null when they lead into the trash or nowhere. */
  async stepsAt(parent: NodeId, name: string, seq: number): Promise<string[] | null> {
    const steps = [name];
    let current = parent;
    for (let depth = 0; depth <= MAX_DEPTH + 1; depth += 1) {
      if (current === ROOT_NODE) return steps.reverse();
      if (current === TRASH_NODE) return null;
      const record = await this.recordAt(current, seq);
      if (record === null) return null;
      steps.push(record.name);
      current = record.parent;
    }
    return null;
  }

  /** The last version of a node before the trash took it, and the commit that did; null when it is not known. */
  async beforeTrash(node: NodeId): Promise<{ version: NodeVersion; taken: NodeVersion } | null> {
    const versions = await this.versions(node);
    const index = versions.findIndex((version) => version.record.parent !== TRASH_NODE);
    const version = versions[index];
    const taken = versions[index - 1];
    return version === undefined || taken === undefined ? null : { version, taken };
  }
}

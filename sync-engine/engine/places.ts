/** From what a person writes, `VAULT:/path`, to a node, and back. */
import { PersonError } from '../../protocol/errors.ts';
import { ROOT_NODE, type NodeId } from '../../protocol/ids.ts';
import { nothingAt } from './person-work.ts';
import { parseAccountPath, remotePath, resolveSteps } from './paths.ts';
import { vaultsOf, type TreeDevice } from './tree-host.ts';
import type { VaultSync } from './vault-sync.ts';

export interface Place {
  readonly vault: VaultSync;
  readonly steps: readonly string[];
  /** `VAULT:/path`, as a person writes it. */
  readonly text: string;
}

export function placeText(vault: VaultSync, path: string): string {
  return `${vault.name()}:${path}`;
}

/** A vault's path of the node; under the trash and beyond, its name. */
export function nodeText(vault: VaultSync, node: NodeId): string {
  const found = remotePath(vault.log.store.remote, node);
  return placeText(vault, found?.path ?? `/${vault.log.store.remote.get(node)?.name ?? ''}`);
}

/** @throws PersonError not-found (no such vault), bad-input (two of that name) */
export function vaultNamed(at: TreeDevice, name: string | null): VaultSync {
  const vaults = vaultsOf(at);
  const [vault, other] = name === null ? vaults.slice(0, 1) : vaults.filter((one) => one.name() === name);
  if (vault === undefined) {
    const what = name === null ? 'there is no vault yet' : `there is no vault ${name}`;
    throw new PersonError('not-found', what, 'See the vaults with `coffre ls`.');
  }
  if (other !== undefined) {
    throw new PersonError(
      'bad-input',
      `several vaults are named ${name ?? ''}`,
      'Link one of them to a folder of its own and rename it.',
    );
  }
  return vault;
}

/** @throws PersonError not-found, bad-input */
export function placeAt(at: TreeDevice, text: string): Place {
  const { vault: name, steps } = parseAccountPath(text);
  const vault = vaultNamed(at, name);
  return { vault, steps, text: placeText(vault, `/${steps.join('/')}`) };
}

/** The node there; undefined when there is none. */
export function nodeAt({ vault, steps }: Place): NodeId | undefined {
  return resolveSteps(vault.log.store.remote, steps);
}

/** @throws PersonError not-found */
export function requireNode(place: Place): NodeId {
  const node = nodeAt(place);
  if (node === undefined) throw nothingAt(place.text);
  return node;
}

/** Where something new can be put. @throws PersonError exists, bad-input (the root) */
export function requireFree(place: Place): void {
  if (place.steps.length === 0 || nodeAt(place) === ROOT_NODE) {
    throw new PersonError('bad-input', 'that is the vault itself', 'Name a new place within it.');
  }
  if (nodeAt(place) !== undefined) {
    throw new PersonError('exists', `there is something at ${place.text}`, 'Choose another place.');
  }
}

/** What lies in the trash of the account's vaults: the list, and finding one thing in it. */
import { PersonError } from '../../protocol/errors.ts';
import type { TrashEntry } from '../../protocol/control-tree.ts';
import { isId16, type NodeId } from '../../protocol/ids.ts';
import { CloudError } from '../remote/cloud.ts';
import { trashed } from './history.ts';
import { Past } from './past.ts';
import { asked, nothingAt } from './person-work.ts';

import { parseAccountPath, subtree } from './paths.ts';
import { vaultNamed } from './places.ts';
import { vaultsOf, type Page, type TreeDevice } from './tree-host.ts';
import { TRASHED_AT } from './log-scope.ts';
import type { VaultSync } from './vault-sync.ts';

/** Vault meta: where a node of the trash was, as JSON; read from the log once. */
const TRASHED_FROM = 'trashed-from/';
/** Histories read side by side. */
const CONCURRENT = 8;
/** Histories read for one list; what is beyond stands at its end, its time unknown. */
const MAX_LEARNT = 500;

export interface Origin {
  /** Names from the root; null when they can no longer be told. */
  readonly steps: readonly string[] | null;
  readonly parent: NodeId | null;
  readonly deletedAtMs: number | null;
}

interface Trashed {
  readonly vault: VaultSync;
  readonly id: NodeId;
  readonly atMs: number | null;
}

/** Where a node was before it was deleted. @throws CloudError, LogFault */
export async function originOf(vault: VaultSync, past: Past, id: NodeId): Promise<Origin> {
  const { store } = vault.log;
  const revision = store.remote.get(id)?.revision ?? 0;
  const kept = store.meta(`${TRASHED_FROM}${id}`);
  if (kept !== null) {
    const origin = JSON.parse(kept) as Origin & { revision: number };
    if (origin.revision === revision) return origin;
  }
  const before = await past.beforeTrash(id);
  if (before === null) return { steps: null, parent: null, deletedAtMs: null };
  const { parent, name } = before.version.record;
  const origin: Origin = {
    steps: await past.stepsAt(parent, name, before.taken.seq - 1),
    parent,
    deletedAtMs: before.taken.receivedAtMs,
  };
  if (store.remote.get(id)?.revision === revision) {
    store.setMeta(`${TRASHED_FROM}${id}`, JSON.stringify({ ...origin, revision }));
  }
  return origin;
}

function* trashedIn(vaults: readonly VaultSync[]): Generator<Trashed> {
  for (const vault of vaults) {
    for (const { node, trashedAtMs } of trashed(vault.log)) yield { vault, id: node.id, atMs: trashedAtMs };
  }
}

function newestFirst(left: Trashed, right: Trashed): number {
  const byTime = (right.atMs ?? 0) - (left.atMs ?? 0);
  return byTime !== 0 ? byTime : left.id < right.id ? -1 : 1;
}

/** Newest deletion first. @throws PersonError not-found (no such vault), verification */
export function listTrash(
  at: TreeDevice,
  request: Page & { readonly vault: string | null },
): Promise<{ entries: TrashEntry[]; nextCursor: string | null }> {
  return asked(async () => {
    const vaults = request.vault === null ? vaultsOf(at) : [vaultNamed(at, request.vault)];
    await learnTimes(at, vaults);
    const all = [...trashedIn(vaults)].sort(newestFirst);
    const from = request.cursor === null ? 0 : Number(request.cursor);
    const shown = all.slice(from, from + request.limit);
    const entries = (await withOrigins(at, shown)).map(({ entry }) => entry);
    const next = from + shown.length;
    return { entries, nextCursor: next < all.length ? String(next) : null };
  });
}

/** A device that took the live state did not see when things were deleted: the log tells it. */
async function learnTimes(at: TreeDevice, vaults: readonly VaultSync[]): Promise<void> {
  const unknown = [...trashedIn(vaults)].filter(({ atMs }) => atMs === null).slice(0, MAX_LEARNT);
  for (const { entry, vault } of await withOrigins(at, unknown)) {
    const { id, deletedAtMs } = entry;
    if (deletedAtMs !== null) vault.log.store.setMeta(`${TRASHED_AT}${id}`, String(deletedAtMs));
  }
}

async function withOrigins(
  at: TreeDevice,
  shown: readonly Trashed[],
): Promise<{ vault: VaultSync; entry: TrashEntry }[]> {
  const pasts = new Map<VaultSync, Past>();
  const entries: { vault: VaultSync; entry: TrashEntry }[] = [];
  for (let from = 0; from < shown.length; from += CONCURRENT) {
    const found = await Promise.all(
      shown.slice(from, from + CONCURRENT).map(async ({ vault, id, atMs }) => {
        const past = pasts.get(vault) ?? new Past(at, vault);
        pasts.set(vault, past);
        const entry = trashEntry(vault, id, atMs, await originIfTold(vault, past, id));
        return { vault, entry };
      }),
    );
    for (const { vault, entry } of found) if (entry !== null) entries.push({ vault, entry });
  }
  return entries;
}

/** The list is worth showing without the server, too. */
async function originIfTold(vault: VaultSync, past: Past, id: NodeId): Promise<Origin> {
  try {
    return await originOf(vault, past, id);
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    return { steps: null, parent: null, deletedAtMs: null };
  }
}

function trashEntry(vault: VaultSync, id: NodeId, atMs: number | null, origin: Origin): TrashEntry | null {
  const { remote } = vault.log.store;
  const node = remote.get(id);
  if (node === undefined) return null; // it went meanwhile
  let size = 0;
  for (const { size: bytes } of subtree(remote, id)) size += bytes;
  return {
    id,
    name: node.name,
    type: node.type,
    size,
    path: origin.steps === null ? null : `/${origin.steps.join('/')}`,
    vault: vault.name(),
    deletedAtMs: atMs ?? origin.deletedAtMs,
  };
}

/** What of a vault's trash was at a path, newest deletion first. */
export async function trashedFrom(
  at: TreeDevice,
  vault: VaultSync,
  steps: readonly string[],
): Promise<NodeId[]> {
  const past = new Past(at, vault);
  const name = steps.at(-1);
  const found: NodeId[] = [];
  for (const { id } of [...trashedIn([vault])].sort(newestFirst)) {
    const node = vault.log.store.remote.get(id);
    if (node?.name !== name) continue;
    const origin = await originOf(vault, past, id);
    if (origin.steps?.join('/') === steps.join('/')) found.push(id);
  }
  return found;
}

/** One thing of the trash, by its id or by where it was. @throws PersonError not-found, bad-input (several) */
export async function findTrashed(at: TreeDevice, item: string): Promise<{ vault: VaultSync; id: NodeId }> {
  if (isId16(item)) {
    for (const one of trashedIn(vaultsOf(at))) if (one.id === item) return one;
  }
  const { vault: name, steps } = parseAccountPath(item);
  const vault = vaultNamed(at, name);
  const [id, other] = await trashedFrom(at, vault, steps);
  if (id === undefined) throw nothingAt(`${item} in the trash`);
  if (other !== undefined) {
    throw new PersonError(
      'bad-input',
      `several deleted things were at ${item}`,
      'Name one by its id: see `coffre trash list`.',
    );
  }
  return { vault, id };
}

/** Forgets what was remembered of nodes that left the trash. */
export function forgetTrashed(vault: VaultSync, ids: readonly NodeId[]): void {
  for (const id of ids) {
    vault.log.store.setMeta(`${TRASHED_FROM}${id}`, null);
    vault.log.store.setMeta(`${TRASHED_AT}${id}`, null);
  }
}

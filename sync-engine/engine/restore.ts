/** Brings back files and folders: a version, a time, or from the trash. */
import { PersonError } from '../../protocol/errors.ts';
import { ROOT_NODE, TRASH_NODE, type NodeId } from '../../protocol/ids.ts';
import type { NodeRecord } from '../crypto/record.ts';
import { recordOf } from './history.ts';
import { nodeIds } from './node-ids.ts';
import { OldContent } from './old-content.ts';
import { pastTreeAt, seqAt, type PastTree } from './past-tree.ts';
import { Past } from './past.ts';
import { asked, noLongerKept, nothingAt } from './person-work.ts';
import { subtree } from './paths.ts';
import { nodeAt, nodeText, placeAt, requireFree, type Place } from './places.ts';
import { placeOf, replant, type Cutting, type Destination } from './replant.ts';
import { findTrashed, forgetTrashed, originOf, trashedFrom } from './trash.ts';
import type { Asking, TreeDevice } from './tree-host.ts';
import type { VaultSync } from './vault-sync.ts';

export interface RestoreRequest {
  readonly path: string;
  readonly atMs?: number | undefined;
  readonly version?: number | undefined;
  readonly to?: string | undefined;
}

export interface Restored {
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
}

/** What to bring back, and a commit as of which it was live. */
interface Target {
  readonly node: NodeId;
  readonly record: NodeRecord;
  readonly seq: number;
  readonly tree: PastTree | null;
}

/** @throws PersonError not-found, exists (at `to`), bad-input, verification, quota, server-unreachable */
export function restore(at: TreeDevice, request: RestoreRequest, asking: Asking): Promise<Restored> {
  return asked(async () => {
    const place = placeAt(at, request.path);
    const to = destinationOf(at, place.vault, request.to);
    await place.vault.log.pull();
    const target =
      request.atMs === undefined
        ? await targetByVersion(at, place, request.version)
        : await targetByTime(at, place, request.atMs);
    return bringBack(at, place.vault, target, to, asking);
  });
}

/** @throws PersonError not-found, bad-input (several match), exists (at `to`), quota, server-unreachable */
export function restoreTrashed(
  at: TreeDevice,
  request: { readonly item: string; readonly to?: string | undefined },
  asking: Asking,
): Promise<Restored> {
  return asked(async () => {
    const { vault, id } = await findTrashed(at, request.item);
    const to = destinationOf(at, vault, request.to);
    const { log } = vault;
    const node = log.store.remote.get(id);
    if (node === undefined) throw nothingAt(request.item);
    const origin = await originOf(vault, new Past(at, vault), id);
    const back: Destination = {
      folder: origin.steps?.slice(0, -1) ?? [],
      name: origin.steps?.at(-1) ?? node.name,
      taken: 'beside',
    };
    const cuttings: Cutting[] = [{ node: id, record: recordOf(log, node), packs: [] }];
    let files = 0;
    let bytes = 0;
    for (const part of subtree(log.store.remote, id)) {
      if (part.type !== 'folder') files += 1;
      bytes += part.size;
    }
    asking.signal.throwIfAborted();
    await replant({ vault, cuttings, destination: to ?? back, asNew: false, newId: newIds(at) });
    forgetTrashed(vault, [id]);
    return { path: nodeText(vault, id), files, bytes };
  });
}

function newIds(at: TreeDevice): () => NodeId {
  return nodeIds(at.device.tools.random);
}

function destinationOf(at: TreeDevice, vault: VaultSync, text: string | undefined): Destination | null {
  if (text === undefined) return null;
  const place = placeAt(at, text.includes(':/') ? text : `${vault.name()}:/${text}`);
  if (place.vault !== vault) {
    throw new PersonError(
      'bad-input',
      'that is in another vault',
      'Restore it in its own vault, then copy it from your folder.',
    );
  }
  requireFree(place);
  return { folder: place.steps.slice(0, -1), name: place.steps.at(-1) ?? '', taken: 'refuse' };
}

async function targetByTime(at: TreeDevice, place: Place, atMs: number): Promise<Target> {
  const { vault } = place;
  const seq = await seqAt(at, vault, atMs);
  const tree = await pastTreeAt(at, vault, seq);
  const node = tree.walk(place.steps) ?? nodeAt(place);
  const record = node === undefined ? undefined : tree.get(node);
  if (node === undefined || record === undefined) throw nothingAt(`${place.text} as of that time`);
  return { node, record, seq, tree };
}

async function targetByVersion(at: TreeDevice, place: Place, wanted: number | undefined): Promise<Target> {
  const { vault } = place;
  const past = new Past(at, vault);
  const live = nodeAt(place);
  const node = live ?? (await trashedFrom(at, vault, place.steps))[0];
  if (node === undefined) throw nothingAt(place.text);
  const versions = await past.versions(node);
  const index =
    wanted !== undefined
      ? versions.findIndex(({ version }) => version === wanted)
      : live === undefined
        ? versions.findIndex(({ record }) => record.parent !== TRASH_NODE)
        : 1;
  const found = index < 0 ? undefined : versions[index];
  if (found === undefined) {
    throw wanted === undefined ? noLongerKept('an earlier version') : noLongerKept(`version ${wanted}`);
  }
  const next = versions[index - 1];
  const seq = next === undefined ? vault.log.cursor().seq : next.seq - 1;
  const isFolder = found.record.type === 'folder';
  const tree = isFolder ? await pastTreeAt(at, vault, seq) : null;
  return { node, record: found.record, seq, tree };
}

async function bringBack(
  at: TreeDevice,
  vault: VaultSync,
  target: Target,
  to: Destination | null,
  asking: Asking,
): Promise<Restored> {
  const past = new Past(at, vault);
  const destination = to ?? (await ownPlace(vault, past, target));
  const cuttings = await cut(at, vault, target, asking);
  const planted = await replant({ vault, cuttings, destination, asNew: to !== null, newId: newIds(at) });
  forgetTrashed(vault, [target.node]);
  return { path: nodeText(vault, planted.node), files: planted.files, bytes: planted.bytes };
}

/** A file stays where it is now; a folder, and what was deleted, goes back to where it was. Null: it need not move. */
async function ownPlace(
  vault: VaultSync,
  past: Past,
  { node, record, seq }: Target,
): Promise<Destination | null> {
  if (node === ROOT_NODE) return null;
  const present = placeOf(vault, node);
  if (present !== null && record.type !== 'folder') return null;
  const origin =
    vault.log.store.remote.get(node) === undefined || present !== null
      ? null
      : await originOf(vault, past, node);
  const steps = origin?.steps ?? (await past.stepsAt(record.parent, record.name, seq));
  if (steps === null) {
    return present === null ? { folder: [], name: record.name, taken: 'beside' } : null;
  }
  const isThere = present !== null && [...present.folder, present.name].join('/') === steps.join('/');
  return isThere ? null : { folder: steps.slice(0, -1), name: steps.at(-1) ?? record.name, taken: 'beside' };
}

/** The target and all beneath it then, parents first, with the packs of what has to be stored again. */
async function cut(at: TreeDevice, vault: VaultSync, target: Target, asking: Asking): Promise<Cutting[]> {
  const old = new OldContent(at, vault, asking.signal);
  const cuttings: Cutting[] = [];
  const stack: { id: NodeId; record: NodeRecord }[] = [{ id: target.node, record: target.record }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { id, record } = next;
    asking.signal.throwIfAborted();
    cuttings.push({ node: id, record, packs: await old.packsOf(record, target.seq) });
    asking.progress({ step: 'looking up what was there', done: cuttings.length, total: null, unit: 'items' });
    for (const child of target.tree?.children(id) ?? []) {
      const below = target.tree?.get(child);
      if (below !== undefined && child !== id) stack.push({ id: child, record: below });
    }
  }
  return cuttings;
}

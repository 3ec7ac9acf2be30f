/** What the account holds, as a person looks at it: folders and versions. */
import { ROOT_NODE, TRASH_NODE, type NodeId } from '../../protocol/ids.ts';
import type { ListingEntry, Version } from '../../protocol/control-tree.ts';
import { MAX_DEPTH } from '../../protocol/limits.ts';
import type { RemoteNode } from '../manifest/manifest.ts';
import { folderTotals, type FolderTotals } from './folder-totals.ts';
import { seqAt, type PastTrees } from './past-tree.ts';
import { Past } from './past.ts';
import { asked, nothingAt } from './person-work.ts';
import { nodeAt, placeAt, placeText, requireNode, type Place } from './places.ts';
import { trashedFrom } from './trash.ts';
import { vaultsOf, type Page, type TreeDevice } from './tree-host.ts';
import type { VaultSync } from './vault-sync.ts';

export interface Listing {
  readonly path: string;
  readonly vaults: string[];
  readonly entries: ListingEntry[];
  readonly nextCursor: string | null;
}

export interface ListRequest extends Page {
  readonly path: string;
  readonly atMs?: number | undefined;
  /** Each folder with what lies beneath it. */
  readonly totals: boolean;
}

/** What a listing shows of a node, present or past. */
type Shown = Pick<RemoteNode, 'id' | 'parent' | 'name' | 'type' | 'size' | 'mtimeUs'>;

/** Entries of a folder by name, or the one entry of anything else. @throws PersonError not-found, bad-input */
export async function listFolder(
  at: TreeDevice,
  request: ListRequest,
  pasts: PastTrees,
  signal: AbortSignal,
): Promise<Listing> {
  const place = placeAt(at, request.path);
  const { vault } = place;
  const { shown, more, totals } =
    request.atMs === undefined
      ? await presentEntries(place, request, signal)
      : await pastEntries(at, place, request, request.atMs, pasts);
  const kept = keptHere(at, vault);
  return {
    path: place.text,
    vaults: vaultsOf(at).map((one) => one.name()),
    entries: shown.map((entry) => ({
      name: entry.name,
      type: entry.type,
      size: entry.size,
      mtimeMs: Math.floor(entry.mtimeUs / 1000),
      node: entry.id,
      ...kept(entry.id),
      ...totals(entry.id),
    })),
    nextCursor: more ? (shown.at(-1)?.name ?? null) : null,
  };
}

interface Entries {
  readonly shown: readonly Shown[];
  readonly more: boolean;
  readonly totals: (node: NodeId) => FolderTotals | undefined;
}

async function presentEntries(place: Place, request: ListRequest, signal: AbortSignal): Promise<Entries> {
  const { store } = place.vault.log;
  const id = requireNode(place);
  const node = store.remote.get(id);
  const isFolder = id === ROOT_NODE || node?.type === 'folder';
  const { shown, more } = pageOf(
    isFolder ? store.remote.children(id) : node === undefined ? [] : [node],
    request,
  );
  if (!request.totals) return { shown, more, totals: () => undefined };
  const folders = shown.filter(({ type }) => type === 'folder').map((entry) => entry.id);
  const totals = await folderTotals(store, folders, signal);
  return { shown, more, totals: (entry) => totals.get(entry) };
}

async function pastEntries(
  at: TreeDevice,
  place: Place,
  request: ListRequest,
  atMs: number,
  pasts: PastTrees,
): Promise<Entries> {
  return asked(async () => {
    await place.vault.log.pull();
    const tree = await pasts.at(at, place.vault, await seqAt(at, place.vault, atMs));
    const id = tree.walk(place.steps) ?? nodeAt(place);
    const record = id === undefined ? undefined : tree.get(id);
    if (id === undefined || record === undefined) throw nothingAt(`${place.text} as of that time`);
    const all: Shown[] = [];
    for (const one of record.type === 'folder' ? tree.children(id) : [id]) {
      const then = tree.get(one);
      if (then !== undefined) all.push({ ...then, id: one });
    }
    all.sort((left, right) => byBytes(left.name, right.name));
    const totals = (entry: NodeId): FolderTotals | undefined =>
      request.totals && tree.get(entry)?.type === 'folder' ? tree.totals(entry) : undefined;
    return { ...pageOf(all, request), totals };
  });
}

function pageOf(all: Iterable<Shown>, page: Page): { shown: readonly Shown[]; more: boolean } {
  const shown: Shown[] = [];
  for (const entry of all) {
    // The root stands in its own tree by its record alone.
    if (entry.id === ROOT_NODE) continue;
    if (page.cursor !== null && byBytes(entry.name, page.cursor) <= 0) continue;
    if (shown.length === page.limit) return { shown, more: true };
    shown.push(entry);
  }
  return { shown, more: false };
}

function byBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

/** Tells of nodes of a vault whether this device holds them, all or in part. */
function keptHere(
  at: TreeDevice,
  vault: VaultSync,
): (node: NodeId) => { readonly selected: boolean; readonly partly: boolean } {
  const { remote } = vault.log.store;
  const upFrom = (node: NodeId): NodeId[] => {
    const above: NodeId[] = [];
    for (let id: NodeId | undefined = node; id !== undefined && above.length <= MAX_DEPTH + 1;) {
      above.push(id);
      id = id === ROOT_NODE ? undefined : remote.get(id)?.parent;
    }
    return above;
  };
  const pairs = at.engine
    .pairs()
    .filter((one) => one.vault.vault === vault.vault)
    .map(({ pair }) => ({ bound: pair.config.bound, deselected: pair.deselected() }));
  // Above a folder that is kept off here, and above one that is all that is kept here, lies a mixture.
  const aboveOff = new Set(
    pairs.flatMap(({ deselected }) => [...deselected].flatMap((id) => upFrom(id).slice(1))),
  );
  const aboveBound = new Set(pairs.flatMap(({ bound }) => upFrom(bound).slice(1)));
  return (node) => {
    const above = upFrom(node);
    const selected = pairs.some(({ bound, deselected }) => {
      const depth = above.indexOf(bound);
      return depth >= 0 && !above.slice(0, depth + 1).some((id) => deselected.has(id));
    });
    return { selected, partly: selected ? aboveOff.has(node) : aboveBound.has(node) };
  };
}

export interface Versions {
  readonly path: string;
  readonly versions: Version[];
  readonly nextCursor: string | null;
}

/** Newest first. @throws PersonError not-found, verification, server-unreachable */
export function listVersions(at: TreeDevice, text: string, page: Page): Promise<Versions> {
  return asked(async () => {
    const place = placeAt(at, text);
    const { vault } = place;
    const node = nodeAt(place) ?? (await trashedFrom(at, vault, place.steps))[0];
    if (node === undefined) throw nothingAt(place.text);
    const past = new Past(at, vault);
    const present = vault.log.store.remote.get(node);
    const before = page.cursor === null ? Number.POSITIVE_INFINITY : Number(page.cursor);
    const older = (await past.versions(node)).filter(({ version }) => version < before);
    const shown = older.slice(0, page.limit);
    const versions: Version[] = [];
    for (const { version, seq, receivedAtMs, record, device } of shown) {
      const steps = await past.stepsAt(record.parent, record.name, seq);
      const isRoot = node === ROOT_NODE;
      versions.push({
        version,
        seq,
        receivedAtMs,
        // In the trash it is a deletion.
        size: record.parent === TRASH_NODE ? null : record.size,
        mtimeMs: Math.floor(record.mtimeUs / 1000),
        path: isRoot
          ? placeText(vault, '/')
          : steps === null
            ? record.name
            : placeText(vault, `/${steps.join('/')}`),
        deviceName: at.device.nameOf(device) ?? device,
        current: present?.revision === version,
      });
    }
    const last = shown.at(-1);
    const hasMore = older.length > shown.length;
    return {
      path: place.text,
      versions,
      nextCursor: hasMore && last !== undefined ? String(last.version) : null,
    };
  });
}

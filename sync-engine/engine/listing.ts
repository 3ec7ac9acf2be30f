/** What the account holds, as a person looks at it: folders and versions. */
import { ROOT_NODE, TRASH_NODE, type NodeId } from '../../protocol/ids.ts';
import type { ListingEntry, Version } from '../../protocol/control-tree.ts';
import { MAX_DEPTH } from '../../protocol/limits.ts';
import type { RemoteNode } from '../manifest/manifest.ts';
import { Past } from './past.ts';
import { asked, nothingAt } from './person-work.ts';
import { nodeAt, placeAt, placeText, requireNode } from './places.ts';
import { trashedFrom } from './trash.ts';
import { vaultsOf, type Page, type TreeDevice } from './tree-host.ts';
import type { VaultSync } from './vault-sync.ts';

export interface Listing {
  readonly path: string;
  readonly vaults: string[];
  readonly entries: ListingEntry[];
  readonly nextCursor: string | null;
}

/** Entries of a folder by name, or the one entry of anything else. @throws PersonError not-found, bad-input */
export function listFolder(at: TreeDevice, text: string, page: Page): Listing {
  const place = placeAt(at, text);
  const { remote } = place.vault.log.store;
  const id = requireNode(place);
  const node = remote.get(id);
  const isFolder = id === ROOT_NODE || node?.type === 'folder';
  const all = isFolder ? remote.children(id) : node === undefined ? [] : [node];
  const entries: RemoteNode[] = [];
  let more = false;
  for (const entry of all) {
    // The root stands in its own tree by its record alone.
    if (entry.id === ROOT_NODE) continue;
    if (page.cursor !== null && Buffer.compare(Buffer.from(entry.name), Buffer.from(page.cursor)) <= 0)
      continue;
    more = entries.length === page.limit;
    if (more) break;
    entries.push(entry);
  }
  return {
    path: place.text,
    vaults: vaultsOf(at).map((vault) => vault.name()),
    entries: entries.map((entry) => ({
      name: entry.name,
      type: entry.type,
      size: entry.size,
      mtimeMs: Math.floor(entry.mtimeUs / 1000),
      node: entry.id,
      selected: isKeptHere(at, place.vault, entry.id),
    })),
    nextCursor: more ? (entries.at(-1)?.name ?? null) : null,
  };
}

/** Whether a pair of this device holds the node. */
function isKeptHere(at: TreeDevice, vault: VaultSync, node: NodeId): boolean {
  const above: NodeId[] = [];
  for (let id: NodeId | undefined = node; id !== undefined && above.length <= MAX_DEPTH + 1;) {
    above.push(id);
    id = id === ROOT_NODE ? undefined : vault.log.store.remote.get(id)?.parent;
  }
  return at.engine.pairs().some(({ vault: bound, pair }) => {
    if (bound.vault !== vault.vault) return false;
    const depth = above.indexOf(pair.config.bound);
    if (depth < 0) return false;
    const deselected = pair.deselected();
    return !above.slice(0, depth + 1).some((id) => deselected.has(id));
  });
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

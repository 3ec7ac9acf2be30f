/** Puts what a reported device had on its disk and in its manifest onto a simulated one. */
import { TRASH_NODE } from '../../protocol/ids.ts';
import type { Report, ReportedNode, ReportedPair, ReportedState } from '../../protocol/report.ts';
import { EVICTED } from '../../sync-engine/engine/observe.ts';
import { UNTIL_ROOM } from '../../sync-engine/engine/held-additions.ts';
import { POSIX_CAPABILITIES, type Capabilities } from '../../sync-engine/local-fs/capabilities.ts';
import { createMarker, makePairFolders, PARKED } from '../../sync-engine/local-fs/root-marker.ts';
import type { PairStore } from '../../sync-engine/manifest/manifest.ts';
import type { SqliteManifest } from '../../sync-engine/manifest/sqlite-manifest.ts';
import type { NodeState } from '../../sync-engine/plan/tree.ts';
import type { SimDiskOptions } from '../fakes/sim-disk.ts';
import { writeFile } from './files.ts';
import { idOf, placeOf } from './replay-account.ts';
import { ROOT, type SimDevice } from './sim-device.ts';

/** The identity on the disk of what is not on it. */
const NOWHERE = { dev: 0, ino: 0, birthUs: 0, ctimeUs: 0 };

/** A node as the three trees of the simulation are to have it. */
export interface ReplayedNode {
  readonly node: ReportedNode;
  readonly local: NodeState | null;
  readonly synced: NodeState | null;
  /** On the disk: a file's content, a link's target. */
  readonly text: string;
}

/** The simulated disk's knobs; those left out are as usual. */
export function diskOf(capabilities: ReportedPair['capabilities']): Partial<SimDiskOptions> {
  const knobs = [
    'caseSensitive',
    'unicodeSensitive',
    'illegal',
    'symlinks',
    'hardLinks',
    'mtimeGranularityUs',
  ] as const;
  return Object.fromEntries(
    knobs.flatMap((knob) =>
      capabilities[knob] === POSIX_CAPABILITIES[knob] ? [] : [[knob, capabilities[knob]]],
    ),
  );
}

/** What a simulated disk cannot be. */
export function notSimulated({ windowsNames, modes, unicodePreserving }: Capabilities): string[] {
  return [
    ...(windowsNames ? ['a disk with the names of Windows'] : []),
    ...(modes ? [] : ['a disk without permissions']),
    ...(unicodePreserving ? [] : ['a disk that respells names']),
  ];
}

/** Each node's path on the disk, folders before what is in them; null for those no folder leads to. */
function paths(
  nodes: readonly ReplayedNode[],
  diskName: (node: ReplayedNode) => string,
): Map<ReplayedNode, string> {
  const byId = new Map(nodes.map((node) => [idOf(node.node.id), node]));
  const found = new Map<ReplayedNode, string>();
  const pathOf = (one: ReplayedNode, depth: number): string | null => {
    const known = found.get(one);
    if (known !== undefined) return known;
    const { local, node } = one;
    if (local === null || depth > 200) return null;
    let path: string | null;
    if (node.parked === true) path = `${ROOT}/${PARKED}/${local.id}`;
    else if (local.parent === placeOf('root')) path = `${ROOT}/${diskName(one)}`;
    else {
      const above = byId.get(local.parent);
      const folder = above === undefined ? null : pathOf(above, depth + 1);
      path = folder === null ? null : `${folder}/${diskName(one)}`;
    }
    if (path !== null) found.set(one, path);
    return path;
  };
  for (const node of nodes) if (node.node.evicted !== true) pathOf(node, 0);
  return found;
}

export interface DevicePlan {
  readonly report: Report;
  readonly pair: ReportedPair;
  readonly nodes: readonly ReplayedNode[];
  readonly diskName: (node: ReplayedNode) => string;
  readonly nowMs: number;
}

/** The disk, then the rows; answers what could not be put there. */
export function putDevice(device: SimDevice, manifest: SqliteManifest, plan: DevicePlan): string[] {
  const { disk, record, ledger } = device;
  const { nodes } = plan;
  makePairFolders(disk, ROOT);
  createMarker(disk, ROOT, record.marker);
  const places = paths(nodes, plan.diskName);
  ledger.during('it stood there when the report was made', () => {
    for (const [{ local, text }, path] of places) {
      if (local?.type === 'folder') disk.makeFolder(path, 0o755);
      else if (local?.type === 'symlink') disk.makeLink(text, path);
      else writeFile(disk, path, text);
    }
    // Folders last, and deepest first: what is in them could not be written any more.
    for (const [{ local }, path] of [...places].reverse()) {
      if (local?.type === 'file') disk.setMtime(path, local.mtimeUs);
      if (local !== null && local.type !== 'symlink') disk.setMode(path, local.mode);
    }
    disk.flush('/', true);
  });
  const pair = manifest.addPair(record.config);
  manifest.transaction(() => {
    for (const [{ local, node }, path] of places) {
      const stat = disk.lstat(path);
      if (stat === null || local === null) throw new Error('what was put on the disk is there');
      const name = path.slice(path.lastIndexOf('/') + 1);
      const parked = node.parked === true;
      const localName = parked || name === local.name ? null : name;
      const { dev, ino, birthUs, ctimeUs } = stat;
      pair.putLocal({ ...local, localName, dev, ino, birthUs, ctimeUs, parked });
    }
    for (const { local, node } of nodes) {
      if (local === null || node.evicted !== true) continue;
      pair.putLocal({ ...local, ...NOWHERE, localName: `${EVICTED}${local.id}`, parked: false });
    }
    for (const { synced } of nodes) if (synced !== null) pair.putSynced(synced);
    for (const { node } of nodes) putMarks(pair, node, plan);
    putIssues(manifest, plan, record.config.id);
  });
  manifest.setMeta('clean-stop', 'yes');
  const lost = nodes.filter((one) => one.local !== null && one.node.evicted !== true && !places.has(one));
  return lost.map(({ node }) => `node ${node.id}: no folder on the disk leads to it`);
}

function putMarks(pair: PairStore, node: ReportedNode, { report, pair: reported, nowMs }: DevicePlan): void {
  const id = idOf(node.id);
  if (node.dirty === true) pair.markDirty(id);
  if (node.unsettled === true) pair.markUnsettled(id, null);
  if (node.deselected === true) pair.deselect(id, true);
  if (node.waits === undefined) return;
  const { attempts, forS } = node.waits;
  const isHeld = report.issues.some(({ code, pair: of }) => code === 'mass-deletion' && of === reported.id);
  // The guard judges anew.
  if (forS === 'person' && isHeld) return;
  const untilMs =
    forS === 'person' ? Number.MAX_SAFE_INTEGER : forS === 'room' ? UNTIL_ROOM : nowMs + forS * 1000;
  for (let attempt = 0; attempt < Math.max(1, attempts); attempt += 1) pair.quarantine(id, untilMs);
}

/** Those of nodes; others are about what a simulation does not have. */
function putIssues(manifest: SqliteManifest, { report, pair, nowMs }: DevicePlan, id: string): void {
  for (const { code, pair: of, node, sinceS, ways } of report.issues) {
    if (of !== pair.id || node === null) continue;
    const sinceMs = nowMs - sinceS * 1000;
    manifest.raiseIssue({ pair: id, node: idOf(node), code, path: '', reason: '', ways, sinceMs });
  }
}

/** Whether the record of a state can be put into a log. */
export function isCommittable(state: ReportedState, known: ReadonlySet<number>): boolean {
  return typeof state.parent !== 'number' || known.has(state.parent) || placeOf(state.parent) === TRASH_NODE;
}

/** What must hold once the devices have come to rest: the promises of the design, checked from outside. */
import {
  ROOT_NODE,
  TRASH_NODE,
  ZERO_HASH,
  type ContentId,
  type NodeId,
  type VaultId,
} from '../../protocol/ids.ts';
import { contentIdOf } from '../../sync-engine/crypto/content.ts';
import { openRecord } from '../../sync-engine/crypto/record.ts';
import type { VaultKeys } from '../../sync-engine/crypto/vault-keys.ts';
import { isNotice, type IssueCode } from '../../sync-engine/engine/issue-codes.ts';
import { pairTrees } from '../../sync-engine/engine/pair-trees.ts';
import { sameState } from '../../sync-engine/plan/base.ts';
import type { NodeState } from '../../sync-engine/plan/tree.ts';
import type { Cloud } from '../../sync-engine/remote/cloud.ts';
import { findFiles } from './files.ts';
import { NAMES } from './person.ts';
import { ROOT, type SimDevice } from './sim-device.ts';

const OWN = '.coffre';

/** The content id of a text short enough to be one chunk. */
export function contentOf(keys: VaultKeys, text: string): ContentId {
  const bytes = Buffer.from(text, 'latin1');
  return contentIdOf(bytes.length === 0 ? [] : [{ chunk: keys.chunkId(bytes), length: bytes.length }]);
}

/** Every content the log ever took, superseded or not. */
async function committedContents(cloud: Cloud, vault: VaultId, keys: VaultKeys): Promise<Set<ContentId>> {
  const contents = new Set<ContentId>();
  for (let seq = 0; ;) {
    const page = await cloud.changes(vault, seq);
    for (const { frame } of page.commits) {
      seq = frame.header.seq;
      for (const [index, entry] of frame.entries.entries()) {
        const object = frame.objects[index] ?? null;
        if (entry.objectHash === ZERO_HASH || object === null) continue;
        const opened = openRecord(keys, entry.node, entry.revision, object);
        if (opened.ok && opened.record.content !== null) contents.add(opened.record.content);
      }
    }
    if (seq >= page.headSeq || page.commits.length === 0) return contents;
  }
}

/** The folder as a person sees it, one line a node. */
function folderLines(device: SimDevice): string[] {
  return findFiles(device.disk, ROOT, (path) => path === OWN).map(({ path, stat, text }) => {
    const mode = stat.type === 'symlink' ? '' : stat.mode.toString(8);
    const mtime = stat.type === 'file' ? ` ${stat.mtimeUs}` : '';
    return `${path} (${stat.type} ${mode}${mtime} ${JSON.stringify(text)})`;
  });
}

/** The same lines from the remote tree, with contents by their ids. */
function differences(one: readonly string[], other: readonly string[]): string[] {
  const [left, right] = [new Set(one), new Set(other)];
  return [
    ...one.filter((line) => !right.has(line)).map((line) => `only the first has ${line}`),
    ...other.filter((line) => !left.has(line)).map((line) => `only the second has ${line}`),
  ];
}

/** What a disk may be unable to hold; nothing else keeps a device out of sync once all faults have stopped. */
const CANNOT_HOLD: ReadonlySet<string> = new Set<IssueCode>([
  'name-clash',
  'name-not-possible',
  'not-supported',
]);

/** Nodes that this device says it cannot hold. */
function unheld(device: SimDevice): Set<NodeId> {
  const issues = device.running.engine.issues().filter(({ code }) => CANNOT_HOLD.has(code));
  return new Set(issues.flatMap(({ node }) => (node === null ? [] : [node])));
}

/** Whether a node is deselected or ignored here. */
function keptOut(device: SimDevice): (id: NodeId) => boolean {
  const sync = device.running.engine.pair(device.pair.config.id);
  if (sync === undefined) return () => false;
  const trees = pairTrees(sync.pair, sync.books.vault, sync.observer.rules);
  return (id) => trees.excluded(id) !== null;
}

/** Nothing moves, and nothing more can be done here. */
export function isAtRest(device: SimDevice): boolean {
  const { engine } = device.running;
  const state = engine.state();
  if (state === 'idle') return true;
  const obstacles = engine.issues().filter(({ code }) => !isNotice(code));
  return state === 'attention' && device.isOdd && obstacles.every(({ code }) => CANNOT_HOLD.has(code));
}

/** Disk, local, remote and synced tree of one device hold the same. */
function disagreements(device: SimDevice, keys: VaultKeys): string[] {
  const { pair } = device;
  const { manifest } = device.running;
  const { remote } = manifest.vault(pair.config.vault);
  const found: string[] = [];
  const say = (what: string): void => {
    found.push(`${device.name}: ${what}`);
  };
  const onDisk = new Map(
    findFiles(device.disk, ROOT, (path) => path === OWN).map((file) => [file.path, file] as const),
  );
  const cannotHold = unheld(device);
  const isKeptOut = keptOut(device);
  let live = 0;
  const visit = (id: NodeId, folder: string): void => {
    for (const node of remote.children(id)) {
      if (node.id === TRASH_NODE || node.id === ROOT_NODE || cannotHold.has(node.id)) continue;
      if (isKeptOut(node.id)) continue;
      live += 1;
      const inTree = folder === '' ? node.name : `${folder}/${node.name}`;
      // Under another name here, where the disk cannot hold its own.
      const path = device.isOdd ? (pair.diskPath(node.id) ?? inTree) : inTree;
      if (node.fault !== null) say(`${path} has the fault ${node.fault}`);
      const [local, synced] = [pair.local.get(node.id), pair.synced.get(node.id)];
      if (local === undefined || !sameState(local, node))
        say(`${path}: local ${shown(local)}, remote ${shown(node)}`);
      if (synced === undefined || !sameState(synced, node))
        say(`${path}: synced ${shown(synced)}, remote ${shown(node)}`);
      const file = onDisk.get(path);
      if (file === undefined) say(`${path} is in the account, not on the disk`);
      else if (node.type !== file.stat.type) say(`${path} is a ${file.stat.type} on the disk`);
      else if (node.type !== 'folder' && node.content !== contentOf(keys, file.text))
        say(`${path} has another content on the disk: ${JSON.stringify(file.text)}`);
      else if (node.type !== 'symlink' && node.mode !== file.stat.mode)
        say(
          `${path} has another mode on the disk: ${file.stat.mode.toString(8)}, not ${node.mode.toString(8)}`,
        );
      else if (node.type === 'file' && !showsTime(device, file.stat, node))
        say(`${path} has another mtime on the disk: ${file.stat.mtimeUs}, not ${node.mtimeUs}`);
      onDisk.delete(path);
      if (node.type === 'folder') visit(node.id, path);
    }
  };
  visit(ROOT_NODE, '');
  for (const path of onDisk.keys()) say(`${path} is on the disk, not in the account`);
  if (pair.localCount() !== live) say(`${pair.localCount()} local rows for ${live} nodes`);
  return found;
}

/** A coarse disk shows an mtime as well as it can. */
function showsTime({ disk }: SimDevice, stat: { readonly mtimeUs: number }, node: NodeState): boolean {
  return Math.abs(stat.mtimeUs - node.mtimeUs) < disk.mtimeGranularityUs;
}

function shown(state: NodeState | undefined): string {
  if (state === undefined) return 'has none';
  const { name, type, mode, mtimeUs, size, content } = state;
  return `is ${name} ${type} ${mode.toString(8)} ${mtimeUs} ${size} ${(content ?? 'unread').slice(0, 6)}`;
}

export interface Account {
  readonly cloud: Cloud;
  readonly vault: VaultId;
  readonly keys: VaultKeys;
  readonly headSeq: number;
}

/** What is broken, in words; none when all promises are kept. */
export async function brokenPromises(devices: readonly SimDevice[], account: Account): Promise<string[]> {
  const { cloud, vault, keys, headSeq } = account;
  const broken: string[] = [];
  for (const device of devices) {
    const { engine, manifest } = device.running;
    const state = engine.state();
    if (!isAtRest(device)) {
      const issues = engine.issues().map(({ code, path }) => `${code} at '${path}'`);
      const dirty = device.pair.dirty(20, 0, Number.MAX_SAFE_INTEGER).ids.length;
      broken.push(`${device.name} is ${state}, ${dirty} dirty, with issues: ${issues.join(', ') || 'none'}`);
    } else if (state === 'idle') {
      for (const issue of engine.issues())
        if (!isNotice(issue.code)) broken.push(`${device.name} is idle with the issue ${issue.code}`);
    }
    const { unmarked = 0 } = engine.counters();
    if (unmarked > 0)
      broken.push(`${device.name} met ${unmarked} nodes that differed and that nothing had marked`);
    const { seq } = manifest.vault(vault).cursor();
    if (seq !== headSeq) broken.push(`${device.name} is at commit ${seq} of ${headSeq}`);
    broken.push(...disagreements(device, keys));
    // What a failing disk did not let go is removed at the next start.
    for (const rest of device.failures > 0 ? [] : ['parked', 'replacing']) {
      const left = findFiles(device.disk, `${ROOT}/${OWN}/${rest}`);
      if (left.length > 0) broken.push(`${device.name} left ${left[0]?.path ?? ''} in ${rest}`);
    }
  }
  const [first, ...others] = devices.filter((device) => !device.isOdd);
  if (first !== undefined)
    for (const other of others) broken.push(...differences(folderLines(first), folderLines(other)));

  const committed = await committedContents(cloud, vault, keys);
  const there = new Set(
    devices.flatMap((device) =>
      findFiles(device.disk, ROOT, (path) => path === `${OWN}/staging`).map(({ text }) => text),
    ),
  );
  for (const { name, ledger } of devices) {
    for (const [text, what] of ledger.owed) {
      if (there.has(text) || committed.has(contentOf(keys, text))) continue;
      broken.push(`lost: ${JSON.stringify(text.trimEnd())}, which ${name} owes since "${what}"`);
    }
  }
  const written = new Set(
    devices.flatMap(({ ledger }) => [...ledger.written].map((text) => contentOf(keys, text))),
  );
  const links = new Set(NAMES.map((text) => contentOf(keys, text)));
  for (const content of committed) {
    if (!written.has(content) && !links.has(content))
      broken.push(`the account holds a content nobody wrote: ${content.slice(0, 8)}`);
  }
  return broken;
}

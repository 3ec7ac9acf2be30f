/**
 * What the retained log can give back: versions of a node, the vault as of a time, the trash. An old record
 * is accepted only if its hash stands in a commit chained to the head this device verified.
 */
import type { Head } from '../../protocol/cloud.ts';
import { commitHash, decodeEntries } from '../../protocol/commit.ts';
import { TRASH_NODE, type DeviceId, type Hash, type NodeId } from '../../protocol/ids.ts';
import { hashOf } from '../../protocol/signing.ts';
import { openRecord, type NodeRecord } from '../crypto/record.ts';
import type { HeaderRow, RemoteNode } from '../manifest/manifest.ts';
import type { Cloud } from '../remote/cloud.ts';
import { checkAuthor, follows, readHeader } from './commit-rules.ts';
import type { DeviceIdentity } from './device-identity.ts';
import { LogFault } from './log-fault.ts';
import { readSnapshot } from './snapshot.ts';
import { TRASHED_AT } from './log-scope.ts';
import type { VaultLog } from './vault-log.ts';

export interface NodeVersion {
  /** The node's revision: what `--version` takes. */
  readonly version: number;
  readonly seq: number;
  readonly receivedAtMs: number;
  readonly device: DeviceId;
  readonly record: NodeRecord;
}

const HEADERS_PER_PAGE = 1000;

/**
 * That a commit stands in the log whose head this device verified. Headers older than what it followed are
 * read and chained up to one it knows; they are kept only once they reached it. @throws LogFault, CloudError
 */
async function checkChained(log: VaultLog, cloud: Cloud, seq: number, hash: Hash): Promise<void> {
  const known = log.store.headerHash(seq);
  if (known !== undefined) {
    if (known !== hash) throw new LogFault('forked');
    return;
  }
  const passed: HeaderRow[] = [];
  let previous: Head = { seq, hash };
  for (let from = seq + 1; ; from += HEADERS_PER_PAGE) {
    const last = Math.min(from + HEADERS_PER_PAGE - 1, log.cursor().seq);
    if (last < from) throw new LogFault('forked');
    const page = await cloud.headers(log.vault, from, last);
    for (const { signed, receivedAtMs } of page) {
      const header = readHeader(signed);
      if (!follows(previous, header)) throw new LogFault('bad-chain');
      previous = { seq: header.seq, hash: commitHash(signed.bytes) };
      const anchor = log.store.headerHash(header.seq);
      if (anchor === undefined) {
        const { seq: at, device } = header;
        passed.push({ seq: at, hash: previous.hash, device, receivedAtMs, signed, nodes: null });
        continue;
      }
      if (anchor !== previous.hash) throw new LogFault('forked');
      for (const row of passed) log.store.addHeader(row);
      return;
    }
  }
}

/** Reads and chains the headers from `seq` to those this device has, unless it has them. @throws LogFault, CloudError */
export async function checkKnown(log: VaultLog, cloud: Cloud, seq: number): Promise<void> {
  if (log.store.headerHash(seq) !== undefined) return;
  const [received] = await cloud.headers(log.vault, seq, seq);
  if (received === undefined) throw new LogFault('bad-chain');
  const header = readHeader(received.signed);
  if (header.seq !== seq) throw new LogFault('bad-chain');
  const hash = commitHash(received.signed.bytes);
  await checkChained(log, cloud, seq, hash);
  const { signed, receivedAtMs } = received;
  log.store.addHeader({ seq, hash, device: header.device, receivedAtMs, signed, nodes: null });
}

/** The retained versions of a node, newest first; tombstones and unreadable ones are left out. */
export async function nodeVersions(
  log: VaultLog,
  cloud: Cloud,
  identity: DeviceIdentity,
  node: NodeId,
): Promise<NodeVersion[]> {
  const versions: NodeVersion[] = [];
  const keys = identity.vaultKeys(log.vault);
  let before = Number.POSITIVE_INFINITY;
  for (const item of await cloud.history(log.vault, node)) {
    const header = readHeader(item.signed);
    if (item.revision >= before) throw new LogFault('bad-object');
    before = item.revision;
    if (item.object === null) continue;
    checkAuthor(log.vault, item.signed, header, identity.chain());
    if (hashOf(item.entries) !== header.entriesHash) throw new LogFault('bad-object');
    // Signed, so it decodes.
    const entry = decodeEntries(item.entries).find((candidate) => candidate.node === node);
    if (entry?.revision !== item.revision || entry.objectHash !== hashOf(item.object))
      throw new LogFault('bad-object');
    await checkChained(log, cloud, header.seq, commitHash(item.signed.bytes));
    const opened = openRecord(keys, node, item.revision, item.object);
    if (!opened.ok) continue;
    versions.push({
      version: item.revision,
      seq: header.seq,
      receivedAtMs: item.receivedAtMs,
      device: header.device,
      record: opened.record,
    });
  }
  return versions.sort((left, right) => right.version - left.version);
}

/** The verified live state as of a commit, by node. */
export async function stateAt(
  log: VaultLog,
  cloud: Cloud,
  identity: DeviceIdentity,
  seq: number,
): Promise<ReadonlyMap<NodeId, NodeRecord>> {
  const snapshot = await readSnapshot({ vault: log.vault, cloud, identity, at: seq });
  if (snapshot === null) throw new LogFault('bad-object');
  await checkChained(log, cloud, seq, snapshot.hash);
  const state = new Map<NodeId, NodeRecord>();
  for (const { node, record } of snapshot.nodes) {
    if (record !== null && record !== 'unreadable') state.set(node, record);
  }
  return state;
}

/** A record that says what the remote tree says, for a move or another change of a part. */
export function recordOf(log: VaultLog, node: RemoteNode, changes: Partial<NodeRecord> = {}): NodeRecord {
  const content = node.content === null ? undefined : log.store.content(node.content);
  if (node.content !== null && content === undefined)
    throw new Error('a node of the remote tree has its content list');
  return {
    parent: node.parent,
    name: node.name,
    type: node.type,
    mode: node.mode,
    mtimeUs: node.mtimeUs,
    size: node.size,
    depth: content?.depth ?? 0,
    list: content?.list ?? [],
    content: node.content,
    ...changes,
  };
}

export interface TrashedNode {
  readonly node: RemoteNode;
  /** When the trash took it, by the server's clock; null when this device did not see it happen. */
  readonly trashedAtMs: number | null;
}

export function trashed(log: VaultLog): TrashedNode[] {
  return [...log.store.remote.children(TRASH_NODE)].map((node) => {
    const at = log.store.meta(`${TRASHED_AT}${node.id}`);
    return { node, trashedAtMs: at === null ? null : Number(at) };
  });
}

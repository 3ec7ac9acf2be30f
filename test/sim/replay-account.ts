/** Puts the remote tree of a reported pair into the simulated account: contents first, then the records. */
import { createHash } from 'node:crypto';
import { ROOT_NODE, TRASH_NODE, type NodeId, type PackName } from '../../protocol/ids.ts';
import type { ReportedNode, ReportedPlace, ReportedState } from '../../protocol/report.ts';
import type { NodeRecord } from '../../sync-engine/crypto/record.ts';
import { PARKED_NODE } from '../../sync-engine/plan/tree.ts';
import type { ProposedNode } from '../../sync-engine/engine/log-propose.ts';
import type { VaultSync } from '../../sync-engine/engine/vault-sync.ts';
import { writeFile } from './files.ts';
import type { SimDevice } from './sim-device.ts';

const NODES_A_COMMIT = 2000;

/** The id that a number of the report has in the simulation. */
export function idOf(number: number): NodeId {
  return createHash('sha256').update(`node ${number}`).digest('hex').slice(0, 32) as NodeId;
}

export function placeOf(place: ReportedPlace): NodeId {
  switch (place) {
    case 'root':
      return ROOT_NODE;
    // Outside of the pair's folder is out of its sight, as the trash is.
    case 'outside':
    case 'trash':
      return TRASH_NODE;
    case 'parked':
      return PARKED_NODE;
    default:
      return idOf(place);
  }
}

export interface AccountTree {
  /** Folders before what is in them. */
  readonly nodes: readonly { readonly node: ReportedNode; readonly state: ReportedState }[];
  readonly name: (node: ReportedNode, state: ReportedState) => string;
  /** Of a file, or the target of a link. */
  readonly text: (node: ReportedNode, state: ReportedState) => string;
  readonly mtimeUs: (node: ReportedNode, state: ReportedState) => number;
}

/** By one device, from files that are in no folder of its own. */
export async function commitTree(writer: SimDevice, sync: VaultSync, tree: AccountTree): Promise<void> {
  const texts = new Map<string, NodeId>();
  for (const { node, state } of tree.nodes) {
    if (state.type === 'folder') continue;
    const text = tree.text(node, state);
    if (!texts.has(text)) texts.set(text, idOf(node.id));
  }
  const contents = await store(writer, sync, texts);
  const proposed = tree.nodes.map(({ node, state }): ProposedNode => {
    const content = state.type === 'folder' ? undefined : contents.get(tree.text(node, state));
    const record: NodeRecord = {
      parent: placeOf(state.parent),
      name: tree.name(node, state),
      type: state.type,
      mode: state.type === 'symlink' ? 0o777 : Number.parseInt(state.mode, 8),
      mtimeUs: tree.mtimeUs(node, state),
      size: content?.size ?? 0,
      depth: content?.depth ?? 0,
      list: content?.list ?? [],
      content: content?.id ?? null,
    };
    return { node: idOf(node.id), record };
  });
  for (let from = 0; from < proposed.length; from += NODES_A_COMMIT) {
    const added = sync.log.store.packs('uploaded').map((row) => ({ row, inline: null }));
    const nodes = proposed.slice(from, from + NODES_A_COMMIT);
    const outcome = await sync.log.commit({ nodes, added, revived: [], dropped: [] });
    if (outcome.kind !== 'committed') throw new Error(`the simulated account took nothing: ${outcome.kind}`);
  }
}

async function store(writer: SimDevice, sync: VaultSync, texts: ReadonlyMap<string, NodeId>) {
  const { signal } = new AbortController();
  const files = [...texts].map(([text, id]) => {
    const path = `/home/${id}`;
    writeFile(writer.disk, path, text);
    return { id, path, type: 'file' as const };
  });
  const packs: PackName[] = [];
  const results = await sync.transfer.ingest(
    files,
    {
      known: (chunks) => Promise.resolve(chunks.map((id) => sync.log.store.packHolding(id) !== undefined)),
      pack: async (pack) => {
        sync.uploads.record(pack);
        packs.push(pack.name);
        await sync.uploads.send(pack, signal);
      },
    },
    signal,
  );
  for (const pack of packs) await sync.uploads.acknowledged(pack);
  const byId = new Map(
    results.flatMap((result) => (result.ok ? [[result.id, result.content] as const] : [])),
  );
  return new Map([...texts].map(([text, id]) => [text, byId.get(id)] as const));
}

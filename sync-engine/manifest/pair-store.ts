/** One pair of the manifest: the synced tree; the local tree is local-tree.ts, the marks are node-marks.ts. */
import type { NodeId } from '../../protocol/ids.ts';
import { localTree } from './local-tree.ts';
import type { PairConfig, PairStore } from './manifest.ts';
import { metaStore } from './meta.ts';
import { nodeMarks } from './node-marks.ts';
import { unmarkedNodes } from './unmarked.ts';
import { NODE_COLUMNS, nodeState, typeNumber, type NodeRow, type Shared } from './rows.ts';

/** @param key the pair's key in the database. */
export function pairStore(shared: Shared, key: number, config: PairConfig): PairStore {
  return {
    config,
    ...localTree(shared, key, config),
    ...syncedTree(shared, key),
    ...nodeMarks(shared, key),
    ...unmarkedNodes(shared, key, config),
    ...metaStore(shared, `pair ${key}`),
  };
}

type SyncedPart = Pick<
  PairStore,
  'synced' | 'putSynced' | 'deleteSynced' | 'syncedFileCount' | 'syncedBytes'
>;

function syncedTree({ database }: Shared, key: number): SyncedPart {
  const get = database.prepare<[number, NodeId], NodeRow>(
    `SELECT ${NODE_COLUMNS} FROM synced_node WHERE pair = ? AND id = unhex(?)`,
  );
  const child = database.prepare<[number, NodeId, string], NodeRow>(
    `SELECT ${NODE_COLUMNS} FROM synced_node WHERE pair = ? AND parent = unhex(?) AND name = ?`,
  );
  const children = database.prepare<[number, NodeId], NodeRow>(
    `SELECT ${NODE_COLUMNS} FROM synced_node WHERE pair = ? AND parent = unhex(?) ORDER BY name`,
  );
  const put = database.prepare(
    `INSERT INTO synced_node (pair, id, parent, name, type, mode, mtime_us, size, content)
     VALUES (?, unhex(?), unhex(?), ?, ?, ?, ?, ?, unhex(?))
     ON CONFLICT (pair, id) DO UPDATE SET parent = excluded.parent, name = excluded.name,
       type = excluded.type, mode = excluded.mode, mtime_us = excluded.mtime_us, size = excluded.size,
       content = excluded.content`,
  );
  const remove = database.prepare<[number, NodeId]>(
    'DELETE FROM synced_node WHERE pair = ? AND id = unhex(?)',
  );
  const files = database.prepare<[number], number>('SELECT synced_files FROM pair WHERE key = ?').pluck();
  const bytes = database.prepare<[number], number>('SELECT synced_bytes FROM pair WHERE key = ?').pluck();
  return {
    synced: {
      get(id) {
        const row = get.get(key, id);
        return row === undefined ? undefined : nodeState(row);
      },
      child(parent, name) {
        const row = child.get(key, parent, name);
        return row === undefined ? undefined : nodeState(row);
      },
      children: (parent) => children.all(key, parent).map(nodeState),
    },
    putSynced({ id, parent, name, type, mode, mtimeUs, size, content }) {
      put.run(key, id, parent, name, typeNumber(type), mode, mtimeUs, size, content);
    },
    deleteSynced: (id) => void remove.run(key, id),
    syncedFileCount: () => files.get(key) ?? 0,
    syncedBytes: () => bytes.get(key) ?? 0,
  };
}

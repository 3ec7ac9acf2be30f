/** The local tree of a pair: what its folder was last seen to hold. */
import type { NodeId } from '../../protocol/ids.ts';
import type { LocalNode, PairConfig, PairStore } from './manifest.ts';
import { hexOf, LOCAL_COLUMNS, localNode, typeNumber, type LocalRow, type Shared } from './rows.ts';

export type LocalTree = Pick<
  PairStore,
  | 'local'
  | 'putLocal'
  | 'deleteLocal'
  | 'relabelLocal'
  | 'localChildren'
  | 'localByDiskName'
  | 'localByIdentity'
  | 'localCount'
  | 'diskPath'
  | 'localAt'
>;

/** Folders above a node before a chain of parents must be a cycle: a path has 4,096 bytes at most. */
const MAX_STEPS = 2_048;

/**
 * A parked node is in no name lookup (its name may be taken by another), but still among its parent's children.
 * @param key the pair's key in the database.
 */
export function localTree({ database, transaction }: Shared, key: number, config: PairConfig): LocalTree {
  const get = database.prepare<[number, NodeId], LocalRow>(
    `SELECT ${LOCAL_COLUMNS} FROM local_node WHERE pair = ? AND id = unhex(?)`,
  );
  const byDiskName = database.prepare<[number, NodeId, string], LocalRow>(
    `SELECT ${LOCAL_COLUMNS} FROM local_node
     WHERE pair = ? AND parent = unhex(?) AND disk_name = ? AND parked = 0`,
  );
  const byAlias = database.prepare<[number, NodeId, string], LocalRow>(
    `SELECT ${LOCAL_COLUMNS} FROM local_node
     WHERE pair = ? AND parent = unhex(?) AND name = ? AND name <> disk_name AND parked = 0`,
  );
  const children = database.prepare<[number, NodeId, number, NodeId], LocalRow>(
    `SELECT ${LOCAL_COLUMNS} FROM local_node WHERE pair = ? AND parent = unhex(?) AND parked = 0
     UNION ALL
     SELECT ${LOCAL_COLUMNS} FROM local_node WHERE pair = ? AND parent = unhex(?) AND parked = 1`,
  );
  const byIdentity = database.prepare<[number, number, number], LocalRow>(
    `SELECT ${LOCAL_COLUMNS} FROM local_node WHERE pair = ? AND ino = ? AND dev = ?`,
  );
  const put = database.prepare(
    `INSERT INTO local_node (pair, id, parent, name, disk_name, type, mode, mtime_us, size, content, dev, ino,
       birth_us, ctime_us, parked)
     VALUES (?, unhex(?), unhex(?), ?, ?, ?, ?, ?, ?, unhex(?), ?, ?, ?, ?, ?)
     ON CONFLICT (pair, id) DO UPDATE SET parent = excluded.parent, name = excluded.name,
       disk_name = excluded.disk_name, type = excluded.type, mode = excluded.mode,
       mtime_us = excluded.mtime_us, size = excluded.size, content = excluded.content, dev = excluded.dev,
       ino = excluded.ino, birth_us = excluded.birth_us, ctime_us = excluded.ctime_us,
       parked = excluded.parked`,
  );
  const remove = database.prepare<[number, NodeId]>(
    'DELETE FROM local_node WHERE pair = ? AND id = unhex(?)',
  );
  const count = database.prepare<[number], number>('SELECT local_count FROM pair WHERE key = ?').pluck();
  const step = database.prepare<[number, NodeId], { parent: NodeId; diskName: string; parked: number }>(
    `SELECT ${hexOf('parent')} AS parent, disk_name AS diskName, parked FROM local_node
     WHERE pair = ? AND id = unhex(?)`,
  );
  const changeId = database.prepare<[NodeId, number, NodeId]>(
    'UPDATE local_node SET id = unhex(?) WHERE pair = ? AND id = unhex(?)',
  );
  // Stated twice because each partial index covers only its own half.
  const changeParent = [0, 1].map((parked) =>
    database.prepare<[NodeId, number, NodeId]>(
      `UPDATE local_node SET parent = unhex(?) WHERE pair = ? AND parent = unhex(?) AND parked = ${parked}`,
    ),
  );
  // What was noted about the node follows it, or an unverified row would pass for a verified one.
  const follow = ['dirty', 'quarantine', 'unsettled'].map((table) => ({
    change: database.prepare<[NodeId, number, NodeId]>(
      `UPDATE OR IGNORE ${table} SET node = unhex(?) WHERE pair = ? AND node = unhex(?)`,
    ),
    drop: database.prepare<[number, NodeId]>(`DELETE FROM ${table} WHERE pair = ? AND node = unhex(?)`),
  }));

  const found = (row: LocalRow | undefined): LocalNode | undefined =>
    row === undefined ? undefined : localNode(row);
  const localChildren = (parent: NodeId): LocalNode[] =>
    children.all(key, parent, key, parent).map(localNode);

  return {
    local: {
      get: (id) => found(get.get(key, id)),
      child(parent, name) {
        const row = byDiskName.get(key, parent, name);
        return found(row?.name === name ? row : byAlias.get(key, parent, name));
      },
      children: localChildren,
    },
    putLocal(node) {
      put.run(
        key,
        node.id,
        node.parent,
        node.name,
        node.localName ?? node.name,
        typeNumber(node.type),
        node.mode,
        node.mtimeUs,
        node.size,
        node.content,
        node.dev,
        node.ino,
        node.birthUs,
        node.ctimeUs,
        node.parked ? 1 : 0,
      );
    },
    deleteLocal: (id) => void remove.run(key, id),
    relabelLocal(from, to) {
      if (from === to) return;
      transaction(() => {
        if (changeId.run(to, key, from).changes === 0)
          throw new Error('a new id for a node that is not there');
        for (const statement of changeParent) statement.run(to, key, from);
        for (const { change, drop } of follow) {
          change.run(to, key, from);
          drop.run(key, from);
        }
      });
    },
    localChildren,
    localByDiskName: (parent, diskName) => found(byDiskName.get(key, parent, diskName)),
    localByIdentity: (dev, ino) => byIdentity.all(key, ino, dev).map(localNode),
    localCount: () => count.get(key) ?? 0,
    diskPath(id) {
      let at = id;
      let path = '';
      for (let steps = 0; at !== config.bound; steps += 1) {
        if (steps === MAX_STEPS) throw new Error('the local tree has a cycle');
        const row = step.get(key, at);
        if (row?.parked !== 0) return null;
        path = path === '' ? row.diskName : `${row.diskName}/${path}`;
        at = row.parent;
      }
      return path;
    },
    localAt(path) {
      let at = config.bound;
      if (path === '') return at;
      for (const name of path.split('/')) {
        const row = byDiskName.get(key, at, name);
        if (row === undefined) return null;
        at = row.id;
      }
      return at;
    },
  };
}

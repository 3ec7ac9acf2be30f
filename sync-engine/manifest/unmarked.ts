/**
 * Nodes that a pair's trees disagree about and that nothing marks as dirty: there should be none. The rows change
 * and the marks are set in one transaction everywhere, so that each of these is a defect, which this finds.
 */
import { ROOT_NODE, TRASH_NODE, type NodeId } from '../../protocol/ids.ts';
import type { PairConfig, PairStore } from './manifest.ts';
import { hexOf, type Shared } from './rows.ts';

const UNMARKED = 'NOT EXISTS (SELECT 1 FROM dirty d WHERE d.pair = p.key AND d.node = n.id)';

/** Whether two rows that are both there say another thing of a node (`sameState` in SQL). */
function differ(a: string, b: string): string {
  const columns = ['parent', 'name', 'type', 'mode', 'mtime_us', 'size', 'content'];
  return columns.map((column) => `${a}.${column} IS NOT ${b}.${column}`).join(' OR ');
}

/** @param key the pair's key in the database. */
export function unmarkedNodes(
  { database }: Shared,
  key: number,
  config: PairConfig,
): Pick<PairStore, 'unmarked'> {
  const onDisk = database.prepare<[number, Buffer, Buffer], { id: NodeId }>(
    `SELECT ${hexOf('n.id')} AS id FROM pair p JOIN local_node n ON n.pair = p.key
     LEFT JOIN remote_node r ON r.vault = p.vault AND r.id = n.id
     LEFT JOIN synced_node s ON s.pair = p.key AND s.id = n.id
     WHERE p.key = ? AND n.id BETWEEN ? AND ?
       AND (n.parked = 1 OR r.key IS NULL OR s.key IS NULL OR ${differ('n', 'r')} OR ${differ('n', 's')})
       AND ${UNMARKED}`,
  );
  // Beneath a folder that is not here nothing is missed: the folder itself is.
  const inAccount = database.prepare<[NodeId, NodeId, NodeId, number, Buffer, Buffer], { id: NodeId }>(
    `SELECT ${hexOf('n.id')} AS id FROM pair p JOIN remote_node n ON n.vault = p.vault
     LEFT JOIN local_node l ON l.pair = p.key AND l.id = n.id
     WHERE (n.parent = unhex(?) OR EXISTS (SELECT 1 FROM local_node f WHERE f.pair = p.key AND f.id = n.parent))
       AND n.id NOT IN (unhex(?), unhex(?))
       AND p.key = ? AND n.id BETWEEN ? AND ? AND l.key IS NULL AND ${UNMARKED}`,
  );
  const agreedOn = database.prepare<[number, Buffer, Buffer], { id: NodeId }>(
    `SELECT ${hexOf('n.id')} AS id FROM pair p JOIN synced_node n ON n.pair = p.key
     LEFT JOIN local_node l ON l.pair = p.key AND l.id = n.id
     LEFT JOIN remote_node r ON r.vault = p.vault AND r.id = n.id
     WHERE p.key = ? AND n.id BETWEEN ? AND ? AND l.key IS NULL AND r.key IS NULL AND ${UNMARKED}`,
  );
  return {
    unmarked(first, last) {
      const from = Buffer.alloc(16, 0);
      const to = Buffer.alloc(16, 255);
      from[0] = first;
      to[0] = last;
      return [
        ...onDisk.all(key, from, to),
        ...inAccount.all(config.bound, ROOT_NODE, TRASH_NODE, key, from, to),
        ...agreedOn.all(key, from, to),
      ].map(({ id }) => id);
    },
  };
}

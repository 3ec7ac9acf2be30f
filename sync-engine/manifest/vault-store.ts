/** One vault of the manifest: cursor, remote tree, content lists and verified headers; packs in pack-store.ts. */
import type { ContentId, DeviceId, Hash, NodeId, VaultId } from '../../protocol/ids.ts';
import type {
  ContentRow,
  FolderContents,
  HeaderRow,
  RemoteNode,
  VaultCursor,
  VaultStore,
} from './manifest.ts';
import { metaStore } from './meta.ts';
import { packStore } from './pack-store.ts';
import {
  decodeList,
  encodeList,
  hexOf,
  REMOTE_COLUMNS,
  remoteNode,
  typeNumber,
  type RemoteRow,
  type Shared,
} from './rows.ts';

const PAGE_ROWS = 1_000;

/** @param key the vault's key in the database. */
export function vaultStore(shared: Shared, key: number, id: VaultId): VaultStore {
  return {
    id,
    ...cursorOf(shared, key),
    ...remoteTree(shared, key),
    ...contents(shared, key),
    ...headers(shared, key),
    ...packStore(shared, key),
    ...metaStore(shared, `vault ${key}`),
  };
}

function cursorOf({ database }: Shared, key: number): Pick<VaultStore, 'cursor' | 'setCursor'> {
  const read = database.prepare<[number], VaultCursor>(
    `SELECT seq, ${hexOf('hash')} AS hash, epoch, ${hexOf('sum')} AS sum, chain_length AS chainLength,
       high_seq AS highSeq, ${hexOf('high_hash')} AS highHash FROM vault WHERE key = ?`,
  );
  const write = database.prepare<[number, Hash, number, Hash, number, number, Hash, number]>(
    `UPDATE vault SET seq = ?, hash = unhex(?), epoch = ?, sum = unhex(?), chain_length = ?, high_seq = ?,
       high_hash = unhex(?) WHERE key = ?`,
  );
  return {
    cursor() {
      const row = read.get(key);
      if (row === undefined) throw new Error('the vault was removed from the manifest');
      return row;
    },
    setCursor({ seq, hash, epoch, sum, chainLength, highSeq, highHash }) {
      const { changes } = write.run(seq, hash, epoch, sum, chainLength, highSeq, highHash, key);
      if (changes === 0) throw new Error('the vault was removed from the manifest');
    },
  };
}

type RemotePart = Pick<
  VaultStore,
  'remote' | 'putRemote' | 'deleteRemote' | 'remoteCount' | 'remoteRows' | 'contentsOf'
>;

function remoteTree({ database }: Shared, key: number): RemotePart {
  const get = database.prepare<[number, NodeId], RemoteRow>(
    `SELECT ${REMOTE_COLUMNS} FROM remote_node WHERE vault = ? AND id = unhex(?)`,
  );
  const child = database.prepare<[number, NodeId, string], RemoteRow>(
    `SELECT ${REMOTE_COLUMNS} FROM remote_node WHERE vault = ? AND parent = unhex(?) AND name = ?`,
  );
  const children = database.prepare<[number, NodeId], RemoteRow>(
    `SELECT ${REMOTE_COLUMNS} FROM remote_node WHERE vault = ? AND parent = unhex(?) ORDER BY name`,
  );
  const put = database.prepare(
    `INSERT INTO remote_node (vault, id, parent, name, type, mode, mtime_us, size, content, revision,
       object_hash, seq, fault)
     VALUES (?, unhex(?), unhex(?), ?, ?, ?, ?, ?, unhex(?), ?, unhex(?), ?, ?)
     ON CONFLICT (vault, id) DO UPDATE SET parent = excluded.parent, name = excluded.name,
       type = excluded.type, mode = excluded.mode, mtime_us = excluded.mtime_us, size = excluded.size,
       content = excluded.content, revision = excluded.revision, object_hash = excluded.object_hash,
       seq = excluded.seq, fault = excluded.fault`,
  );
  const remove = database.prepare<[number, NodeId]>(
    'DELETE FROM remote_node WHERE vault = ? AND id = unhex(?)',
  );
  const count = database.prepare<[number], number>('SELECT remote_count FROM vault WHERE key = ?').pluck();
  const page = database.prepare<[number, string], RemoteRow>(
    `SELECT ${REMOTE_COLUMNS} FROM remote_node WHERE vault = ? AND id > unhex(?)
     ORDER BY remote_node.id LIMIT ${PAGE_ROWS}`,
  );
  // CROSS JOIN holds the order: without statistics SQLite would read the whole vault for every folder.
  const contents = database.prepare<
    [string, number],
    Omit<FolderContents, 'folders'> & { readonly folders: string | null }
  >(
    `SELECT lower(asked.value) AS folder, sum(n.type <> 1) AS files, sum(n.size) AS bytes,
       group_concat(${hexOf('n.id')}) FILTER (WHERE n.type = 1 AND n.id <> n.parent) AS folders
     FROM json_each(?) AS asked CROSS JOIN remote_node n ON n.vault = ? AND n.parent = unhex(asked.value)
     GROUP BY asked.key`,
  );
  // SQLite allows no other statement while one is being stepped, so the stream goes page by page.
  function* stream(): IterableIterator<RemoteNode> {
    let after = '';
    while (true) {
      const rows = page.all(key, after);
      for (const row of rows) yield remoteNode(row);
      const last = rows[PAGE_ROWS - 1];
      if (last === undefined) return;
      after = last.id;
    }
  }
  return {
    remote: {
      get(id) {
        const row = get.get(key, id);
        return row === undefined ? undefined : remoteNode(row);
      },
      child(parent, name) {
        const row = child.get(key, parent, name);
        return row === undefined ? undefined : remoteNode(row);
      },
      children: (parent) => children.all(key, parent).map(remoteNode),
    },
    putRemote(node) {
      put.run(
        key,
        node.id,
        node.parent,
        node.name,
        typeNumber(node.type),
        node.mode,
        node.mtimeUs,
        node.size,
        node.content,
        node.revision,
        node.objectHash,
        node.seq,
        node.fault,
      );
    },
    deleteRemote: (id) => void remove.run(key, id),
    remoteCount: () => count.get(key) ?? 0,
    contentsOf: (folders) =>
      contents.all(JSON.stringify(folders), key).map((row) => ({
        ...row,
        folders: row.folders === null ? [] : (row.folders.split(',') as NodeId[]),
      })),
    remoteRows: stream,
  };
}

interface StoredContent {
  readonly size: number;
  readonly depth: number;
  readonly list: Uint8Array;
}

function contents({ database }: Shared, key: number): Pick<VaultStore, 'content' | 'putContent'> {
  // The id is a hash of the flattened list, so a second write can only say the same.
  const put = database.prepare<[number, ContentId, number, number, Uint8Array]>(
    'INSERT INTO content (vault, id, size, depth, list) VALUES (?, unhex(?), ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const read = database.prepare<[number, ContentId], StoredContent>(
    'SELECT size, depth, list FROM content WHERE vault = ? AND id = unhex(?)',
  );
  return {
    putContent: (content: ContentRow) =>
      void put.run(key, content.id, content.size, content.depth, encodeList(content.list)),
    content(id) {
      const row = read.get(key, id);
      return row === undefined
        ? undefined
        : { id, size: row.size, depth: row.depth, list: decodeList(row.list) };
    },
  };
}

type HeaderPart = Pick<
  VaultStore,
  | 'addHeader'
  | 'headerHash'
  | 'header'
  | 'headersFrom'
  | 'headersBefore'
  | 'lastSeen'
  | 'deleteHeadersFrom'
  | 'commitsPer'
>;

interface StoredHeader {
  readonly seq: number;
  readonly hash: Hash;
  readonly device: DeviceId;
  readonly receivedAtMs: number;
  readonly bytes: Uint8Array | null;
  readonly signature: Uint8Array | null;
  readonly nodes: number | null;
}

function headerRow({ bytes, signature, ...row }: StoredHeader): HeaderRow {
  return { ...row, signed: bytes === null || signature === null ? null : { bytes, signature } };
}

function headers({ database }: Shared, key: number): HeaderPart {
  const columns = `seq, ${hexOf('hash')} AS hash, ${hexOf('device')} AS device,
    received_at_ms AS receivedAtMs, bytes, signature, nodes`;
  const add = database.prepare<
    [number, number, Hash, DeviceId, number, Uint8Array | null, Uint8Array | null, number | null]
  >(
    `INSERT INTO header (vault, seq, hash, device, received_at_ms, bytes, signature, nodes)
     VALUES (?, ?, unhex(?), unhex(?), ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET received_at_ms = excluded.received_at_ms, nodes = coalesce(excluded.nodes, nodes)
     WHERE hash = excluded.hash`,
  );
  const hash = database
    .prepare<[number, number], Hash>(`SELECT ${hexOf('hash')} FROM header WHERE vault = ? AND seq = ?`)
    .pluck();
  const one = database.prepare<[number, number], StoredHeader>(
    `SELECT ${columns} FROM header WHERE vault = ? AND seq = ?`,
  );
  const from = database.prepare<[number, number, number], StoredHeader>(
    `SELECT ${columns} FROM header WHERE vault = ? AND seq >= ? ORDER BY seq LIMIT ?`,
  );
  const before = database.prepare<[number, number, number], StoredHeader>(
    `SELECT ${columns} FROM header WHERE vault = ? AND seq < ? ORDER BY seq DESC LIMIT ?`,
  );
  // Steps from device to device through the index; grouping would read every header there is.
  const seen = database.prepare<
    [number, number, number, number],
    { device: DeviceId; seq: number; hash: Hash }
  >(
    `WITH RECURSIVE writer (device) AS (
       SELECT min(device) FROM header WHERE vault = ?
       UNION ALL
       SELECT (SELECT min(h.device) FROM header h WHERE h.vault = ? AND h.device > writer.device)
       FROM writer WHERE writer.device IS NOT NULL
     )
     SELECT ${hexOf('h.device')} AS device, h.seq AS seq, ${hexOf('h.hash')} AS hash
     FROM writer JOIN header h ON h.vault = ?
       AND h.seq = (SELECT max(n.seq) FROM header n WHERE n.vault = ? AND n.device = writer.device)
     ORDER BY writer.device`,
  );
  const per = database.prepare<
    { key: number; stepMs: number; fromSeq: number; fromMs: number },
    { startMs: number; commits: number }
  >(
    `SELECT received_at_ms / $stepMs * $stepMs AS startMs, count(*) AS commits FROM header
     WHERE vault = $key AND seq >= $fromSeq AND received_at_ms >= $fromMs GROUP BY startMs ORDER BY startMs`,
  );
  const removeFrom = database.prepare<[number, number]>('DELETE FROM header WHERE vault = ? AND seq >= ?');
  return {
    addHeader({ seq, hash: headerHash, device, receivedAtMs, signed, nodes }) {
      const { changes } = add.run(
        key,
        seq,
        headerHash,
        device,
        receivedAtMs,
        signed?.bytes ?? null,
        signed?.signature ?? null,
        nodes,
      );
      if (changes === 0) throw new Error(`another header is known at ${seq}`);
    },
    headerHash: (seq) => hash.get(key, seq),
    header(seq) {
      const row = one.get(key, seq);
      return row === undefined ? undefined : headerRow(row);
    },
    headersFrom: (seq, limit) => from.all(key, seq, limit).map(headerRow),
    headersBefore: (seq, limit) => before.all(key, seq, limit).map(headerRow),
    commitsPer: (stepMs, fromSeq, fromMs) => per.all({ key, stepMs, fromSeq, fromMs }),
    lastSeen: () => seen.all(key, key, key, key),
    deleteHeadersFrom: (seq) => void removeFrom.run(key, seq),
  };
}

/**
 * Version 2: counts that the status shows, kept by triggers so that they follow every write and every
 * rollback. `vault.remote_count`; `pair.local_count`, `synced_files`, `synced_bytes`, `dirty_count`,
 * `dirty_files`, `dirty_bytes`. A dirty row carries what it adds to the last two, as weighed when it was last
 * marked: whether it is a file, and the bytes that have to travel (content one side has and neither the other
 * nor the synced tree).
 */
const WAITING = `
  SELECT ifnull(l.type = 0, 0) OR ifnull(r.type = 0, 0),
    CASE WHEN l.type = 0 AND (s.id IS NULL OR l.content IS NOT s.content)
          AND (r.id IS NULL OR l.content IS NOT r.content) THEN l.size ELSE 0 END
    + CASE WHEN r.type = 0 AND (s.id IS NULL OR r.content IS NOT s.content)
          AND (l.id IS NULL OR r.content IS NOT l.content) THEN r.size ELSE 0 END
  FROM pair p
  LEFT JOIN local_node l ON l.pair = p.key AND l.id = dirty.node
  LEFT JOIN synced_node s ON s.pair = p.key AND s.id = dirty.node
  LEFT JOIN remote_node r ON r.vault = p.vault AND r.id = dirty.node
  WHERE p.key = dirty.pair`;

export const COUNTERS = `
ALTER TABLE vault ADD COLUMN remote_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pair ADD COLUMN local_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pair ADD COLUMN synced_files INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pair ADD COLUMN synced_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pair ADD COLUMN dirty_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pair ADD COLUMN dirty_files INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pair ADD COLUMN dirty_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dirty ADD COLUMN is_file INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dirty ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;

UPDATE dirty SET (is_file, bytes) = (${WAITING}) WHERE pair IN (SELECT key FROM pair);
UPDATE vault SET remote_count = (SELECT count(*) FROM remote_node WHERE vault = vault.key);
UPDATE pair SET
  local_count = (SELECT count(*) FROM local_node n WHERE n.pair = pair.key),
  (synced_files, synced_bytes) =
    (SELECT count(*), ifnull(sum(size), 0) FROM synced_node n WHERE n.pair = pair.key AND n.type = 0),
  (dirty_count, dirty_files, dirty_bytes) =
    (SELECT count(*), ifnull(sum(is_file), 0), ifnull(sum(bytes), 0) FROM dirty d WHERE d.pair = pair.key);

CREATE TRIGGER remote_node_count_insert AFTER INSERT ON remote_node
  BEGIN UPDATE vault SET remote_count = remote_count + 1 WHERE key = new.vault; END;
CREATE TRIGGER remote_node_count_delete AFTER DELETE ON remote_node
  BEGIN UPDATE vault SET remote_count = remote_count - 1 WHERE key = old.vault; END;

CREATE TRIGGER local_node_count_insert AFTER INSERT ON local_node
  BEGIN UPDATE pair SET local_count = local_count + 1 WHERE key = new.pair; END;
CREATE TRIGGER local_node_count_delete AFTER DELETE ON local_node
  BEGIN UPDATE pair SET local_count = local_count - 1 WHERE key = old.pair; END;

CREATE TRIGGER synced_node_count_insert AFTER INSERT ON synced_node WHEN new.type = 0
  BEGIN UPDATE pair SET synced_files = synced_files + 1, synced_bytes = synced_bytes + new.size
        WHERE key = new.pair; END;
CREATE TRIGGER synced_node_count_delete AFTER DELETE ON synced_node WHEN old.type = 0
  BEGIN UPDATE pair SET synced_files = synced_files - 1, synced_bytes = synced_bytes - old.size
        WHERE key = old.pair; END;
CREATE TRIGGER synced_node_count_update AFTER UPDATE ON synced_node
  WHEN new.size <> old.size OR new.type <> old.type
  BEGIN UPDATE pair SET
          synced_files = synced_files + (new.type = 0) - (old.type = 0),
          synced_bytes = synced_bytes + iif(new.type = 0, new.size, 0) - iif(old.type = 0, old.size, 0)
        WHERE key = new.pair; END;

CREATE TRIGGER dirty_count_insert AFTER INSERT ON dirty
  BEGIN UPDATE pair SET dirty_count = dirty_count + 1, dirty_files = dirty_files + new.is_file,
          dirty_bytes = dirty_bytes + new.bytes WHERE key = new.pair; END;
CREATE TRIGGER dirty_count_update AFTER UPDATE OF is_file, bytes ON dirty
  WHEN new.is_file <> old.is_file OR new.bytes <> old.bytes
  BEGIN UPDATE pair SET dirty_files = dirty_files + new.is_file - old.is_file,
          dirty_bytes = dirty_bytes + new.bytes - old.bytes WHERE key = new.pair; END;
CREATE TRIGGER dirty_count_delete AFTER DELETE ON dirty
  BEGIN UPDATE pair SET dirty_count = dirty_count - 1, dirty_files = dirty_files - old.is_file,
          dirty_bytes = dirty_bytes - old.bytes WHERE key = old.pair; END;
`;

/**
 * Version 1: every table. Ids are raw bytes (16 for nodes, vaults, devices; 32 for chunks, packs, hashes and
 * content); vaults, pairs and packs have small integer keys that never leave the database. Node tables keep
 * their rowid, because node ids are random: rows then lie in the order they were seen, siblings together.
 * type: 0 file, 1 folder, 2 symlink. Times ending in _us are signed microseconds, in _ms milliseconds.
 */
export const TABLES = `
CREATE TABLE vault (
  key INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  -- VaultCursor: how far the log was verified.
  seq INTEGER NOT NULL DEFAULT 0,
  hash BLOB NOT NULL DEFAULT (zeroblob(32)),
  epoch INTEGER NOT NULL DEFAULT 0,
  sum BLOB NOT NULL DEFAULT (zeroblob(32)),
  chain_length INTEGER NOT NULL DEFAULT 0,
  high_seq INTEGER NOT NULL DEFAULT 0,
  high_hash BLOB NOT NULL DEFAULT (zeroblob(32))
) STRICT;

CREATE TABLE remote_node (
  key INTEGER PRIMARY KEY,
  vault INTEGER NOT NULL,
  id BLOB NOT NULL,
  parent BLOB NOT NULL,
  name TEXT NOT NULL,
  type INTEGER NOT NULL,
  mode INTEGER NOT NULL,
  mtime_us INTEGER NOT NULL,
  size INTEGER NOT NULL,
  content BLOB,
  revision INTEGER NOT NULL,
  object_hash BLOB NOT NULL,
  fault TEXT
) STRICT;
CREATE UNIQUE INDEX remote_node_id ON remote_node (vault, id);
-- Not unique: the trash and faulty logs may repeat a name.
CREATE INDEX remote_node_name ON remote_node (vault, parent, name);

-- list: 32 bytes of chunk id and a varint length, repeated.
CREATE TABLE content (
  vault INTEGER NOT NULL,
  id BLOB NOT NULL,
  size INTEGER NOT NULL,
  depth INTEGER NOT NULL,
  list BLOB NOT NULL,
  PRIMARY KEY (vault, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE header (
  vault INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  hash BLOB NOT NULL,
  device BLOB NOT NULL,
  received_at_ms INTEGER NOT NULL,
  PRIMARY KEY (vault, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX header_device ON header (vault, device, seq);

-- state: 0 spooled, 1 uploaded, 2 live, 3 dropped. sealed_index: only while spooled or uploaded.
CREATE TABLE pack (
  key INTEGER PRIMARY KEY,
  vault INTEGER NOT NULL,
  name BLOB NOT NULL,
  size INTEGER NOT NULL,
  index_hash BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  state INTEGER NOT NULL,
  trusted INTEGER NOT NULL,
  sealed_index BLOB,
  UNIQUE (vault, name)
) STRICT;
CREATE INDEX pack_state ON pack (vault, state);

-- Several packs may hold one chunk.
CREATE TABLE chunk (
  vault INTEGER NOT NULL,
  id BLOB NOT NULL,
  pack INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  segment_offset INTEGER NOT NULL,
  segment_length INTEGER NOT NULL,
  method INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  stored_length INTEGER NOT NULL,
  length INTEGER NOT NULL,
  PRIMARY KEY (vault, id, pack)
) STRICT, WITHOUT ROWID;
CREATE INDEX chunk_pack ON chunk (pack);

CREATE TABLE pair (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  folder TEXT NOT NULL,
  vault INTEGER NOT NULL,
  bound BLOB NOT NULL
) STRICT;

-- disk_name is local_name, else name. dev and ino are REAL: Windows file ids pass 2^63.
CREATE TABLE local_node (
  key INTEGER PRIMARY KEY,
  pair INTEGER NOT NULL,
  id BLOB NOT NULL,
  parent BLOB NOT NULL,
  name TEXT NOT NULL,
  disk_name TEXT NOT NULL,
  type INTEGER NOT NULL,
  mode INTEGER NOT NULL,
  mtime_us INTEGER NOT NULL,
  size INTEGER NOT NULL,
  content BLOB,
  dev REAL NOT NULL,
  ino REAL NOT NULL,
  birth_us INTEGER NOT NULL,
  ctime_us INTEGER NOT NULL,
  parked INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX local_node_id ON local_node (pair, id);
CREATE INDEX local_node_parent ON local_node (pair, parent) WHERE parked = 1;
CREATE UNIQUE INDEX local_node_disk_name ON local_node (pair, parent, disk_name) WHERE parked = 0;
CREATE INDEX local_node_alias ON local_node (pair, parent, name) WHERE name <> disk_name;
CREATE INDEX local_node_identity ON local_node (pair, ino);

CREATE TABLE synced_node (
  key INTEGER PRIMARY KEY,
  pair INTEGER NOT NULL,
  id BLOB NOT NULL,
  parent BLOB NOT NULL,
  name TEXT NOT NULL,
  type INTEGER NOT NULL,
  mode INTEGER NOT NULL,
  mtime_us INTEGER NOT NULL,
  size INTEGER NOT NULL,
  content BLOB
) STRICT;
CREATE UNIQUE INDEX synced_node_id ON synced_node (pair, id);
-- Not unique: two nodes that swap names pass through a moment with both under one.
CREATE INDEX synced_node_name ON synced_node (pair, parent, name);

-- seq grows with each new mark; until_ms mirrors quarantine.
CREATE TABLE dirty (
  pair INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  node BLOB NOT NULL,
  until_ms INTEGER,
  PRIMARY KEY (pair, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX dirty_node ON dirty (pair, node);
CREATE INDEX dirty_until ON dirty (pair, until_ms) WHERE until_ms IS NOT NULL;

-- Outlives the mark in dirty, so that attempts keep growing.
CREATE TABLE quarantine (
  pair INTEGER NOT NULL,
  node BLOB NOT NULL,
  until_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  PRIMARY KEY (pair, node)
) STRICT, WITHOUT ROWID;

CREATE TABLE unsettled (
  pair INTEGER NOT NULL,
  node BLOB NOT NULL,
  PRIMARY KEY (pair, node)
) STRICT, WITHOUT ROWID;

CREATE TABLE deselected (
  pair INTEGER NOT NULL,
  node BLOB NOT NULL,
  PRIMARY KEY (pair, node)
) STRICT, WITHOUT ROWID;

-- ways: a JSON array of strings.
CREATE TABLE issue (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  pair TEXT,
  node BLOB,
  code TEXT NOT NULL,
  path TEXT NOT NULL,
  reason TEXT NOT NULL,
  ways TEXT NOT NULL,
  since_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX issue_of ON issue (ifnull(pair, ''), ifnull(node, path), code);

CREATE TABLE activity (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  pair TEXT,
  path TEXT NOT NULL,
  action TEXT NOT NULL,
  reason TEXT NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;

-- scope: '' of the device, 'vault KEY' or 'pair KEY'.
CREATE TABLE meta (
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
`;

/**
 * The SQLite schema of the embedded store, one string a version; a data directory is brought up to date in
 * one transaction when it is opened. Ids and hashes are raw bytes, times milliseconds since 1970.
 */
export const SCHEMA_VERSIONS: readonly string[] = [
  `
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE accounts (
  account BLOB PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  registration TEXT NOT NULL,
  bundle TEXT NOT NULL,
  bundle_version INTEGER NOT NULL,
  quota_bytes INTEGER,                -- NULL: the server's default
  disabled INTEGER NOT NULL DEFAULT 0,
  doomed INTEGER NOT NULL DEFAULT 0,  -- deleted by the person; the upkeep forgets the rest
  created_ms INTEGER NOT NULL,
  chain_length INTEGER NOT NULL,
  chain_head BLOB NOT NULL,
  live_bytes INTEGER NOT NULL DEFAULT 0,
  uncommitted_bytes INTEGER NOT NULL DEFAULT 0,
  retained_bytes INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE chain_entries (
  account BLOB NOT NULL, idx INTEGER NOT NULL, entry BLOB NOT NULL,
  PRIMARY KEY (account, idx)
);

CREATE TABLE devices (
  account BLOB NOT NULL, device BLOB NOT NULL, last_heard_ms INTEGER NOT NULL,
  revoked INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (account, device)
) WITHOUT ROWID;

CREATE TABLE sessions (
  session INTEGER PRIMARY KEY AUTOINCREMENT, account BLOB NOT NULL, device BLOB NOT NULL, created_ms INTEGER NOT NULL
);
CREATE INDEX sessions_of_device ON sessions (account, device);

-- Tokens are known by the SHA-256 of their text only.
CREATE TABLE tokens (
  hash BLOB PRIMARY KEY, session INTEGER NOT NULL, refresh INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL, spent_ms INTEGER
) WITHOUT ROWID;
CREATE INDEX tokens_of_session ON tokens (session);
CREATE INDEX tokens_by_expiry ON tokens (expires_ms);

CREATE TABLE grants (hash BLOB PRIMARY KEY, account BLOB NOT NULL, expires_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE proofs (
  hash BLOB PRIMARY KEY, kind TEXT NOT NULL, account BLOB, data TEXT NOT NULL, expires_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE invites (hash BLOB PRIMARY KEY, created_ms INTEGER NOT NULL, used_ms INTEGER) WITHOUT ROWID;

CREATE TABLE vaults (
  key INTEGER PRIMARY KEY AUTOINCREMENT,
  account BLOB NOT NULL, vault BLOB NOT NULL, created_ms INTEGER NOT NULL,
  head_seq INTEGER NOT NULL, head_hash BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  chain_length INTEGER NOT NULL,                  -- named by the head
  epoch_chain_length INTEGER NOT NULL,            -- named by the commit that opened the epoch
  required_chain INTEGER NOT NULL DEFAULT 0,      -- past the last revocation or void that pins this vault
  required_epoch_chain INTEGER NOT NULL DEFAULT 0, -- past the last revocation
  floor_seq INTEGER NOT NULL DEFAULT 0,           -- changes after it and states at or after it are whole
  lease_device BLOB, lease_until_ms INTEGER NOT NULL DEFAULT 0,
  UNIQUE (account, vault)
);

-- Headers are kept for ever, lists while an entry of theirs is live or retained.
CREATE TABLE commits (
  vault INTEGER NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL, received_ms INTEGER NOT NULL,
  header BLOB NOT NULL, signature BLOB NOT NULL,
  PRIMARY KEY (vault, seq)
) WITHOUT ROWID;
CREATE INDEX commits_by_hash ON commits (vault, hash);
CREATE INDEX commits_by_time ON commits (vault, received_ms);
CREATE TABLE commit_lists (
  vault INTEGER NOT NULL, seq INTEGER NOT NULL,
  entries BLOB NOT NULL, packs BLOB NOT NULL, heads BLOB NOT NULL, rejoin BLOB NOT NULL,
  PRIMARY KEY (vault, seq)
);
CREATE TABLE epochs (
  vault INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, chain_length INTEGER NOT NULL,
  opening BLOB NOT NULL, wraps BLOB NOT NULL,
  PRIMARY KEY (vault, epoch)
);
-- Commits a void entry took out of the log, whole, for the retention time.
CREATE TABLE voided_commits (
  vault INTEGER NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL, voided_ms INTEGER NOT NULL, frame BLOB NOT NULL
);
CREATE INDEX voided_by_time ON voided_commits (voided_ms);

-- One row a revision: the state of a node from one commit up to another. A tombstone has no object and
-- stays for ever, because node ids never return.
CREATE TABLE records (
  vault INTEGER NOT NULL, node BLOB NOT NULL, revision INTEGER NOT NULL,
  from_seq INTEGER NOT NULL, to_seq INTEGER, to_ms INTEGER,
  object_hash BLOB, object BLOB
);
CREATE UNIQUE INDEX records_by_node ON records (vault, node, revision);
CREATE INDEX records_by_commit ON records (vault, from_seq);
CREATE INDEX records_by_end ON records (to_ms) WHERE to_ms IS NOT NULL;

CREATE TABLE packs (
  key INTEGER PRIMARY KEY AUTOINCREMENT, vault INTEGER NOT NULL, name BLOB NOT NULL, size INTEGER NOT NULL,
  state TEXT NOT NULL, device BLOB NOT NULL, changed_ms INTEGER NOT NULL,
  inline INTEGER NOT NULL, bytes_gone INTEGER NOT NULL DEFAULT 0, index_hash BLOB, index_object BLOB,
  UNIQUE (vault, name)
);
CREATE INDEX packs_by_state ON packs (state, changed_ms);
CREATE TABLE pack_spans (
  pack INTEGER NOT NULL, vault INTEGER NOT NULL, from_seq INTEGER NOT NULL, to_seq INTEGER,
  PRIMARY KEY (pack, from_seq)
) WITHOUT ROWID;
CREATE INDEX pack_spans_from ON pack_spans (vault, from_seq);
CREATE INDEX pack_spans_to ON pack_spans (vault, to_seq) WHERE to_seq IS NOT NULL;
CREATE TABLE inline_packs (pack INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
-- Bytes charged before they arrive.
CREATE TABLE uploads (
  upload INTEGER PRIMARY KEY AUTOINCREMENT, vault INTEGER NOT NULL, name BLOB NOT NULL, size INTEGER NOT NULL,
  device BLOB NOT NULL, started_ms INTEGER NOT NULL
);
`,
  `
-- Accounts of an older service that wait for their owners (store/legacy-store.ts).
CREATE TABLE legacy_imports (
  import INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL
);
CREATE TABLE legacy_shapes (
  import INTEGER NOT NULL, shape TEXT NOT NULL, rows INTEGER NOT NULL,
  PRIMARY KEY (import, shape)
) WITHOUT ROWID;
CREATE TABLE legacy_rows (
  address BLOB PRIMARY KEY,           -- SHA-256 of the e-mail address
  import INTEGER NOT NULL,
  email TEXT,                         -- NULL once it can be claimed no more, as are the two hashes
  parameters TEXT, proof_hash BLOB, code_hash BLOB,
  quota_bytes INTEGER,
  ended_ms INTEGER, claimed INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX legacy_rows_open ON legacy_rows (import) WHERE ended_ms IS NULL;
`,
  `
-- What happened to accounts, for operators (store/audit-store.ts).
CREATE TABLE audit_entries (
  entry INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
  kind TEXT NOT NULL, actor TEXT NOT NULL, account BLOB, device BLOB,
  network TEXT,                       -- an IPv4 /24 or an IPv6 /48
  times INTEGER NOT NULL, amount INTEGER,
  tally BLOB UNIQUE                   -- of an entry that counts what is alike
);
CREATE INDEX audit_by_time ON audit_entries (at_ms, entry);
CREATE INDEX audit_of_account ON audit_entries (account, at_ms, entry) WHERE account IS NOT NULL;
CREATE INDEX audit_of_kind ON audit_entries (kind, at_ms, entry);
`,
];

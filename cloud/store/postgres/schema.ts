/**
 * The PostgreSQL schema, one string a version; a database is brought up to date in one transaction, by one node at a
 * time. Ids and hashes are raw bytes, times milliseconds since 1970. The columns are named as in the embedded store.
 * All that belongs to a vault has the vault as the first column of every key, so that those tables can be
 * partitioned by it; what is sealed does not compress, so nobody tries.
 */
export const SCHEMA_VERSIONS: readonly string[] = [
  `
CREATE TABLE settings (name text PRIMARY KEY, value text NOT NULL);

CREATE TABLE accounts (
  account bytea PRIMARY KEY,
  email text NOT NULL UNIQUE,
  registration text NOT NULL,
  bundle text NOT NULL,
  bundle_version bigint NOT NULL,
  quota_bytes bigint,                      -- NULL: the server's default
  disabled boolean NOT NULL DEFAULT false,
  doomed boolean NOT NULL DEFAULT false,   -- deleted by the person; the upkeep forgets the rest
  created_ms bigint NOT NULL,
  chain_length bigint NOT NULL,
  chain_head bytea NOT NULL,
  live_bytes bigint NOT NULL DEFAULT 0,
  uncommitted_bytes bigint NOT NULL DEFAULT 0,
  retained_bytes bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
CREATE INDEX accounts_doomed ON accounts (account) WHERE doomed;

CREATE TABLE chain_entries (
  account bytea NOT NULL, idx bigint NOT NULL, entry bytea NOT NULL,
  PRIMARY KEY (account, idx)
);

CREATE TABLE devices (
  account bytea NOT NULL, device bytea NOT NULL, last_heard_ms bigint NOT NULL,
  revoked boolean NOT NULL DEFAULT false,
  PRIMARY KEY (account, device)
) WITH (fillfactor = 80);

CREATE TABLE sessions (
  session bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account bytea NOT NULL, device bytea NOT NULL, created_ms bigint NOT NULL
);
CREATE INDEX sessions_of_device ON sessions (account, device);

-- Tokens are known by the SHA-256 of their text only.
CREATE TABLE tokens (
  hash bytea PRIMARY KEY, session bigint NOT NULL, refresh boolean NOT NULL,
  expires_ms bigint NOT NULL, spent_ms bigint
);
CREATE INDEX tokens_of_session ON tokens (session);
CREATE INDEX tokens_by_expiry ON tokens (expires_ms);

CREATE TABLE grants (hash bytea PRIMARY KEY, account bytea NOT NULL, expires_ms bigint NOT NULL);
CREATE INDEX grants_of_account ON grants (account);
CREATE INDEX grants_by_expiry ON grants (expires_ms);
CREATE TABLE proofs (
  hash bytea PRIMARY KEY, kind text NOT NULL, account bytea, data text NOT NULL, expires_ms bigint NOT NULL
);
CREATE INDEX proofs_by_expiry ON proofs (expires_ms);
CREATE TABLE invites (hash bytea PRIMARY KEY, created_ms bigint NOT NULL, used_ms bigint);

CREATE TABLE vaults (
  key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account bytea NOT NULL, vault bytea NOT NULL, created_ms bigint NOT NULL,
  head_seq bigint NOT NULL, head_hash bytea NOT NULL,
  head_received_ms bigint NOT NULL,
  epoch bigint NOT NULL,
  chain_length bigint NOT NULL,                   -- named by the head
  epoch_chain_length bigint NOT NULL,             -- named by the commit that opened the epoch
  required_chain bigint NOT NULL DEFAULT 0,       -- past the last revocation or void that pins this vault
  required_epoch_chain bigint NOT NULL DEFAULT 0, -- past the last revocation
  floor_seq bigint NOT NULL DEFAULT 0,            -- changes after it and states at or after it are whole
  lease_device bytea, lease_until_ms bigint NOT NULL DEFAULT 0,
  UNIQUE (account, vault)
) WITH (fillfactor = 70);

-- Headers are kept for ever, lists while an entry of theirs is live or retained.
CREATE TABLE commits (
  vault bigint NOT NULL, seq bigint NOT NULL, hash bytea NOT NULL, received_ms bigint NOT NULL,
  frame_bytes bigint NOT NULL,                    -- of the whole frame without inline packs
  header bytea NOT NULL, signature bytea NOT NULL,
  PRIMARY KEY (vault, seq)
);
CREATE INDEX commits_by_hash ON commits (vault, hash);
CREATE INDEX commits_by_time ON commits (vault, received_ms, seq);
CREATE TABLE commit_lists (
  vault bigint NOT NULL, seq bigint NOT NULL,
  entries bytea NOT NULL, packs bytea NOT NULL, heads bytea NOT NULL, rejoin bytea NOT NULL,
  PRIMARY KEY (vault, seq)
);
CREATE TABLE epochs (
  vault bigint NOT NULL, epoch bigint NOT NULL, seq bigint NOT NULL, chain_length bigint NOT NULL,
  opening bytea NOT NULL, wraps bytea NOT NULL,
  PRIMARY KEY (vault, epoch)
);
-- Commits a void entry took out of the log, whole, for the retention time.
CREATE TABLE voided_commits (
  vault bigint NOT NULL, seq bigint NOT NULL, hash bytea NOT NULL, voided_ms bigint NOT NULL, frame bytea NOT NULL
);
CREATE INDEX voided_of_vault ON voided_commits (vault);
CREATE INDEX voided_by_time ON voided_commits (voided_ms);

-- One row a revision: the state of a node from one commit up to another. A tombstone has no object and
-- stays for ever, because node ids never return.
CREATE TABLE records (
  vault bigint NOT NULL, node bytea NOT NULL, revision bigint NOT NULL,
  from_seq bigint NOT NULL, to_seq bigint, to_ms bigint,
  object_hash bytea, object bytea,
  PRIMARY KEY (vault, node, revision)
);
CREATE INDEX records_by_commit ON records (vault, from_seq);
CREATE INDEX records_by_end ON records (to_ms) WHERE to_ms IS NOT NULL;
CREATE INDEX records_ended ON records (vault, to_seq) WHERE to_seq IS NOT NULL;

CREATE TABLE packs (
  vault bigint NOT NULL, name bytea NOT NULL, size bigint NOT NULL,
  state text NOT NULL, device bytea NOT NULL, changed_ms bigint NOT NULL,
  inline boolean NOT NULL, bytes_gone boolean NOT NULL DEFAULT false,
  index_hash bytea, index_object bytea,
  PRIMARY KEY (vault, name)
);
CREATE INDEX packs_waiting ON packs (state, changed_ms) WHERE state <> 'live';
CREATE INDEX packs_dropped ON packs (vault, changed_ms) WHERE state = 'dropped';
CREATE INDEX packs_doomed ON packs (vault, name) WHERE state = 'deleting' OR (state = 'purged' AND NOT bytes_gone);
CREATE TABLE pack_spans (
  vault bigint NOT NULL, name bytea NOT NULL, from_seq bigint NOT NULL, to_seq bigint,
  PRIMARY KEY (vault, name, from_seq)
);
CREATE INDEX pack_spans_from ON pack_spans (vault, from_seq);
CREATE INDEX pack_spans_to ON pack_spans (vault, to_seq) WHERE to_seq IS NOT NULL;
CREATE TABLE inline_packs (
  vault bigint NOT NULL, name bytea NOT NULL, bytes bytea NOT NULL,
  PRIMARY KEY (vault, name)
);
-- Bytes charged before they arrive.
CREATE TABLE uploads (
  upload bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  vault bigint NOT NULL, name bytea NOT NULL, size bigint NOT NULL, device bytea NOT NULL, started_ms bigint NOT NULL
);
CREATE INDEX uploads_of_vault ON uploads (vault);
CREATE INDEX uploads_by_time ON uploads (started_ms);

ALTER TABLE commit_lists ALTER entries SET STORAGE EXTERNAL, ALTER packs SET STORAGE EXTERNAL,
  ALTER heads SET STORAGE EXTERNAL, ALTER rejoin SET STORAGE EXTERNAL;
ALTER TABLE epochs ALTER wraps SET STORAGE EXTERNAL;
ALTER TABLE voided_commits ALTER frame SET STORAGE EXTERNAL;
ALTER TABLE records ALTER object SET STORAGE EXTERNAL;
ALTER TABLE packs ALTER index_object SET STORAGE EXTERNAL;
ALTER TABLE inline_packs ALTER bytes SET STORAGE EXTERNAL;
`,
  `
-- Buckets of attempts, by the hash of what is limited. After a crash all are full again.
CREATE UNLOGGED TABLE rates (
  key bytea PRIMARY KEY, tokens double precision NOT NULL, given integer NOT NULL, at_ms bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX rates_by_time ON rates (at_ms);
-- What one node at a time does. By the database's clock.
CREATE TABLE leases (name text PRIMARY KEY, holder text NOT NULL, until timestamptz NOT NULL);
`,
  `
-- Accounts of an older service that wait for their owners (store/legacy-store.ts).
CREATE TABLE legacy_imports (
  import bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  service text, created_ms bigint NOT NULL, expires_ms bigint NOT NULL
);
-- In the order of bytes, as the embedded store has it.
CREATE TABLE legacy_shapes (
  import bigint NOT NULL, shape text COLLATE "C" NOT NULL, rows bigint NOT NULL,
  PRIMARY KEY (import, shape)
);
CREATE TABLE legacy_rows (
  address bytea PRIMARY KEY,          -- SHA-256 of the e-mail address
  import bigint NOT NULL,
  email text,                         -- NULL once it can be claimed no more, as are the two hashes
  parameters text, proof_hash bytea, code_hash bytea,
  quota_bytes bigint,
  ended_ms bigint, claimed boolean NOT NULL DEFAULT false
) WITH (fillfactor = 80);
CREATE INDEX legacy_rows_open ON legacy_rows (import) WHERE ended_ms IS NULL;
`,
  `
-- What happened to accounts, for operators (store/audit-store.ts).
CREATE TABLE audit_entries (
  entry bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at_ms bigint NOT NULL, last_ms bigint NOT NULL,
  kind text NOT NULL, actor text NOT NULL, account bytea, device bytea,
  network text,                       -- an IPv4 /24 or an IPv6 /48
  times bigint NOT NULL, amount bigint,
  tally bytea UNIQUE                  -- of an entry that counts what is alike
);
CREATE INDEX audit_by_time ON audit_entries (at_ms, entry);
CREATE INDEX audit_of_account ON audit_entries (account, at_ms, entry) WHERE account IS NOT NULL;
CREATE INDEX audit_of_kind ON audit_entries (kind, at_ms, entry);
`,
];

import type { CommitFrame, PackEntry } from '../../../protocol/commit.ts';
import type { PackName } from '../../../protocol/ids.ts';
import type { PackFacts } from '../../log/judge-commit.ts';
import { blob } from '../columns.ts';
import { BeginAnew } from './database.ts';
import type { Sql } from './sql.ts';

/** What an accepted commit does to packs. The caller holds the vault; `facts` were read since. */
export async function writePacks(
  sql: Sql,
  vault: number,
  frame: CommitFrame,
  facts: ReadonlyMap<PackName, PackFacts>,
  receivedAtMs: number,
): Promise<void> {
  const { added, revived, dropped } = frame.packs;
  const indexed = added.map((pack, at) => ({ pack, index: frame.indexes[at] ?? null }));
  await addInline(
    sql,
    vault,
    frame,
    indexed.filter(({ pack }) => !facts.has(pack.name)),
    receivedAtMs,
  );
  await addUploaded(
    sql,
    vault,
    indexed.filter(({ pack }) => facts.has(pack.name)),
    receivedAtMs,
  );
  await setState(sql, vault, 'live', revived, receivedAtMs);
  await setState(sql, vault, 'dropped', dropped, receivedAtMs);
  const { seq } = frame.header;
  if (added.length + revived.length > 0) {
    await sql.run(
      'INSERT INTO pack_spans (vault, name, from_seq) SELECT $1, name, $2 FROM unnest($3::bytea[]) AS p (name)',
      vault,
      seq,
      namesOf([...added, ...revived]),
    );
  }
  if (dropped.length > 0) {
    await sql.run(
      'UPDATE pack_spans SET to_seq = $2 WHERE vault = $1 AND name = ANY($3::bytea[]) AND to_seq IS NULL',
      vault,
      seq,
      namesOf(dropped),
    );
  }
}

interface Indexed {
  readonly pack: PackEntry;
  readonly index: Uint8Array | null;
}

const namesOf = (packs: readonly PackEntry[]): Buffer[] => packs.map((pack) => blob(pack.name));

async function addInline(
  sql: Sql,
  vault: number,
  frame: CommitFrame,
  packs: readonly Indexed[],
  nowMs: number,
): Promise<void> {
  if (packs.length === 0) return;
  const bytes = packs.map(({ pack }) => {
    const inline = frame.inline.find((candidate) => candidate.name === pack.name);
    if (inline === undefined) throw new Error('a pack judged present is not there');
    return inline.bytes;
  });
  const names = namesOf(packs.map(({ pack }) => pack));
  const inserted = await sql.run(
    `INSERT INTO packs (vault, name, size, state, device, changed_ms, inline, index_hash, index_object)
     SELECT $1, p.name, p.size, 'live', $2, $3, true, p.index_hash, p.index_object
     FROM unnest($4::bytea[], $5::bigint[], $6::bytea[], $7::bytea[]) AS p (name, size, index_hash, index_object)
     ON CONFLICT DO NOTHING`,
    vault,
    blob(frame.header.device),
    nowMs,
    names,
    packs.map(({ pack }) => pack.size),
    packs.map(({ pack }) => blob(pack.indexHash)),
    packs.map(({ index }) => index),
  );
  // An upload of the same pack has been completed since the facts were read, which needs no vault.
  if (inserted < packs.length) throw new BeginAnew();
  await sql.run(
    `INSERT INTO inline_packs (vault, name, bytes)
     SELECT $1, p.name, p.bytes FROM unnest($2::bytea[], $3::bytea[]) AS p (name, bytes)`,
    vault,
    names,
    bytes,
  );
}

async function addUploaded(sql: Sql, vault: number, packs: readonly Indexed[], nowMs: number): Promise<void> {
  if (packs.length === 0) return;
  await sql.run(
    `UPDATE packs AS p SET state = 'live', changed_ms = $2, index_hash = a.index_hash, index_object = a.index_object
     FROM unnest($3::bytea[], $4::bytea[], $5::bytea[]) AS a (name, index_hash, index_object)
     WHERE p.vault = $1 AND p.name = a.name`,
    vault,
    nowMs,
    namesOf(packs.map(({ pack }) => pack)),
    packs.map(({ pack }) => blob(pack.indexHash)),
    packs.map(({ index }) => index),
  );
}

async function setState(
  sql: Sql,
  vault: number,
  state: 'live' | 'dropped',
  packs: readonly PackEntry[],
  nowMs: number,
): Promise<void> {
  if (packs.length === 0) return;
  await sql.run(
    'UPDATE packs SET state = $2, changed_ms = $3 WHERE vault = $1 AND name = ANY($4::bytea[])',
    vault,
    state,
    nowMs,
    namesOf(packs),
  );
}

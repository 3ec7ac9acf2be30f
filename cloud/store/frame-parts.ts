/** Puts stored parts back together as the frame that arrived, less what is no longer kept and inline packs. */
import { ByteWriter } from '../../protocol/bytes.ts';
import {
  decodeEntries,
  decodePacks,
  encodeEntries,
  encodeHeads,
  encodeOpening,
  encodePacks,
  encodeRejoin,
  type CommitEntry,
  type CommitFrame,
  type PackEntry,
} from '../../protocol/commit.ts';

export interface StoredFrame {
  readonly hash: Buffer;
  readonly receivedAtMs: number;
  readonly frame: Uint8Array;
}

export interface FrameColumns {
  hash: Buffer;
  received_ms: number;
  header: Buffer;
  signature: Buffer;
  entries: Buffer;
  packs: Buffer;
  heads: Buffer;
  rejoin: Buffer;
  opening: Buffer | null;
  wraps: Buffer | null;
}

/** The parts of a frame that go into columns of their own. */
export interface FrameLists {
  readonly entries: Uint8Array;
  readonly packs: Uint8Array;
  readonly heads: Uint8Array;
  readonly rejoin: Uint8Array;
  readonly opening: Uint8Array | null;
}

export function frameLists(frame: CommitFrame): FrameLists {
  return {
    entries: encodeEntries(frame.entries),
    packs: encodePacks(frame.packs),
    heads: encodeHeads(frame.heads),
    rejoin: encodeRejoin(frame.rejoin),
    opening: frame.opening === null ? null : encodeOpening(frame.opening),
  };
}

const NOTHING = new Uint8Array(0);

/** Layout: `encodeFrame`. Null stands for what is no longer kept. */
export function assembleFrame(
  row: FrameColumns,
  objectOf: (entry: CommitEntry) => Uint8Array | null,
  indexOf: (pack: PackEntry) => Uint8Array | null,
): StoredFrame {
  const writer = new ByteWriter(16 * 1024)
    .raw(row.header)
    .raw(row.signature)
    .blob(row.entries)
    .blob(row.packs)
    .blob(row.heads)
    .blob(row.opening ?? NOTHING)
    .blob(row.rejoin);
  for (const entry of decodeEntries(row.entries)) writer.blob(objectOf(entry) ?? NOTHING);
  for (const pack of decodePacks(row.packs).added) writer.blob(indexOf(pack) ?? NOTHING);
  const frame = writer
    .varint(0)
    .blob(row.wraps ?? NOTHING)
    .finish();
  return { hash: row.hash, receivedAtMs: row.received_ms, frame };
}

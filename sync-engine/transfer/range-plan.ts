/**
 * Which parts of which packs to read for a set of chunks. Reads are widened to RANGE_ALIGNMENT, so they do not
 * show where segments begin and end, and near ones are merged, since a request costs more than a few bytes.
 */
import type { PackName } from '../../protocol/ids.ts';
import { KIB, MAX_PACK_BYTES, MIB, RANGE_ALIGNMENT } from '../../protocol/limits.ts';
import type { LocatedChunk } from './sealing-jobs.ts';

/** A read is no longer than this, unless one segment is. */
export const MAX_RANGE_BYTES = 4 * MIB;
/** Bytes read in vain rather than asked for apart. */
const MAX_GAP_BYTES = 256 * KIB;

interface PlannedSegment {
  /** In the pack, in bytes. */
  readonly offset: number;
  readonly length: number;
  readonly epoch: number;
  readonly chunks: readonly LocatedChunk[];
}

export interface PlannedRange {
  readonly pack: PackName;
  /** Aligned; `end` may lie beyond the pack. */
  readonly start: number;
  readonly end: number;
  readonly segments: readonly PlannedSegment[];
}

/** Packs in the order the chunks first name them, ranges in the order of the pack. */
export function planRanges(chunks: Iterable<LocatedChunk>): PlannedRange[] {
  const packs = new Map<PackName, Map<string, PlannedSegment & { chunks: LocatedChunk[] }>>();
  for (const chunk of chunks) {
    let segments = packs.get(chunk.pack);
    if (segments === undefined) {
      segments = new Map<string, PlannedSegment & { chunks: LocatedChunk[] }>();
      packs.set(chunk.pack, segments);
    }
    const key = `${chunk.segmentOffset}+${chunk.segmentLength}/${chunk.epoch}`;
    const segment = segments.get(key);
    if (segment !== undefined) {
      segment.chunks.push(chunk);
    } else {
      const { segmentOffset: offset, segmentLength: length, epoch } = chunk;
      segments.set(key, { offset, length, epoch, chunks: [chunk] });
    }
  }
  return [...packs].flatMap(([pack, segments]) => rangesOf(pack, [...segments.values()]));
}

function rangesOf(pack: PackName, segments: PlannedSegment[]): PlannedRange[] {
  segments.sort((left, right) => left.offset - right.offset);
  const ranges: (PlannedRange & { end: number; segments: PlannedSegment[] })[] = [];
  for (const segment of segments) {
    const start = segment.offset - (segment.offset % RANGE_ALIGNMENT);
    const end = Math.min(
      MAX_PACK_BYTES,
      Math.ceil((segment.offset + segment.length) / RANGE_ALIGNMENT) * RANGE_ALIGNMENT,
    );
    const last = ranges.at(-1);
    if (
      last !== undefined &&
      start - last.end <= MAX_GAP_BYTES &&
      Math.max(end, last.end) - last.start <= MAX_RANGE_BYTES
    ) {
      last.end = Math.max(end, last.end);
      last.segments.push(segment);
    } else {
      ranges.push({ pack, start, end, segments: [segment] });
    }
  }
  return ranges;
}

/** Bounds both sides enforce before they allocate. Sizes in bytes. */
export const KIB = 1024;
export const MIB = 1024 * KIB;

/** A pack, padding included. */
export const MAX_PACK_BYTES = 16 * MIB;
/** The address of a pack that lies elsewhere; one signed for S3 has some 600. */
export const MAX_DIRECT_URL_CHARS = 4096;
/** A pack small enough to travel inside its commit and the head event. */
export const MAX_INLINE_PACK_BYTES = 128 * KIB;
/** A sealed record: a content list of up to 64 entries and a name of up to 255 bytes, padded. */
export const MAX_RECORD_BYTES = 8 * KIB;
/** A sealed pack index: 16 MiB of the smallest chunks. */
export const MAX_INDEX_BYTES = 4 * MIB;
/** A commit frame with its objects, indexes and inline packs. */
export const MAX_COMMIT_BYTES = 16 * MIB;
/** Entries in one commit. */
export const MAX_COMMIT_ENTRIES = 10_000;
/** Packs added, revived or dropped in one commit, each. */
export const MAX_COMMIT_PACKS = 1_000;
/** A node's name in UTF-8. */
export const MAX_NAME_BYTES = 255;
/** Folders above a node. */
export const MAX_DEPTH = 128;
/** Content list entries held in the record itself; a longer list is stored as chunks. */
export const MAX_LIST_ENTRIES = 64;
/** A page of changes, state or history. */
export const PAGE_BYTES = 4 * MIB;
/** The largest event frame pushed whole; a larger commit is announced by its head only. */
export const MAX_EVENT_BYTES = 256 * KIB;
/** A device chain entry. */
export const MAX_CHAIN_ENTRY_BYTES = 256 * KIB;
/** Keys of one epoch sealed to every device. */
export const MAX_WRAPS_BYTES = 1 * MIB;
export const RANGE_ALIGNMENT = 64 * KIB;
/** The last moment that a date can show, in ms since 1970. */
export const MAX_TIME_MS = 8_640_000_000_000_000;

export const DAY_MS = 24 * 60 * 60 * 1000;
/** Superseded records, dropped packs and trash are kept this long. */
export const RETENTION_MS = 30 * DAY_MS;
/** Uploads never committed expire this long after their device was last heard. */
export const UNCOMMITTED_MS = 7 * DAY_MS;
/** Decimal, as people count storage. */
export const DEFAULT_QUOTA_BYTES = 100_000_000_000;
export const ACCESS_TOKEN_MS = 15 * 60 * 1000;

/**
 * Version 5: what was put in place, or read there, of a node that is not known to be on stable storage. The rows of
 * the node may be older after a loss of power, and the account may have moved on. NULL for what has no content, and
 * in rows of before. `before_`: what was marked before that and is not flushed either; a loss of power may bring it back.
 */
export const UNSETTLED_CONTENT = `
ALTER TABLE unsettled ADD COLUMN content BLOB;
ALTER TABLE unsettled ADD COLUMN mtime_us INTEGER;
ALTER TABLE unsettled ADD COLUMN ino INTEGER;
ALTER TABLE unsettled ADD COLUMN before_content BLOB;
ALTER TABLE unsettled ADD COLUMN before_mtime_us INTEGER;
`;

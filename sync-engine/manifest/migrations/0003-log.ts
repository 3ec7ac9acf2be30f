/**
 * Version 3: the log as it was verified. `header` keeps the signed bytes, which a device shows after the server
 * was restored from a backup (NULL for rows of before). `remote_node.seq` is the commit that wrote the row, 0
 * where it came with the live state. `pack.author` is the device on whose word the pack counts as stored: empty
 * for this device itself, NULL where it is not known.
 */
export const LOG = `
ALTER TABLE header ADD COLUMN bytes BLOB;
ALTER TABLE header ADD COLUMN signature BLOB;
ALTER TABLE remote_node ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pack ADD COLUMN author BLOB;
`;

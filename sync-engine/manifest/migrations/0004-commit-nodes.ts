/**
 * Version 4: how many nodes a commit changed, for the person who looks through the log. NULL where this device read
 * no more of the commit than its signed header: what came with a live state, and rows of before.
 */
export const COMMIT_NODES = `
ALTER TABLE header ADD COLUMN nodes INTEGER;
`;

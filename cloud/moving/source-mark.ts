/**
 * The mark on a data directory whose server moves, or has moved, to a database and a bucket: nobody starts it by
 * accident, for what devices write there would be lost to the other one, and the other way about. It belongs into no
 * backup.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { flushFolder, readOrNull, StartError, writeWhole } from '../data-dir.ts';

const MARK_FILE = 'moved.json';

export interface SourceMark {
  /** Of this move; the target has the same. */
  readonly id: string;
  readonly state: 'moving' | 'moved';
  /** Where to, for people: no secret. */
  readonly to: string;
}

/** Null when it never moved. @throws StartError */
export async function readMark(dataDir: string): Promise<SourceMark | null> {
  const file = join(dataDir, MARK_FILE);
  const text = await readOrNull(file);
  if (text === null) return null;
  try {
    return JSON.parse(text) as SourceMark;
  } catch {
    throw new StartError(
      `${file} cannot be read: the server of this directory was moved, or was to be; restore the file, or remove it if nothing was moved`,
    );
  }
}

export async function writeMark(dataDir: string, mark: SourceMark): Promise<void> {
  await writeWhole(join(dataDir, MARK_FILE), `${JSON.stringify(mark)}\n`);
}

export async function removeMark(dataDir: string): Promise<void> {
  await rm(join(dataDir, MARK_FILE), { force: true });
  await flushFolder(dataDir);
}

/** @throws StartError where the server moved away */
export async function refuseMoved(dataDir: string): Promise<void> {
  const mark = await readMark(dataDir);
  if (mark === null) return;
  const undo = `coffre-cloud migrate --from ${dataDir} --undo`;
  throw new StartError(
    mark.state === 'moving'
      ? `the server of ${dataDir} is being moved to ${mark.to}: run coffre-cloud migrate again to finish that, or ${undo} to give it up`
      : `the server of ${dataDir} was moved to ${mark.to}, and this directory knows nothing of what came since: start that one, or go back to this one with ${undo} --yes`,
  );
}

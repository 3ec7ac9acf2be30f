/** What is going on, as data: which sentence, and the figures under it. Pure. */
import type { Status } from '../../../protocol/control-shapes.ts';

export type Headline =
  'no-folder' | 'idle' | 'looking' | 'syncing' | 'paused' | 'offline' | 'attention' | 'quota';

/** "In sync" only when the engine says so. */
export function headlineOf(status: Pick<Status, 'state' | 'pending' | 'pairs'>): Headline {
  switch (status.state) {
    case 'idle':
      return status.pairs.length === 0 ? 'no-folder' : 'idle';
    case 'syncing':
      return status.pending.files === 0 ? 'looking' : 'syncing';
    case 'paused':
    case 'offline':
    case 'attention':
    case 'quota':
      return status.state;
    case 'locked':
    case 'signed-out':
      // Other faces of the window show these.
      return 'offline';
  }
}

/** Below this a rate says nothing about the end. */
const LEAST_BYTES_PER_SECOND = 1000;
/** Beyond a month it is a guess nobody is helped by. */
const MOST_SECONDS = 30 * 86_400;

/** Null while it cannot be told. */
export function secondsLeft(pendingBytes: number, bytesPerSecond: number): number | null {
  if (pendingBytes <= 0 || bytesPerSecond < LEAST_BYTES_PER_SECOND) return null;
  const seconds = pendingBytes / bytesPerSecond;
  return seconds > MOST_SECONDS ? null : seconds;
}

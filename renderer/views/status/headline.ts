/** What is going on, as data: which sentence. Pure. */
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

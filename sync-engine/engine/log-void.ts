/**
 * A `void` entry of the device chain takes a log back to an older head, by the person's decision. This device goes
 * along by itself, and proposes again only what it changed itself after that head.
 */
import type { HeadPin } from '../../protocol/device-chain.ts';
import { checkAuthor } from './commit-rules.ts';
import { REJOIN, type LogScope } from './log-scope.ts';
import { takeState } from './log-state.ts';
import { stateAt } from './rejoin.ts';

/** The head this device's log has to go back to; null when no entry says so that it has not followed yet. */
export function dueVoid({ vault, store, identity }: LogScope): HeadPin | null {
  const { seq, chainLength } = store.cursor();
  // What stands on a voided head names its entry, so a log that does has gone back already.
  const due = identity
    .chain()
    .voids.filter(({ at, pin }) => pin.vault === vault && at >= chainLength && pin.seq < seq)
    .map(({ pin }) => pin)
    .sort((left, right) => left.seq - right.seq);
  return due[0] ?? null;
}

/**
 * Whether an entry takes back what lies above this device's head, or its head too: what stopped the log may be gone
 * from the server.
 */
export function isTakenBack({ vault, store, identity }: LogScope): boolean {
  const { seq, chainLength } = store.cursor();
  return identity
    .chain()
    .voids.some(({ at, pin }) => pin.vault === vault && at >= chainLength && pin.seq <= seq);
}

/** @throws CloudError, LogFault */
export async function goBack(scope: LogScope, pin: HeadPin): Promise<void> {
  const { vault, store, identity } = scope;
  const pinned = await stateAt(scope, pin);
  await takeState(scope, {
    anchor: pin,
    visit: (signed, header) => {
      checkAuthor(vault, signed, header, identity.chain());
    },
    claim: (node, now) => {
      const row = store.remote.get(node);
      if (row === undefined || row.seq <= pin.seq) return null;
      if (store.header(row.seq)?.device !== identity.device) return null;
      return pinned.get(node) === now ? 'again' : 'both';
    },
    done: () => {
      store.setMeta(REJOIN, null);
    },
  });
}

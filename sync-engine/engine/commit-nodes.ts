/** Changes of the tree that do not come from a folder: made on the newest head, remade when it moved. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { PersonError } from '../../protocol/errors.ts';
import type { PackName } from '../../protocol/ids.ts';
import { noLongerKept } from './person-work.ts';
import { entryOf } from './pack-rows.ts';
import type { Proposal } from './log-propose.ts';
import type { VaultSync } from './vault-sync.ts';

/** Lost races after which something else is wrong. */
const MAX_ATTEMPTS = 100;
/** Answers that were lost after which the server is taken for unreachable. */
const MAX_LOST = 3;

export type Made = Omit<Proposal, 'base'>;

/**
 * Commits what `make` says, which sees the remote tree its answer will be committed on. False when it said null:
 * nothing is left to do. @throws PersonError quota, not-found (a pack is gone), verification; CloudError, LogFault
 */
export async function commitNodes(vault: VaultSync, make: () => Made | null): Promise<boolean> {
  const { log } = vault;
  if (vault.stopped !== null) {
    throw new PersonError(
      'verification',
      `${vault.name()} stands still: what the server or another device sent did not hold`,
      'See `coffre issues`.',
      { cause: vault.stopped },
    );
  }
  let lost = 0;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const base = log.cursor().seq;
    const made = make();
    if (made === null) return false;
    const outcome = await log.commitAndLook({ ...made, base });
    switch (outcome.kind) {
      case 'committed':
      case 'found':
        return true;
      case 'broke-off':
        lost += 1;
        if (lost === MAX_LOST) throw outcome.error;
        break;
      case 'stale-head':
      case 'stale-chain':
        await nextTurn();
        await log.pull();
        break;
      case 'quota':
        throw new PersonError('quota', 'your storage is full', 'Free some space, or empty the trash.');
      case 'pack-missing':
        for (const name of outcome.packs) log.store.deletePack(name);
        break;
    }
  }
  throw new PersonError('failed', 'the account changes faster than this can be done', 'Try again.');
}

/** What a commit must add or revive so that content in these packs is live. @throws PersonError not-found */
export function packsToHold(
  vault: VaultSync,
  names: Iterable<PackName>,
): Pick<Proposal, 'added' | 'revived'> {
  const { store } = vault.log;
  const added: Proposal['added'][number][] = [];
  const revived: Proposal['revived'][number][] = [];
  for (const name of new Set(names)) {
    const row = store.pack(name);
    switch (row?.state) {
      case 'live':
        break;
      case 'uploaded':
        added.push({ row, inline: null });
        break;
      case 'dropped':
        revived.push(entryOf(row));
        break;
      case 'sealed':
      case undefined:
        throw noLongerKept('some of the stored data');
    }
  }
  return { added, revived };
}

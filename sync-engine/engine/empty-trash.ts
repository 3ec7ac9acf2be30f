/** Empties the trash: tombstones, and with a fresh proof of the password the stored bytes too. */
import { PersonError } from '../../protocol/errors.ts';
import { TRASH_NODE } from '../../protocol/ids.ts';
import { withGrant } from '../account/leave.ts';
import type { RemoteNode } from '../manifest/manifest.ts';
import { commitNodes } from './commit-nodes.ts';
import { keepPacks } from './housekeeper.ts';
import { asked } from './person-work.ts';
import { subtree } from './paths.ts';
import type { Clock, RandomSource } from './ports.ts';
import { forgetTrashed } from './trash.ts';
import { cloudOf, vaultsOf, type Asking, type TreeDevice } from './tree-host.ts';
import type { VaultSync } from './vault-sync.ts';

const MAX_TOMBSTONES = 2000;
/** Names in one purge request. */
const MAX_PURGED = 1000;
/** Rounds of copying what is not in the trash out of packs that are; each is bounded. */
const MAX_ROUNDS = 100;

export interface Emptied {
  /** Things that lay in the trash, a folder counting once. */
  readonly items: number;
  readonly bytes: number;
}

/** @throws PersonError bad-input (now without a password), refused, quota, server-unreachable, verification */
export function emptyTrash(
  at: TreeDevice,
  request: { readonly now: boolean; readonly password: string | null },
  world: { readonly clock: Clock; readonly random: RandomSource },
  asking: Asking,
): Promise<Emptied> {
  return asked(async () => {
    const { now, password } = request;
    if (!now) return buryAll(at, asking);
    if (password === null) {
      throw new PersonError(
        'bad-input',
        'this needs your password',
        'Give it with COFFRE_PASSWORD or --password-stdin.',
      );
    }
    // Proved before anything goes, and again for the purge: its ten minutes may be over by then.
    await withGrant(at.device, password, () => Promise.resolve());
    const emptied = await buryAll(at, asking);
    for (const vault of vaultsOf(at)) await dropUnneeded(at, vault, world, asking);
    await withGrant(at.device, password, (grant) => purge(at, grant));
    return emptied;
  });
}

async function buryAll(at: TreeDevice, asking: Asking): Promise<Emptied> {
  let items = 0;
  let bytes = 0;
  for (const vault of vaultsOf(at)) {
    await vault.log.pull();
    const gone = await bury(vault, asking);
    items += gone.items;
    bytes += gone.bytes;
  }
  return { items, bytes };
}

async function bury(vault: VaultSync, asking: Asking): Promise<Emptied> {
  let items = 0;
  let bytes = 0;
  for (;;) {
    asking.signal.throwIfAborted();
    let batch: readonly RemoteNode[] = [];
    const committed = await commitNodes(vault, () => {
      batch = someTrashed(vault);
      if (batch.length === 0) return null;
      return {
        nodes: batch.map(({ id }) => ({ node: id, record: null })),
        added: [],
        revived: [],
        dropped: [],
      };
    });
    if (!committed) return { items, bytes };
    for (const { parent, size } of batch) {
      if (parent === TRASH_NODE) items += 1;
      bytes += size;
    }
    forgetTrashed(
      vault,
      batch.map(({ id }) => id),
    );
    asking.progress({ step: 'emptying the trash', done: items, total: null, unit: 'items' });
  }
}

/** As much of the trash as one commit takes, children before parents. */
function someTrashed(vault: VaultSync): RemoteNode[] {
  const { remote } = vault.log.store;
  const batch: RemoteNode[] = [];
  for (const { id } of remote.children(TRASH_NODE)) {
    batch.push(...[...subtree(remote, id)].reverse().slice(0, MAX_TOMBSTONES - batch.length));
    if (batch.length >= MAX_TOMBSTONES) break;
  }
  return batch;
}

/** Packs that hold nothing of the live tree go; those that hold little of it are copied first. */
async function dropUnneeded(
  at: TreeDevice,
  vault: VaultSync,
  { clock, random }: { readonly clock: Clock; readonly random: RandomSource },
  { signal }: Asking,
): Promise<void> {
  const { device, manifest } = at;
  const parts = {
    vaultSync: vault,
    cloud: cloudOf(at),
    device,
    manifest,
    clock,
    random,
    signal,
    nearlyFull: true,
  };
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const { result, addedPacks } = await keepPacks(parts);
    if (result !== 'kept' || addedPacks === 0) return;
  }
}

async function purge(at: TreeDevice, grant: string): Promise<void> {
  for (const { vault, log } of vaultsOf(at)) {
    const names = log.store.packs('dropped').map(({ name }) => name);
    for (let from = 0; from < names.length; from += MAX_PURGED) {
      const some = names.slice(from, from + MAX_PURGED);
      await cloudOf(at).purge(vault, some, grant);
      for (const name of some) log.store.deletePack(name);
    }
  }
}

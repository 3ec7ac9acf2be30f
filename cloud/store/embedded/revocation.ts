import type { DeviceId } from '../../../protocol/ids.ts';
import type { HeadPin } from '../../../protocol/device-chain.ts';
import { pinsAreHeads } from '../../accounts/judge-pins.ts';
import { blob, vaultHead, type VaultHeadColumns } from '../columns.ts';
import type { Database } from './database.ts';

/**
 * Applies a `revoke` entry inside the caller's transaction, if its pins hold (`pinsAreHeads`). From then on each
 * vault wants commits that name the entry, the next one opening an epoch, and the device's tokens are gone.
 */
export function applyRevocation(
  database: Database,
  account: Uint8Array,
  device: DeviceId,
  pins: readonly HeadPin[],
  entryIndex: number,
  wasLost: boolean,
): boolean {
  const vaults = database.all<VaultHeadColumns>(
    'SELECT vault, head_seq, head_hash FROM vaults WHERE account = ?',
    account,
  );
  if (!pinsAreHeads(vaults.map(vaultHead), pins, wasLost)) return false;
  database.run(
    'UPDATE vaults SET required_chain = ?1, required_epoch_chain = ?1 WHERE account = ?2',
    entryIndex + 1,
    account,
  );
  database.run('UPDATE devices SET revoked = 1 WHERE account = ? AND device = ?', account, blob(device));
  database.run(
    'DELETE FROM tokens WHERE session IN (SELECT session FROM sessions WHERE account = ? AND device = ?)',
    account,
    blob(device),
  );
  database.run('DELETE FROM sessions WHERE account = ? AND device = ?', account, blob(device));
  return true;
}

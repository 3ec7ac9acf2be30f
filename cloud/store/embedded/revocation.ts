import type { DeviceId } from '../../../protocol/ids.ts';
import type { HeadPin } from '../../../protocol/device-chain.ts';
import { blob, hex, type Database } from './database.ts';

/**
 * Applies a `revoke` entry inside the caller's transaction: the pins must be exactly the heads of all the
 * account's vaults. From then on each vault wants commits that name the entry, the next one opening an
 * epoch, and the device's tokens are gone. False when the pins are not the heads; of an entry that was lost to a
 * restore, when a head has gone beyond its pin.
 */
export function applyRevocation(
  database: Database,
  account: Uint8Array,
  device: DeviceId,
  pins: readonly HeadPin[],
  entryIndex: number,
  wasLost: boolean,
): boolean {
  const vaults = database.all<{ vault: Buffer; head_seq: number; head_hash: Buffer }>(
    'SELECT vault, head_seq, head_hash FROM vaults WHERE account = ?',
    account,
  );
  const pinned = new Map(pins.map((pin) => [pin.vault as string, pin]));
  if (pinned.size !== pins.length || (!wasLost && pinned.size !== vaults.length)) return false;
  for (const vault of vaults) {
    const pin = pinned.get(hex(vault.vault));
    if (wasLost && (pin === undefined || pin.seq > vault.head_seq)) continue;
    if (pin?.seq !== vault.head_seq || pin.hash !== hex(vault.head_hash)) return false;
  }
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

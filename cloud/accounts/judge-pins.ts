import type { Head } from '../../protocol/cloud.ts';
import type { HeadPin } from '../../protocol/device-chain.ts';
import type { VaultId } from '../../protocol/ids.ts';

/**
 * Whether the pins of a `revoke` entry are exactly the heads of all the account's vaults. Of an entry that was lost
 * to a restore they may lie above the heads, which were lost with it; no head may have gone beyond its pin.
 */
export function pinsAreHeads(
  vaults: readonly { readonly vault: VaultId; readonly head: Head }[],
  pins: readonly HeadPin[],
  wasLost: boolean,
): boolean {
  const pinned = new Map(pins.map((pin) => [pin.vault, pin]));
  if (pinned.size !== pins.length || (!wasLost && pinned.size !== vaults.length)) return false;
  return vaults.every(({ vault, head }) => {
    const pin = pinned.get(vault);
    if (wasLost && (pin === undefined || pin.seq > head.seq)) return true;
    return pin?.seq === head.seq && pin.hash === head.hash;
  });
}

/**
 * On whose word a pack counts as stored when content is added. Its author is the device whose commit added it. Once
 * that device is removed its packs are relied on no more, whenever they were learnt; nor are those whose author is
 * not known, as they come with the live state, once any device was removed: one of them may be its.
 */
import type { DeviceChain } from '../../protocol/device-chain.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import type { LogScope } from './log-scope.ts';

/** Vault meta: how many removals the packs were judged by. */
const REMOVALS = 'packs-judged';

function removedDevices(chain: DeviceChain): DeviceId[] {
  return [...chain.devices.values()].flatMap(({ device, revoked }) => (revoked === null ? [] : [device]));
}

/** @param author null where it is not known */
export function isVouchedFor(chain: DeviceChain, author: DeviceId | null): boolean {
  if (author === null) return removedDevices(chain).length === 0;
  return chain.devices.get(author)?.revoked === null;
}

/** After the device chain grew: takes the trust back from packs of devices that were removed since. */
export function settleTrust({
  store,
  identity,
  manifest,
}: Pick<LogScope, 'store' | 'identity' | 'manifest'>): void {
  const removed = removedDevices(identity.chain());
  if (Number(store.meta(REMOVALS) ?? 0) === removed.length) return;
  manifest.transaction(() => {
    store.distrustPacksOf(removed);
    store.setMeta(REMOVALS, String(removed.length));
  });
}

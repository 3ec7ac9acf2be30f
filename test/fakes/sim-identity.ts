/** A simulated device's identity: what the account room keeps in a home, kept in memory across restarts. */
import { extendChain, type DeviceChain } from '../../protocol/device-chain.ts';
import type { AccountId, DeviceId, VaultId } from '../../protocol/ids.ts';
import { openVaultRing } from '../../sync-engine/account/vault-keys.ts';
import { openAccountBox } from '../../sync-engine/crypto/identity.ts';
import { VaultKeys } from '../../sync-engine/crypto/vault-keys.ts';
import type { DeviceIdentity } from '../../sync-engine/engine/device-identity.ts';
import type { Cloud } from '../../sync-engine/remote/cloud.ts';
import type { SimDevice, SimServer } from './sim-server.ts';

export class SimIdentity implements DeviceIdentity {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly deviceName: string;
  readonly signSecret: Uint8Array;
  readonly boxSecret: Uint8Array;
  readonly #cloud: Pick<Cloud, 'chain'>;
  readonly #rings = new Map<VaultId, VaultKeys>();
  #chain: DeviceChain;

  private constructor(device: SimDevice, chain: DeviceChain, cloud: Pick<Cloud, 'chain'>) {
    this.account = device.account;
    this.device = device.device;
    this.deviceName = device.name;
    this.signSecret = device.deviceKeys.signSecret;
    this.boxSecret = device.deviceKeys.boxSecret;
    this.#chain = chain;
    this.#cloud = cloud;
  }

  /** As after login: with the present chain and the keys of every vault there is. */
  static async enrol(
    server: SimServer,
    device: SimDevice,
    cloud: Pick<Cloud, 'chain'>,
  ): Promise<SimIdentity> {
    const chain = await server.chain(device.account);
    const identity = new SimIdentity(device, chain, cloud);
    const { accountKey } = chain;
    if (accountKey === null) throw new Error('a simulated account has its key');
    const box = openAccountBox(device.keys, accountKey.boxKey, accountKey.sealedPrivateKey);
    if (!box.ok) throw new Error(box.fault);
    for (const { vault } of await server.store.log.vaults(device.account)) {
      const epochs = (await server.store.log.epochs(device.account, vault)) ?? [];
      const ring = openVaultRing(vault, epochs, chain, box.box.boxSecret);
      if (!ring.ok) throw new Error(ring.fault);
      for (const { epoch, key } of ring.keys) identity.vaultKeys(vault).add(epoch, key);
    }
    return identity;
  }

  chain(): DeviceChain {
    return this.#chain;
  }

  async followChain(): Promise<DeviceChain> {
    const { entries } = await this.#cloud.chain(this.#chain.length);
    for (const entry of entries) {
      const extended = extendChain(this.#chain, entry);
      if (extended.ok) this.#chain = extended.chain;
      else if (extended.fault !== 'wrong-index') throw new Error(extended.fault); // two calls at once
    }
    return this.#chain;
  }

  /** The simulated server loses nothing of it. */
  giveBackChain(): Promise<void> {
    return Promise.resolve();
  }

  vaultKeys(vault: VaultId): VaultKeys {
    const ring = this.#rings.get(vault) ?? new VaultKeys(vault, []);
    this.#rings.set(vault, ring);
    return ring;
  }

  async keepEpochKey(vault: VaultId, epoch: number, key: Uint8Array): Promise<void> {
    this.vaultKeys(vault).replace(epoch, key);
  }
}

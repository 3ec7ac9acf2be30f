/** Who this device is, as the engine needs it. Made by the account room once the home is unlocked. */
import type { DeviceChain } from '../../protocol/device-chain.ts';
import type { AccountId, DeviceId, VaultId } from '../../protocol/ids.ts';
import type { VaultKeys } from '../crypto/vault-keys.ts';

export interface DeviceIdentity {
  readonly account: AccountId;
  readonly device: DeviceId;
  /** Shown in conflict names. */
  readonly deviceName: string;
  /** Ed25519 secret key, 64 bytes. */
  readonly signSecret: Uint8Array;
  /** X25519 secret key, 32 bytes. */
  readonly boxSecret: Uint8Array;
  /** The newest device chain this device verified. */
  chain(): DeviceChain;
  /** Reads on from the server; verifies and remembers. @throws CloudError, PersonError('verification') */
  followChain(): Promise<DeviceChain>;
  /**
   * Gives a server that was restored from a backup what it lost of the device chain; takes nothing from it.
   * @throws CloudError, PersonError('verification') when its chain parts from this one
   */
  giveBackChain(): Promise<void>;
  /** The keyring of a vault, shared: epochs added to it are seen by all. */
  vaultKeys(vault: VaultId): VaultKeys;
  /** Puts an epoch key into the keyring, in the place of another for that number, and keeps it, sealed, durably. */
  keepEpochKey(vault: VaultId, epoch: number, key: Uint8Array): Promise<void>;
}

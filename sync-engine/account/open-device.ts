/**
 * An unlocked device: its keys, its verified device chain and its session with the server. It is what the engine
 * calls a DeviceIdentity, and what the account's other flows work on.
 */
import { VaultKeys } from '../crypto/vault-keys.ts';
import { deviceKeysOf, openDeviceName, wipeAccountKeys, type DeviceKeys } from '../crypto/identity.ts';
import type { DeviceChain } from '../../protocol/device-chain.ts';
import type { AccountId, DeviceId, VaultId } from '../../protocol/ids.ts';
import { CloudError } from '../remote/cloud.ts';
import { HttpClient } from '../remote/http-client.ts';
import type { ServerAddress } from '../remote/server-address.ts';
import type { Session } from '../../protocol/cloud.ts';
import { ChainKeeper, type ChainNews } from './chain-follow.ts';
import { connect, type Connection } from './connect.ts';
import { SecretStore } from './device-secrets.ts';
import type { Home, HomeConfig } from './home.ts';
import { verificationError } from './person-errors.ts';
import { provePassword, type AccountPins, type Proof } from './proof.ts';
import type { AccountTools } from './tools.ts';
import { unlockKeyOf, type UnlockWith } from './unlock.ts';

export interface DeviceHooks {
  /** The device chain grew by these: a new or revoked device, a recovery. Called before `chain()` is used with it. */
  readonly news: (news: readonly ChainNews[]) => void;
  /** The server ended the session. */
  readonly signedOut: () => void;
}

export class OpenDevice {
  readonly home: Home;
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly keys: DeviceKeys;
  readonly secrets: SecretStore;
  readonly chainKeeper: ChainKeeper;
  readonly tools: AccountTools;
  #config: HomeConfig;
  #connection: Connection;
  readonly #hooks: DeviceHooks;
  readonly #rings = new Map<VaultId, VaultKeys>();

  private constructor(
    home: Home,
    config: HomeConfig,
    secrets: SecretStore,
    chainKeeper: ChainKeeper,
    hooks: DeviceHooks,
    tools: AccountTools,
  ) {
    const { signSeed, boxSecret } = secrets.secrets;
    this.home = home;
    this.account = config.account;
    this.device = config.device;
    this.keys = deviceKeysOf(signSeed, boxSecret);
    this.secrets = secrets;
    this.chainKeeper = chainKeeper;
    this.tools = tools;
    this.#config = config;
    this.#hooks = hooks;
    this.#connection = this.#connect(config.server);
  }

  /**
   * Opens the home. Asks the server nothing.
   * @throws PersonError not-set-up, refused (wrong passphrase or key), locked, signed-out (a copied home), home-damaged
   */
  static async open(
    home: Home,
    unlock: UnlockWith,
    hooks: DeviceHooks,
    tools: AccountTools,
  ): Promise<OpenDevice> {
    const config = await home.requireConfig();
    await home.checkMachine(config);
    const unlockKey = await unlockKeyOf(home, config, unlock, tools);
    const secrets = await SecretStore.open(home, config.device, unlockKey, tools.random);
    const chain = await ChainKeeper.open(home, config.device, config.account, (news) => {
      hooks.news(news);
    });
    return new OpenDevice(home, config, secrets, chain, hooks, tools);
  }

  #connect(address: ServerAddress, opened?: Session): Connection {
    return connect({
      client: new HttpClient(address, this.tools.timeouts),
      device: this.device,
      secrets: this.secrets,
      signSecret: this.keys.signSecret,
      signedOut: this.#hooks.signedOut,
      tools: this.tools,
      ...(opened === undefined ? {} : { opened }),
    });
  }

  get config(): HomeConfig {
    return this.#config;
  }

  get connection(): Connection {
    return this.#connection;
  }

  get deviceName(): string {
    return this.#config.deviceName;
  }

  get signSecret(): Uint8Array {
    return this.keys.signSecret;
  }

  get boxSecret(): Uint8Array {
    return this.keys.boxSecret;
  }

  chain(): DeviceChain {
    return this.chainKeeper.chain;
  }

  /** @throws CloudError, PersonError verification */
  followChain(): Promise<DeviceChain> {
    return this.chainKeeper.follow(this.#connection.cloud);
  }

  /** Gives a restored server what it lost of the device chain. @throws CloudError, PersonError verification */
  async giveBackChain(): Promise<void> {
    const { api, cloud, session } = this.#connection;
    const lost = await this.chainKeeper.lostBy(cloud);
    if (lost.length === 0) return;
    try {
      await session.authorized((token) => api.giveBackChain(token, lost));
    } catch (error) {
      if (!(error instanceof CloudError && error.fault === 'stale-chain')) throw error;
      const what = 'the server went on in a way that does not fit the devices of your account';
      throw verificationError(what, { cause: error });
    }
  }

  vaultKeys(vault: VaultId): VaultKeys {
    let ring = this.#rings.get(vault);
    if (ring === undefined) {
      const keys = this.secrets.secrets.epochKeys.filter((one) => one.vault === vault);
      ring = new VaultKeys(
        vault,
        keys.map(({ epoch, key }) => [epoch, key] as const),
      );
      this.#rings.set(vault, ring);
    }
    return ring;
  }

  async keepEpochKey(vault: VaultId, epoch: number, key: Uint8Array): Promise<void> {
    const kept = Uint8Array.from(key);
    this.vaultKeys(vault).replace(epoch, kept);
    await this.secrets.keepEpochKeys([{ vault, epoch, key: kept }]);
  }

  /** Null when it does not open: a device that another kind of client enrolled. */
  nameOf(device: DeviceId): string | null {
    const entry = this.chain().devices.get(device);
    if (entry === undefined) return null;
    const opened = openDeviceName(this.secrets.secrets.metadataKey, this.account, device, entry.sealedName);
    return opened.ok ? opened.name : null;
  }

  /** What holds the server to what this device knows of its account. */
  get pins(): AccountPins {
    const { account, masterKey, bundleVersion, serverKey } = this.secrets.secrets;
    return { account, masterKey, bundleVersion, serverKey };
  }

  /**
   * A proof of the password; what is new in it is verified and kept. Wipe its keys. `givesBack`: a server that lost
   * entries of the device chain to a restore gets them first, and is no error. @throws PersonError
   */
  async prove(password: string, { givesBack = false } = {}): Promise<Proof> {
    const { email } = this.#config;
    const proof = await provePassword(this.#connection.api, { email, password, pins: this.pins }, this.tools);
    try {
      const lost = givesBack ? this.chainKeeper.lostFrom(proof.entries) : [];
      if (lost.length > 0) await this.#connection.api.giveBackChain(proof.grant, lost);
      else await this.chainKeeper.adopt(proof.entries);
      await this.pinAccount(proof.bundle.version, proof.serverKey);
      return proof;
    } catch (error) {
      wipeAccountKeys(proof.account);
      throw error;
    }
  }

  /** From here on nothing older is accepted. */
  async pinAccount(bundleVersion: number, serverKey: string): Promise<void> {
    const known = this.secrets.secrets;
    if (known.bundleVersion === bundleVersion && known.serverKey === serverKey) return;
    await this.secrets.update((all) => ({ ...all, bundleVersion, serverKey }));
  }

  /** The name in the account's device list stays as it was enrolled; this one is used here. Durable. */
  async rename(deviceName: string): Promise<void> {
    await this.#saveConfig({ ...this.#config, deviceName });
  }

  /** The session goes on with new tokens. */
  async signIn(session: Session): Promise<void> {
    await this.secrets.update((all) => ({ ...all, refreshToken: session.refreshToken }));
    await this.#replaceConnection(this.#connect(this.#config.server, session));
  }

  /**
   * The same account at another address, once `check` is content with what answers there; otherwise everything
   * stays as it was and its error is thrown.
   */
  async moveTo(server: ServerAddress, check: (connection: Connection) => Promise<void>): Promise<void> {
    const before = this.#config.server;
    await this.#replaceConnection(this.#connect(server));
    try {
      await check(this.#connection);
      await this.#saveConfig({ ...this.#config, server });
    } catch (error) {
      await this.#replaceConnection(this.#connect(before));
      throw error;
    }
  }

  async #saveConfig(config: HomeConfig): Promise<void> {
    await this.home.saveConfig(config);
    this.#config = config;
  }

  async #replaceConnection(next: Connection): Promise<void> {
    const before = this.#connection;
    this.#connection = next;
    before.session.end();
    await before.client.close();
  }

  /** Ends connections and overwrites the keys. */
  async close(): Promise<void> {
    this.#connection.session.end();
    await this.#connection.client.close();
    await this.secrets.close();
    for (const ring of this.#rings.values()) ring.wipe();
    this.keys.signSecret.fill(0);
    this.keys.boxSecret.fill(0);
  }
}

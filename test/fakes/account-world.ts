/** A real account server in this process, and devices with real homes and cheap key stretching. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer, type RunningServer } from '../../cloud/server.ts';
import type { CloudConfig } from '../../cloud/config.ts';
import type { Head } from '../../protocol/cloud.ts';
import { ZERO_HASH, type Hash, type VaultId } from '../../protocol/ids.ts';
import { hashOf } from '../../protocol/signing.ts';
import type { Enrolment } from '../../sync-engine/account/enrol.ts';
import { Home } from '../../sync-engine/account/home.ts';
import { login } from '../../sync-engine/account/login.ts';
import { OpenDevice, type DeviceHooks } from '../../sync-engine/account/open-device.ts';
import { signup } from '../../sync-engine/account/signup.ts';
import { realTools, type AccountTools } from '../../sync-engine/account/tools.ts';
import { buildCommit } from '../../sync-engine/crypto/commit-sign.ts';
import { epochKeyCheck, makeEpochKey } from '../../sync-engine/crypto/vault-keys.ts';
import { wrapEpochKey, type WrapRecipient } from '../../sync-engine/crypto/wraps.ts';
import { parseServerAddress } from '../../sync-engine/remote/server-address.ts';

const LOW = { memory: 64, iterations: 1, parallelism: 1 };
export const EMAIL = 'someone@example.org';
export const PASSWORD = 'correct horse battery';

export function cheapTools(): AccountTools {
  return { ...realTools(), sleep: () => Promise.resolve(), passwordCost: LOW, unlockCost: LOW };
}

export const NO_HOOKS: DeviceHooks = { news: () => undefined, signedOut: () => undefined };

export class AccountWorld {
  readonly tools: AccountTools;
  readonly server: RunningServer;
  readonly #root: string;
  readonly #open: OpenDevice[] = [];
  #homes = 0;

  private constructor(root: string, server: RunningServer, tools: AccountTools) {
    this.#root = root;
    this.server = server;
    this.tools = tools;
  }

  static async start(
    config: Partial<CloudConfig> = {},
    tools: Partial<AccountTools> = {},
  ): Promise<AccountWorld> {
    const root = await mkdtemp(join(tmpdir(), 'coffre-account-'));
    const server = await startServer({ dataDir: join(root, 'server'), logLevel: 'silent', ...config });
    return new AccountWorld(root, server, { ...cheapTools(), ...tools });
  }

  /** Of the server. */
  get dataDir(): string {
    return join(this.#root, 'server');
  }

  async close(): Promise<void> {
    for (const device of this.#open) await device.close();
    await this.server.close();
    await rm(this.#root, { recursive: true, force: true });
  }

  newHome(): Promise<Home> {
    this.#homes += 1;
    return Home.open(join(this.#root, `home-${this.#homes}`));
  }

  async enrolment(given: Partial<Enrolment> & { address?: Enrolment['address'] } = {}): Promise<Enrolment> {
    return {
      home: given.home ?? (await this.newHome()),
      address: parseServerAddress(this.server.address),
      email: EMAIL,
      deviceName: 'Desk',
      lock: { kind: 'passphrase', passphrase: PASSWORD },
      ...given,
    };
  }

  async open(home: Home, passphrase = PASSWORD, hooks: Partial<DeviceHooks> = {}): Promise<OpenDevice> {
    const unlock = { kind: 'passphrase', passphrase } as const;
    const device = await OpenDevice.open(home, unlock, { ...NO_HOOKS, ...hooks }, this.tools);
    this.#open.push(device);
    return device;
  }

  /** A new account with one open device. */
  async signup(
    given: Partial<Enrolment> = {},
    hooks: Partial<DeviceHooks> = {},
  ): Promise<{ device: OpenDevice; phrase: string }> {
    const enrolment = await this.enrolment(given);
    const { recoveryPhrase } = await signup(
      { enrolment, password: PASSWORD, invite: null, old: null },
      this.tools,
    );
    return { device: await this.open(enrolment.home, PASSWORD, hooks), phrase: recoveryPhrase };
  }

  /** One more open device of the account. */
  async login(given: Partial<Enrolment> = {}, hooks: Partial<DeviceHooks> = {}): Promise<OpenDevice> {
    const enrolment = await this.enrolment(given);
    await login(enrolment, PASSWORD, this.tools);
    return this.open(enrolment.home, PASSWORD, hooks);
  }
}

export interface MadeVault {
  readonly vault: VaultId;
  readonly key: Uint8Array;
  readonly head: Head;
}

/** What opens an epoch of a vault, built as the engine does: wraps for all live devices and the account. */
export function epochCommit(
  device: OpenDevice,
  at: { vault: VaultId; epoch: number; previous: Head; previousKey: Uint8Array | null },
): { frame: Uint8Array; head: Head; key: Uint8Array } {
  const { tools } = device;
  const chain = device.chain();
  const key = makeEpochKey(tools.random);
  const recipients: WrapRecipient[] = [...chain.devices.values()]
    .filter((one) => one.revoked === null)
    .map((one) => ({ id: one.device, boxKey: one.boxKey }));
  recipients.push({ id: 'account', boxKey: chain.accountKey!.boxKey });
  const { vault, epoch, previousKey } = at;
  const wraps = wrapEpochKey({ vault, epoch, key, previousKey, recipients }, tools.random);
  const built = buildCommit(
    {
      vault,
      epoch,
      seq: at.previous.seq + 1,
      previous: at.previous.hash,
      device: device.device,
      chainLength: chain.length,
      chainHead: chain.head,
      root: 'ab'.repeat(32) as Hash,
      entries: [],
      packs: { added: [], revived: [], dropped: [] },
      heads: [],
      opening: { keyCheck: epochKeyCheck(key, vault, epoch), wrapsHash: hashOf(wraps) },
      rejoin: null,
      objects: [],
      indexes: [],
      inline: [],
      wraps,
    },
    device.signSecret,
  );
  return { frame: built.frame, head: { seq: at.previous.seq + 1, hash: built.hash }, key };
}

/** A vault with nothing in it. */
export async function makeVault(device: OpenDevice): Promise<MadeVault> {
  const vault = Buffer.from(device.tools.random(16)).toString('hex') as VaultId;
  const previous = { seq: 0, hash: ZERO_HASH };
  const { frame, head, key } = epochCommit(device, { vault, epoch: 0, previous, previousKey: null });
  const outcome = await device.connection.cloud.commit(vault, frame);
  if (outcome.kind !== 'committed') throw new Error(`the vault was not made: ${outcome.kind}`);
  return { vault, key, head };
}

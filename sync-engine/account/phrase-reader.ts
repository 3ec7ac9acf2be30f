/**
 * Reads an account with its recovery phrase and nothing else: no device is enrolled, nothing is written there.
 * A proof of the phrase is good for ten minutes of reading; a longer export proves again.
 */
import type { DeviceChain } from '../../protocol/device-chain.ts';
import type { VaultId } from '../../protocol/ids.ts';
import { wipeAccountKeys } from '../crypto/identity.ts';
import { VaultKeys } from '../crypto/vault-keys.ts';
import type { AccountApi } from '../remote/account-api.ts';
import { CloudError, type Cloud } from '../remote/cloud.ts';
import type { HttpClient } from '../remote/http-client.ts';
import { HttpCloud } from '../remote/http-cloud.ts';
import { accountBoxSecret } from './enrol.ts';
import { patientCloud } from './patient-cloud.ts';
import { verificationError } from './person-errors.ts';
import { provePhrase, type AccountPins } from './proof.ts';
import type { AccountTools } from './tools.ts';
import { readAccountRing } from './vault-keys.ts';

/** Of the ten minutes a grant lasts; what begins with it must end within the rest. */
const USE_MS = 8 * 60_000;

export class PhraseReader {
  readonly cloud: Cloud;
  /** Vaults whose keys do not hold: none of the account's own devices made them as they are shown. */
  refused: readonly VaultId[] = [];
  readonly #api: AccountApi;
  readonly #request: { readonly email: string; readonly phrase: string };
  readonly #tools: AccountTools;
  readonly #rings = new Map<VaultId, VaultKeys>();
  #pins: AccountPins | null = null;
  #chain: DeviceChain | null = null;
  #boxSecret: Uint8Array = new Uint8Array(0);
  #grant = '';
  #untilMs = Number.NEGATIVE_INFINITY;
  #proving: Promise<void> | null = null;

  private constructor(
    api: AccountApi,
    client: HttpClient,
    request: { readonly email: string; readonly phrase: string },
    tools: AccountTools,
  ) {
    this.#api = api;
    this.#request = request;
    this.#tools = tools;
    const authorizer = { authorized: <T>(work: (token: string) => Promise<T>) => this.#authorized(work) };
    this.cloud = patientCloud(new HttpCloud(client, authorizer), tools);
  }

  /** Proves the phrase and opens every vault's keys. @throws PersonError refused, bad-input, verification, ... */
  static async open(
    api: AccountApi,
    client: HttpClient,
    request: { readonly email: string; readonly phrase: string },
    tools: AccountTools,
  ): Promise<PhraseReader> {
    const reader = new PhraseReader(api, client, request, tools);
    await reader.#proveOnce();
    const ring = await readAccountRing(reader.cloud, reader.chain(), reader.#boxSecret);
    reader.refused = ring.refused.map(({ vault }) => vault);
    for (const { vault, epoch, key } of ring.keys) {
      const known = reader.#rings.get(vault);
      if (known === undefined) reader.#rings.set(vault, new VaultKeys(vault, [[epoch, key]]));
      else known.add(epoch, key);
    }
    return reader;
  }

  chain(): DeviceChain {
    if (this.#chain === null) throw new Error('the chain comes with the first proof');
    return this.#chain;
  }

  /** The chain of a fresh proof. @throws PersonError */
  async followChain(): Promise<DeviceChain> {
    await this.#proveOnce();
    return this.chain();
  }

  vaultKeys(vault: VaultId): VaultKeys {
    return this.#rings.get(vault) ?? new VaultKeys(vault, []);
  }

  close(): void {
    for (const ring of this.#rings.values()) ring.wipe();
    this.#rings.clear();
    this.#boxSecret.fill(0);
  }

  async #authorized<T>(work: (token: string) => Promise<T>): Promise<T> {
    if (this.#tools.monotonicMs() >= this.#untilMs) await this.#proveOnce();
    const grant = this.#grant;
    try {
      return await work(grant);
    } catch (error) {
      if (!(error instanceof CloudError) || error.fault !== 'unauthorized') throw error;
      if (grant === this.#grant) await this.#proveOnce();
      return await work(this.#grant);
    }
  }

  /** Requests that run side by side share one proof. */
  #proveOnce(): Promise<void> {
    this.#proving ??= this.#prove().finally(() => {
      this.#proving = null;
    });
    return this.#proving;
  }

  async #prove(): Promise<void> {
    const proof = await provePhrase(this.#api, { ...this.#request, pins: this.#pins }, this.#tools);
    try {
      const known = this.#chain?.hashes ?? [];
      if (known.some((hash, index) => proof.chain.hashes[index] !== hash)) {
        throw verificationError('the server shows another list of your devices than it did before');
      }
      this.#boxSecret = accountBoxSecret(proof.account, proof.chain);
      this.#chain = proof.chain;
      this.#pins = {
        account: proof.account.account,
        masterKey: proof.account.masterKey,
        bundleVersion: proof.bundle.version,
        serverKey: '',
      };
      this.#grant = proof.grant;
      this.#untilMs = this.#tools.monotonicMs() + USE_MS;
    } finally {
      wipeAccountKeys(proof.account);
    }
  }
}

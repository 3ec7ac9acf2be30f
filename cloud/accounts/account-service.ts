/**
 * Accounts: sign-up, proofs of the password or the phrase, sessions and the device chain. What is refused is a
 * `Refusal`; wrong password, unknown address and disabled account are one and the same.
 */
import { randomBytes } from 'node:crypto';
import { verifyBundle } from '../../protocol/bundle.ts';
import type { Bundle, Grant, Session } from '../../protocol/cloud.ts';
import { extendChain, type ChainBody, type DeviceChain } from '../../protocol/device-chain.ts';
import type { AccountId, DeviceId } from '../../protocol/ids.ts';
import { hashOf, verifySignature } from '../../protocol/signing.ts';
import type { NewAuditEntry } from '../audit/entry.ts';
import type { AuditKind } from '../audit/kinds.ts';
import type { AuditRecorder, Caller } from '../audit/recorder.ts';
import type { SignupMode } from '../config.ts';
import { Refusal } from '../refusal.ts';
import type { MetadataStore } from '../store/metadata-store.ts';
import type { ChainCache } from './chain-cache.ts';
import { auditOfEntry, firstChain, parseEntry } from './chain-entries.ts';
import type { OpaqueServer } from './opaque-server.ts';
import { GRANT_MS, hashToken, issueTokens, newToken, PROOF_MS, REFRESH_GRACE_MS } from './tokens.ts';

export interface AccountServiceParts {
  readonly store: MetadataStore;
  readonly chains: ChainCache;
  readonly opaque: OpaqueServer;
  readonly signup: SignupMode;
  readonly audit: AuditRecorder;
  readonly now: () => number;
}

export interface ChainAppended {
  readonly chain: DeviceChain;
  readonly body: ChainBody;
}

const refusedProof = (): Refusal => new Refusal('refused', 'the address, password or phrase is wrong');
const refusedSignup = (): Refusal =>
  new Refusal('refused', 'sign-up was refused: the address is taken, or the invitation is wrong or missing');

const newerBundle = (): Refusal => new Refusal('exists', 'the account bundle has a newer version already');

export class AccountService {
  readonly #parts: AccountServiceParts;

  constructor(parts: AccountServiceParts) {
    this.#parts = parts;
  }

  /** @param hasClaim one is shown, which is looked at by `finishSignup` */
  startSignup(email: string, registrationRequest: string, hasClaim: boolean): string {
    if (this.#parts.signup === 'closed' && !hasClaim)
      throw new Refusal('refused', 'this server takes no new accounts');
    return this.#registrationResponse(email, registrationRequest);
  }

  #registrationResponse(email: string, registrationRequest: string): string {
    const response = this.#parts.opaque.registrationResponse(normalEmail(email), registrationRequest);
    if (response === null) throw new Refusal('bad-request', 'the registration request is not one');
    return response;
  }

  async finishSignup(request: {
    readonly email: string;
    readonly registrationRecord: string;
    readonly invite?: string | undefined;
    readonly claim?: string | undefined;
    readonly bundle: Bundle;
    readonly chain: readonly string[];
    readonly caller: Caller;
  }): Promise<Session> {
    const { store, signup, audit } = this.#parts;
    const { claim, caller } = request;
    if (signup === 'closed' && claim === undefined)
      throw new Refusal('refused', 'this server takes no new accounts');
    const encoded = request.chain.map((entry) => Buffer.from(entry, 'base64'));
    const { chain, device } = firstChain(encoded);
    if (request.bundle.account !== chain.account || !verifyBundle(request.bundle, chain.masterKey)) {
      throw new Refusal('refused', 'the account bundle is not signed by the master key');
    }
    const wantsInvite = signup === 'invite' && claim === undefined;
    if (wantsInvite && request.invite === undefined) throw refusedSignup();
    const nowMs = this.#parts.now();
    const { account } = chain;
    const created = await store.accounts.create({
      account,
      email: normalEmail(request.email),
      registration: request.registrationRecord,
      bundle: request.bundle,
      chain: encoded,
      chainHead: chain.head,
      device,
      nowMs,
      inviteHash: wantsInvite ? hashToken(request.invite ?? '') : null,
      claimHash: claim === undefined ? null : hashToken(claim),
      audit: audit.entry(claim === undefined ? 'signed-up' : 'claimed', asAccount(caller), {
        account,
        device,
      }),
    });
    if (created === 'refused') throw refusedSignup();
    this.#parts.chains.put(chain);
    return this.#openSession(account, device, null);
  }

  async #openSession(account: AccountId, device: DeviceId, audit: NewAuditEntry | null): Promise<Session> {
    const nowMs = this.#parts.now();
    const issued = issueTokens(account, device, nowMs);
    await this.#parts.store.sessions.open({ account, device, tokens: issued.stored, nowMs, audit });
    return issued.session;
  }

  async startLogin(
    email: string,
    startLoginRequest: string,
    caller: Caller,
  ): Promise<{ login: string; loginResponse: string }> {
    const { store, opaque, audit, now } = this.#parts;
    const address = normalEmail(email);
    const account = await store.accounts.byEmail(address);
    const usable = account !== null && !account.disabled ? account : null;
    const started = opaque.startLogin(address, usable?.registration ?? null, startLoginRequest);
    if (started === null) throw new Refusal('bad-request', 'the login request is not one');
    const login = newToken();
    const proof = { account: usable?.account ?? null, data: started.state };
    // Whoever asked can try one password by what is answered, and need not show how that ended.
    const entry = audit.entry('sign-in-begun', caller, { account: proof.account });
    await store.sessions.saveProof(hashToken(login), 'login', proof, now() + PROOF_MS, entry);
    return { login, loginResponse: started.loginResponse };
  }

  async finishLogin(login: string, finishLoginRequest: string, caller: Caller): Promise<Grant> {
    const { store, opaque, now } = this.#parts;
    const proof = await store.sessions.takeProof(hashToken(login), 'login', now());
    if (proof === null) throw refusedProof();
    const right = opaque.finishLogin(proof.data, finishLoginRequest);
    if (!right || proof.account === null) throw await this.#failed('sign-in-failed', caller, proof.account);
    return this.#grant(proof.account, 'signed-in', caller);
  }

  async #failed(kind: AuditKind, caller: Caller, account: AccountId | null): Promise<Refusal> {
    const { store, audit } = this.#parts;
    await store.audit.record(audit.entry(kind, caller, { account }));
    return refusedProof();
  }

  async startRecovery(email: string): Promise<{ recovery: string; challenge: string }> {
    const { store, now } = this.#parts;
    const account = await store.accounts.byEmail(normalEmail(email));
    const challenge = randomBytes(32).toString('base64');
    const recovery = newToken();
    const proof = { account: account === null || account.disabled ? null : account.account, data: challenge };
    await store.sessions.saveProof(hashToken(recovery), 'recovery', proof, now() + PROOF_MS, null);
    return { recovery, challenge };
  }

  async finishRecovery(recovery: string, signature: string, caller: Caller): Promise<Grant> {
    const { store, now } = this.#parts;
    const proof = await store.sessions.takeProof(hashToken(recovery), 'recovery', now());
    if (proof === null) throw refusedProof();
    const account = proof.account === null ? null : await store.accounts.byId(proof.account);
    if (account === null) throw await this.#failed('recovery-failed', caller, null);
    const right = verifySignature(
      'recovery',
      Buffer.from(proof.data, 'base64'),
      Buffer.from(signature, 'base64'),
      Buffer.from(account.bundle.recoveryAuthKey, 'base64'),
    );
    if (!right) throw await this.#failed('recovery-failed', caller, account.account);
    return this.#grant(account.account, 'recovery-used', caller);
  }

  async #grant(id: AccountId, proved: AuditKind, caller: Caller): Promise<Grant> {
    const { store, audit, now } = this.#parts;
    const account = await store.accounts.byId(id);
    if (account === null || account.disabled) throw refusedProof();
    const grant = newToken();
    const entry = audit.entry(proved, asAccount(caller), { account: id });
    await store.sessions.saveGrant(hashToken(grant), id, now() + GRANT_MS, entry);
    const chain = await store.accounts.chain(id, 0);
    return { grant, bundle: account.bundle, chain: chain.map(toBase64) };
  }

  /**
   * Adds a device; the very entry that is in the chain already opens a session for its device, so a lost
   * answer can be asked for again and a device whose session ended can come back.
   */
  async enrol(
    account: AccountId,
    encoded: Uint8Array,
    caller: Caller,
  ): Promise<{ session: Session; appended: ChainAppended | null }> {
    const { entry } = parseEntry(encoded);
    if (entry.body.kind !== 'add') throw new Refusal('bad-request', 'not an entry that adds a device');
    const { device } = entry.body;
    const chain = await this.#freshChain(account);
    const known = chain.devices.get(device);
    const [stored] =
      known === undefined ? [] : await this.#parts.store.accounts.chain(account, known.addedAt);
    let appended: ChainAppended | null = null;
    if (known !== undefined && stored !== undefined && Buffer.compare(stored, encoded) === 0) {
      if (known.revoked !== null) throw new Refusal('refused', 'the device was revoked');
    } else {
      appended = await this.#append(account, encoded, caller);
    }
    const returned =
      appended === null ? this.#parts.audit.entry('device-returned', caller, { account, device }) : null;
    return { session: await this.#openSession(account, device, returned), appended };
  }

  /** Appends a `revoke`, `account-key`, `void` or `notice` entry. */
  async appendChain(account: AccountId, encoded: Uint8Array, caller: Caller): Promise<ChainAppended> {
    const { entry } = parseEntry(encoded);
    if (entry.body.kind === 'add') throw new Refusal('bad-request', 'devices are added through /v1/devices');
    return this.#append(account, encoded, caller);
  }

  /**
   * Entries of the account's own chain that this server lost to a restore, given back by a device. Each carries the
   * master key's signature and stands on the one before, so nobody can add another; what it stood on in the logs may
   * be lost too, and is not asked for. Returns the chain's length.
   */
  async takeLostEntries(
    account: AccountId,
    entries: readonly Uint8Array[],
    caller: Caller,
    appended: (entry: ChainAppended) => void,
  ): Promise<number> {
    for (const encoded of entries) {
      const { signed, entry } = parseEntry(encoded);
      const chain = await this.#freshChain(account);
      if (entry.index < chain.length) {
        if (hashOf(signed.bytes) === chain.hashes[entry.index]) continue;
        throw new Refusal('stale-chain', 'the device chain went on otherwise', { chainLength: chain.length });
      }
      appended(await this.#append(account, encoded, caller, true));
    }
    return (await this.#chain(account)).length;
  }

  async #append(
    account: AccountId,
    encoded: Uint8Array,
    caller: Caller,
    wasLost = false,
  ): Promise<ChainAppended> {
    const { store, chains, audit, now } = this.#parts;
    const { signed, entry } = parseEntry(encoded);
    const chain = await this.#freshChain(account);
    const result = extendChain(chain, signed);
    if (!result.ok) {
      const current = await chains.refresh(account);
      if (result.fault === 'wrong-index' || result.fault === 'wrong-previous') {
        throw new Refusal('stale-chain', 'the entry is not on top of the device chain', {
          chainLength: current?.length ?? 0,
        });
      }
      throw new Refusal('refused', `the device chain does not take this entry: ${result.fault}`);
    }
    const outcome = await store.accounts.appendChain({
      account,
      chain,
      entry,
      encoded,
      wasLost,
      entryHash: result.chain.head,
      nowMs: now(),
      audit: auditOfEntry(audit, account, entry.body, caller),
    });
    switch (outcome) {
      case 'appended':
        chains.put(result.chain);
        return { chain: result.chain, body: entry.body };
      case 'stale': {
        const current = await chains.refresh(account);
        throw new Refusal('stale-chain', 'the chain or the heads the entry pins have moved', {
          chainLength: current?.length ?? 0,
        });
      }
      case 'gone':
        throw new Refusal('gone', 'what the entry goes back to is no longer kept');
    }
  }

  async #chain(account: AccountId): Promise<DeviceChain> {
    return (await this.#parts.chains.get(account)) ?? this.#freshChain(account);
  }

  /** With what other nodes appended: for the rare calls that depend on it. */
  async #freshChain(account: AccountId): Promise<DeviceChain> {
    const chain = await this.#parts.chains.refresh(account);
    if (chain === null) throw new Refusal('unauthorized', 'the token is missing, wrong or expired');
    return chain;
  }

  async refresh(refreshToken: string, signature: string, caller: Caller): Promise<Session> {
    const { store, audit, now } = this.#parts;
    const nowMs = now();
    const refreshHash = hashToken(refreshToken);
    const refused = new Refusal('refused', 'the session has ended: sign in again');
    const session = await store.sessions.byRefresh(refreshHash, nowMs);
    if (session === null) throw refused;
    const known = (await this.#chain(session.account)).devices.get(session.device);
    // Added through another node, perhaps, since this one looked.
    const device = known ?? (await this.#freshChain(session.account)).devices.get(session.device);
    const right =
      device?.revoked === null &&
      verifySignature(
        'token',
        Buffer.from(refreshToken, 'utf8'),
        Buffer.from(signature, 'base64'),
        device.signKey,
      );
    if (!right) throw refused;
    const issued = issueTokens(session.account, session.device, nowMs);
    const reused = (): NewAuditEntry => audit.entry('token-reused', caller, session);
    const rotated = await store.sessions.rotate(refreshHash, issued.stored, nowMs, REFRESH_GRACE_MS, reused);
    if (rotated === 'refused') throw refused;
    return issued.session;
  }

  async startPassword(account: AccountId, registrationRequest: string): Promise<string> {
    const row = await this.#parts.store.accounts.byId(account);
    if (row === null) throw new Refusal('unauthorized', 'the token is missing, wrong or expired');
    return this.#registrationResponse(row.email, registrationRequest);
  }

  async finishPassword(
    account: AccountId,
    registration: string,
    bundle: Bundle,
    keepSession: number | null,
    caller: Caller,
  ): Promise<void> {
    await this.#checkBundle(account, bundle);
    const outcome = await this.#parts.store.accounts.changePassword({
      account,
      registration,
      bundle,
      keepSession,
      audit: this.#parts.audit.entry('password-changed', caller, { account }),
    });
    if (outcome === 'old-version') throw newerBundle();
  }

  async changePhrase(account: AccountId, bundle: Bundle, caller: Caller): Promise<void> {
    const { store, audit } = this.#parts;
    await this.#checkBundle(account, bundle);
    const entry = audit.entry('recovery-key-changed', caller, { account });
    if ((await store.accounts.changeBundle(account, bundle, entry)) === 'old-version') throw newerBundle();
  }

  async #checkBundle(account: AccountId, bundle: Bundle): Promise<void> {
    const chain = await this.#chain(account);
    if (bundle.account !== account || !verifyBundle(bundle, chain.masterKey)) {
      throw new Refusal('refused', 'the account bundle is not signed by the master key');
    }
  }

  /** Ends every session but one. */
  async signOut(account: AccountId, keepSession: number | null, caller: Caller): Promise<void> {
    const { store, audit } = this.#parts;
    await store.accounts.signOut(account, keepSession, audit.entry('signed-out', caller, { account }));
  }

  async deleteAccount(account: AccountId, caller: Caller): Promise<void> {
    const { store, audit, chains } = this.#parts;
    await store.accounts.markDeleted(account, audit.entry('account-deleted', caller, { account }));
    chains.forget(account);
  }
}

/** Who has just proved to be the account's person. */
function asAccount(caller: Caller): Caller {
  return { ...caller, actor: 'account' };
}

/** One spelling of one address. */
export function normalEmail(email: string): string {
  return email.trim().toLowerCase();
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/**
 * A client of the account server made by hand from node:crypto and protocol/, for tests of the server: what it
 * sends can be wrong on purpose. Nothing is sealed; the server cannot tell.
 */
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import * as opaque from '@serenity-kit/opaque';
import { encodeBundle } from '../../protocol/bundle.ts';
import type { Bundle, Grant, Head, Session } from '../../protocol/cloud.ts';
import {
  commitHash,
  encodeFrame,
  encodeHeader,
  hashLists,
  type CommitEntry,
  type CommitHeader,
  type CommitLists,
  type PackEntry,
  type SignedHeader,
} from '../../protocol/commit.ts';
import { encodeChainEntry, encodeSignedEntry, type ChainBody } from '../../protocol/device-chain.ts';
import { ZERO_HASH, type AccountId, type DeviceId, type Hash, type NodeId } from '../../protocol/ids.ts';
import type { PackName, SealedObject, SealedPack, VaultId } from '../../protocol/ids.ts';
import {
  accountIdOf,
  deviceIdOf,
  hashOf,
  signedBytes,
  type SignatureDomain,
} from '../../protocol/signing.ts';

const KEY_STRETCHING = { 'argon2id-custom': { memory: 8, iterations: 1, parallelism: 1 } };

export interface SigningKey {
  readonly publicKey: Uint8Array;
  readonly secret: KeyObject;
}

export function makeKey(): SigningKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { publicKey: publicKey.export({ type: 'spki', format: 'der' }).subarray(12), secret: privateKey };
}

export function signWith(key: SigningKey, domain: SignatureDomain, body: Uint8Array): Buffer {
  return sign(null, signedBytes(domain, body), key.secret);
}

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
/** As the branded id the caller names. */
export function randomId<T extends string>(size: 16 | 32): Extract<T, string> {
  return randomBytes(size).toString('hex') as Extract<T, string>;
}

export interface Answer {
  readonly status: number;
  readonly bytes: Uint8Array;
  readonly headers: Headers;
  /** The parsed JSON body, untyped: tests assert on it. */
  readonly json: ReturnType<typeof JSON.parse>;
}

/** One request; a body of bytes goes as such, anything else as JSON. */
export async function ask(
  url: string,
  method: string,
  path: string,
  token: string | null = null,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const isBytes = body instanceof Uint8Array;
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      'coffre-protocol': '1',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined
        ? {}
        : { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: isBytes ? Buffer.from(body) : JSON.stringify(body) }),
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  const json: unknown = isJson && bytes.length > 0 ? JSON.parse(Buffer.from(bytes).toString()) : null;
  return { status: response.status, bytes, headers: response.headers, json };
}

/** A vault as one client knows it: enough to make the next commit. */
export interface VaultView {
  readonly vault: VaultId;
  head: Head;
  epoch: number;
  readonly revisions: Map<NodeId, number>;
}

export interface Change {
  /** Node and its new record; null removes it for good. */
  readonly nodes?: readonly (readonly [NodeId, Uint8Array | null])[];
  readonly added?: readonly { readonly pack: PackEntry; readonly index: Uint8Array }[];
  readonly revived?: readonly PackEntry[];
  readonly dropped?: readonly PackEntry[];
  readonly inline?: readonly Uint8Array[];
  readonly opensEpoch?: boolean;
  /** Headers a restored server lost. */
  readonly lost?: readonly SignedHeader[];
  /** Lies about the header. */
  readonly header?: Partial<CommitHeader>;
  readonly signer?: SigningKey;
}

export interface BuiltFrame {
  readonly signed: SignedHeader;
  readonly bytes: Uint8Array;
  readonly hash: Hash;
  readonly header: CommitHeader;
}

export class Person {
  /** The server that is spoken to next: of several, any. */
  url: string;
  readonly email: string;
  readonly password: string;
  /** Where a server that trusts the proxy before it takes this person to be; null: this machine. */
  network: string | null = null;
  readonly master = makeKey();
  readonly recovery = makeKey();
  readonly account: AccountId;
  chain: Uint8Array[] = [];
  #chainHead: Hash = ZERO_HASH;
  bundle: Bundle;

  constructor(url: string, email = `${randomId<string>(16)}@example.org`, password = 'correct horse') {
    this.url = url;
    this.email = email;
    this.password = password;
    this.account = accountIdOf(this.master.publicKey);
    this.bundle = this.makeBundle(1);
  }

  makeBundle(version: number, signer: SigningKey = this.master): Bundle {
    const body = {
      account: this.account,
      version,
      rootByPassword: base64(randomBytes(80)),
      rootByRecovery: base64(randomBytes(80)),
      recoveryAuthKey: base64(this.recovery.publicKey),
    };
    return { ...body, signature: base64(signWith(signer, 'bundle', encodeBundle(body))) };
  }

  get chainLength(): number {
    return this.chain.length;
  }

  get chainHead(): Hash {
    return this.#chainHead;
  }

  /** Signs the next entry without taking it into the chain. */
  entry(body: ChainBody, signer: SigningKey = this.master): Uint8Array {
    const bytes = encodeChainEntry({
      account: this.account,
      index: this.chain.length,
      previous: this.#chainHead,
      body,
    });
    return encodeSignedEntry({ bytes, signature: signWith(signer, 'chain', bytes) });
  }

  take(encoded: Uint8Array): void {
    // The length prefix of an entry under 16 KiB is one or two bytes.
    const prefix = (encoded[0] ?? 0) < 0x80 ? 1 : 2;
    this.chain.push(encoded);
    this.#chainHead = hashOf(encoded.subarray(prefix, encoded.length - 64));
  }

  addBody(key: SigningKey): Extract<ChainBody, { kind: 'add' }> {
    return {
      kind: 'add',
      device: deviceIdOf(key.publicKey),
      signKey: key.publicKey,
      boxKey: randomBytes(32),
      sealedName: randomBytes(60),
      createdAtMs: 1_700_000_000_000,
    };
  }

  #ask(method: string, path: string, token: string | null, body?: unknown): Promise<Answer> {
    const headers: Record<string, string> = this.network === null ? {} : { 'x-forwarded-for': this.network };
    return ask(this.url, method, path, token, body, headers);
  }

  async register(email = this.email, password = this.password, claim?: string): Promise<string> {
    await opaque.ready;
    const { clientRegistrationState, registrationRequest } = opaque.client.startRegistration({ password });
    const request = { email, registrationRequest, ...(claim === undefined ? {} : { claim }) };
    const started = await this.#ask('POST', '/v1/signup/start', null, request);
    const { registrationResponse } = started.json as { registrationResponse: string };
    return opaque.client.finishRegistration({
      clientRegistrationState,
      registrationResponse,
      password,
      keyStretching: KEY_STRETCHING,
    }).registrationRecord;
  }

  /** Signs up; the answer as it came, and the first device's key. */
  async trySignup(invite?: string, claim?: string): Promise<{ answer: Answer; key: SigningKey }> {
    const registrationRecord = await this.register(this.email, this.password, claim);
    const key = makeKey();
    if (this.chain.length === 0) {
      this.take(this.entry({ kind: 'genesis', masterKey: this.master.publicKey }));
      this.take(
        this.entry({ kind: 'account-key', boxKey: randomBytes(32), sealedPrivateKey: randomBytes(80) }),
      );
      this.take(this.entry(this.addBody(key)));
    }
    const answer = await this.#ask('POST', '/v1/signup/finish', null, {
      email: this.email,
      registrationRecord,
      bundle: this.bundle,
      chain: this.chain.map(base64),
      ...(invite === undefined ? {} : { invite }),
      ...(claim === undefined ? {} : { claim }),
    });
    return { answer, key };
  }

  async signup(): Promise<TestDevice> {
    const { answer, key } = await this.trySignup();
    if (answer.status !== 201) throw new Error(`sign-up: ${JSON.stringify(answer.json)}`);
    return new TestDevice(this, key, answer.json as Session);
  }

  async tryLogin(password = this.password, email = this.email): Promise<Answer> {
    await opaque.ready;
    const { clientLoginState, startLoginRequest } = opaque.client.startLogin({ password });
    const started = await this.#ask('POST', '/v1/login/start', null, { email, startLoginRequest });
    if (started.status !== 200) return started;
    const { login, loginResponse } = started.json as { login: string; loginResponse: string };
    const finished = opaque.client.finishLogin({
      clientLoginState,
      loginResponse,
      password,
      keyStretching: KEY_STRETCHING,
    });
    const finishLoginRequest = finished?.finishLoginRequest ?? 'AAAA';
    return this.#ask('POST', '/v1/login/finish', null, { login, finishLoginRequest });
  }

  async grant(): Promise<Grant> {
    const answer = await this.tryLogin();
    if (answer.status !== 200) throw new Error(`login: ${JSON.stringify(answer.json)}`);
    return answer.json as Grant;
  }

  async enrol(): Promise<TestDevice> {
    const { grant } = await this.grant();
    return this.#enrol(grant);
  }

  /** Several, by one proof of the password. */
  async enrolAll(count: number): Promise<TestDevice[]> {
    const devices: TestDevice[] = [];
    if (count === 0) return devices;
    const { grant } = await this.grant();
    while (devices.length < count) devices.push(await this.#enrol(grant));
    return devices;
  }

  async #enrol(grant: string): Promise<TestDevice> {
    const key = makeKey();
    const entry = this.entry(this.addBody(key));
    const answer = await this.#ask('POST', '/v1/devices', grant, { entry: base64(entry) });
    if (answer.status !== 201) throw new Error(`enrol: ${JSON.stringify(answer.json)}`);
    this.take(entry);
    return new TestDevice(this, key, answer.json as Session);
  }

  async append(body: ChainBody): Promise<Answer> {
    const { grant } = await this.grant();
    const entry = this.entry(body);
    const answer = await this.#ask('POST', '/v1/chain', grant, { entry: base64(entry) });
    if (answer.status === 200) this.take(entry);
    return answer;
  }
}

export class TestDevice {
  readonly person: Person;
  readonly key: SigningKey;
  readonly device: DeviceId;
  session: Session;

  constructor(person: Person, key: SigningKey, session: Session) {
    this.person = person;
    this.key = key;
    this.device = deviceIdOf(key.publicKey);
    this.session = session;
  }

  ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return ask(this.person.url, method, path, this.session.accessToken, body, headers);
  }

  async refresh(refreshToken = this.session.refreshToken, signer = this.key): Promise<Answer> {
    const signature = base64(signWith(signer, 'token', Buffer.from(refreshToken)));
    return ask(this.person.url, 'POST', '/v1/token', null, { refreshToken, signature });
  }

  build(view: VaultView, change: Change): BuiltFrame {
    const nodes = change.nodes ?? [];
    const entries: CommitEntry[] = nodes.map(([node, object]) => ({
      node,
      revision: (view.revisions.get(node) ?? 0) + 1,
      objectHash: object === null ? ZERO_HASH : hashOf(object),
    }));
    const opens = change.opensEpoch ?? view.head.seq === 0;
    const wraps = opens ? randomBytes(100) : null;
    const lists: CommitLists = {
      entries,
      packs: {
        added: (change.added ?? []).map((added) => added.pack),
        revived: change.revived ?? [],
        dropped: change.dropped ?? [],
      },
      heads: [],
      opening: wraps === null ? null : { keyCheck: randomId(32), wrapsHash: hashOf(wraps) },
      rejoin: change.lost === undefined ? null : { lost: change.lost },
    };
    const header: CommitHeader = {
      vault: view.vault,
      epoch: opens && view.head.seq > 0 ? view.epoch + 1 : view.epoch,
      seq: view.head.seq + 1,
      previous: view.head.hash,
      device: this.device,
      chainLength: this.person.chainLength,
      chainHead: this.person.chainHead,
      ...hashLists(lists),
      root: randomId(32),
      ...change.header,
    };
    const headerBytes = encodeHeader(header);
    const signature = signWith(change.signer ?? this.key, 'commit', headerBytes);
    const signed: SignedHeader = { bytes: headerBytes, signature };
    const bytes = encodeFrame({
      ...lists,
      signed,
      objects: nodes.map(([, object]) => object as SealedObject | null),
      indexes: (change.added ?? []).map((added) => added.index as SealedObject),
      inline: (change.inline ?? []).map((pack) => ({ name: packName(pack), bytes: pack as SealedPack })),
      wraps,
    });
    return { bytes, hash: commitHash(headerBytes), header, signed };
  }

  async send(view: VaultView, built: BuiltFrame): Promise<Answer> {
    return this.ask('POST', `/v1/vaults/${view.vault}/commits`, built.bytes);
  }

  /** Commits and, when taken, moves the view on. */
  async commit(view: VaultView, change: Change): Promise<Answer> {
    const built = this.build(view, change);
    const answer = await this.send(view, built);
    if (answer.status !== 200) return answer;
    view.head = { seq: built.header.seq, hash: built.hash };
    view.epoch = built.header.epoch;
    for (const [node] of change.nodes ?? []) view.revisions.set(node, (view.revisions.get(node) ?? 0) + 1);
    return answer;
  }

  /** A new vault with one record. */
  async makeVault(): Promise<VaultView> {
    const view: VaultView = {
      vault: randomId(16),
      head: { seq: 0, hash: ZERO_HASH },
      epoch: 0,
      revisions: new Map(),
    };
    const answer = await this.commit(view, { nodes: [[randomId(16), randomBytes(64)]] });
    if (answer.status !== 200) throw new Error(`first commit: ${JSON.stringify(answer.json)}`);
    return view;
  }

  async put(view: VaultView, bytes: Uint8Array, name: PackName = packName(bytes)): Promise<Answer> {
    return this.ask('PUT', `/v1/vaults/${view.vault}/packs/${name}`, bytes);
  }
}

export function packName(bytes: Uint8Array): PackName {
  return createHash('sha256').update(bytes).digest('hex') as PackName;
}

/** A pack entry with its index, for `added`. */
export function packed(bytes: Uint8Array): { pack: PackEntry; index: Uint8Array } {
  const index = randomBytes(48);
  return { pack: { name: packName(bytes), size: bytes.length, indexHash: hashOf(index) }, index };
}

/** The endpoints of the account: sign-up, login, recovery, tokens, and what wants a grant. */
import type { Bundle, Session } from '../../../protocol/cloud.ts';
import type { SignedChainEntry } from '../../../protocol/device-chain.ts';
import { toHex } from '../../../protocol/ids.ts';
import { checkSession } from '../../../sync-engine/account/enrol.ts';
import { registerPassword } from '../../../sync-engine/account/new-password.ts';
import { provePassword, provePhrase, type Proof } from '../../../sync-engine/account/proof.ts';
import type { AccountKeys, DeviceKeys } from '../../../sync-engine/crypto/identity.ts';
import { wipeAccountKeys } from '../../../sync-engine/crypto/identity.ts';
import { finishRegistration, startRegistration } from '../../../sync-engine/crypto/password.ts';
import { CloudSession } from '../../../sync-engine/remote/session.ts';
import { EMAIL, PASSWORD } from '../../fakes/account-world.ts';
import type { TreeUser } from '../../fakes/tree-world.ts';
import type { Answer } from './answer.ts';
import { route, type Asker, type Endpoint } from './endpoint.ts';
import type { GenuineLife } from './genuine.ts';
import type { Lane } from './lane.ts';

const GRANT = 'a-grant';
const ENTRY: SignedChainEntry = { bytes: new Uint8Array(40), signature: new Uint8Array(64) };
const NO_CONTENT: Answer = { status: 204, headers: [['coffre-protocol', '1']], body: Buffer.alloc(0) };

/** Of a proof, what verification stands for. An older grant is as genuine to who has seen nothing newer. */
function meaningOf(proof: Proof, { device }: TreeUser): unknown {
  const { account, bundle, chain, serverKey } = proof;
  const meaning = {
    account: account.account,
    master: toHex(account.masterKey),
    metadata: toHex(account.metadataKey),
    isVersion: [1, 2].includes(bundle.version),
    isChain: device.chain().hashes.includes(chain.head),
    isServer: ['', device.pins.serverKey].includes(serverKey),
  };
  wipeAccountKeys(account);
  return meaning;
}

function asks(ask: () => Promise<unknown>): Promise<Asker> {
  return Promise.resolve({ ask });
}

function lastOf(life: GenuineLife, key: string): Answer {
  const answer = life.whole.get(key)?.at(-1);
  if (answer === undefined) throw new Error(`not recorded: ${key}`);
  return answer;
}

/** Something that is done and answered with nothing. */
function done(method: string, path: string, ask: (lane: Lane) => Promise<void>): Endpoint {
  return {
    name: `${method} ${path}`,
    on: route(method, path),
    rests: 'word',
    answer: () => NO_CONTENT,
    client: (lane) => asks(() => ask(lane)),
  };
}

/** A session is for the very device that asked. */
function opensSession(name: string, path: string, ask: (lane: Lane) => Promise<Session>): Endpoint {
  return {
    name,
    on: route('POST', path),
    rests: 'truth',
    client: (lane) => {
      const { account, device } = JSON.parse(lastOf(lane.life, name).body.toString()) as Session;
      return asks(async () => {
        const session = await ask(lane);
        checkSession(session, { account } as AccountKeys, { device } as DeviceKeys);
        return { account: session.account, device: session.device };
      });
    },
  };
}

function provesPassword(path: string): Endpoint {
  return {
    name: `POST ${path}`,
    on: route('POST', path),
    rests: 'truth',
    live: true,
    client: (lane) => {
      const { bob } = lane.life;
      const request = { email: EMAIL, password: PASSWORD, pins: bob.device.pins };
      return asks(async () => meaningOf(await provePassword(lane.api, request, bob.device.tools), bob));
    },
  };
}

function provesPhrase(path: string): Endpoint {
  return {
    name: `POST ${path}`,
    on: route('POST', path),
    rests: 'truth',
    client: (lane) => {
      const { bob, phrase } = lane.life;
      const request = { email: EMAIL, phrase, pins: bob.device.pins };
      return asks(async () => meaningOf(await provePhrase(lane.api, request, bob.device.tools), bob));
    },
  };
}

function changesPassword(path: string): Endpoint {
  return {
    name: `POST ${path}`,
    on: route('POST', path),
    rests: 'truth',
    client: async (lane) => {
      const { bob, phrase } = lane.life;
      const { pins, tools } = bob.device;
      const proof = await provePhrase(lane.api, { email: EMAIL, phrase, pins }, tools);
      const next = { email: EMAIL, password: PASSWORD, keepSession: null };
      return {
        ask: async () => {
          const proved = { ...proof, serverKey: pins.serverKey };
          const { bundle, serverKey } = await registerPassword(lane.api, proved, next, tools);
          return { version: bundle.version, serverKey };
        },
        close: () => {
          wipeAccountKeys(proof.account);
        },
      };
    },
  };
}

/** What is kept of a session is its newest refresh token, and only once the session is this device's. */
async function renewing(lane: Lane): Promise<Asker> {
  const { device } = lane.life.bob;
  const foreign = ['POST /v1/signup/finish', 'POST /v1/devices']
    .flatMap((key) => lane.life.whole.get(key) ?? [])
    .map(({ body }) => JSON.parse(body.toString()) as Session)
    .filter((session) => session.device !== device.device)
    .map(({ refreshToken }) => refreshToken);
  let saved: string[] = [];
  return Promise.resolve({
    ask: async () => {
      saved = [];
      const session = new CloudSession({
        client: lane.client,
        account: device.account,
        device: device.device,
        refreshToken: 'spent',
        sign: () => new Uint8Array(64),
        saveRefreshToken: (token) => {
          saved.push(token);
          return Promise.resolve();
        },
        signedOut: () => undefined,
        clock: { monotonicMs: () => performance.now() },
      });
      const token = await session.accessToken();
      if (!/^[\x21-\x7e]{1,200}$/.test(token)) throw new Error(`no token: ${token}`);
      return 'renewed';
    },
    check: (outcome) => {
      if (saved.some((token) => foreign.includes(token))) throw new Error('the session of another device');
      if ('refused' in outcome && saved.length > 0) throw new Error('a refused session was kept');
    },
  });
}

/** How an older service hashed a password: only the server knows, within the bounds of the device. */
const HASHED = { scheme: 'pbkdf2-sha256', iterations: 10_000, bytes: 32, salt: 'c2FsdHNhbHRzYWx0' };

function says(content: object): Answer {
  const headers = [
    ['coffre-protocol', '1'],
    ['content-type', 'application/json'],
  ] as const;
  return { status: 200, headers, body: Buffer.from(JSON.stringify(content)) };
}

const BUNDLE = {} as Bundle;
const SIGNUP = { email: EMAIL, registrationRecord: 'x', bundle: BUNDLE, chain: [ENTRY] };

export const ACCOUNT_ENDPOINTS: readonly Endpoint[] = [
  {
    name: 'GET /v1/server',
    on: route('GET', '/v1/server'),
    rests: 'word',
    client: (lane) => asks(() => lane.api.server()),
  },
  {
    name: 'POST /v1/signup/start',
    on: route('POST', '/v1/signup/start'),
    rests: 'word',
    client: async (lane) => {
      const { registrationRequest, state } = await startRegistration(PASSWORD);
      const { passwordCost: cost } = lane.life.bob.device.tools;
      return {
        ask: async () => {
          const { registrationResponse } = await lane.api.signupStart(EMAIL, registrationRequest);
          const request = { password: PASSWORD, state, registrationResponse, cost };
          return (await finishRegistration(request)).ok;
        },
      };
    },
  },
  {
    name: 'POST /v1/claim/start',
    on: route('POST', '/v1/claim/start'),
    rests: 'word',
    answer: () => says(HASHED),
    client: (lane) =>
      asks(async () => {
        const parameters = await lane.api.claimStart(EMAIL);
        // What a person's old password is hashed with: never so that it is guessed at once, nor for minutes.
        const { iterations = 0 } = parameters as { iterations?: number };
        if (iterations < 10_000 || iterations > 5_000_000) throw new Error(`${iterations} iterations`);
        return parameters.scheme;
      }),
  },
  {
    name: 'POST /v1/claim/finish',
    on: route('POST', '/v1/claim/finish'),
    rests: 'word',
    answer: () => says({ claim: 'a-claim' }),
    client: (lane) => asks(() => lane.api.claimFinish(EMAIL, { hash: 'AAAA' })),
  },
  opensSession('POST /v1/signup/finish', '/v1/signup/finish', (lane) => lane.api.signupFinish(SIGNUP)),
  provesPassword('/v1/login/start'),
  provesPassword('/v1/login/finish'),
  provesPhrase('/v1/recover/start'),
  provesPhrase('/v1/recover/finish'),
  { name: 'POST /v1/token', on: route('POST', '/v1/token'), rests: 'truth', client: renewing },
  opensSession('POST /v1/devices', '/v1/devices', (lane) => lane.api.addDevice(GRANT, ENTRY)),
  {
    name: 'POST /v1/chain',
    on: route('POST', '/v1/chain'),
    rests: 'word',
    client: (lane) => asks(() => lane.api.appendChain(GRANT, ENTRY)),
  },
  {
    name: 'POST /v1/chain/lost',
    on: route('POST', '/v1/chain/lost'),
    rests: 'word',
    answer: (life) => lastOf(life, 'POST /v1/chain'),
    client: (lane) => asks(() => lane.api.giveBackChain(GRANT, [ENTRY])),
  },
  changesPassword('/v1/password/start'),
  changesPassword('/v1/password/finish'),
  done('POST', '/v1/phrase', (lane) => lane.api.changePhrase(GRANT, BUNDLE)),
  done('DELETE', '/v1/sessions', (lane) => lane.api.endSessions(GRANT, 'kept')),
  done('DELETE', '/v1/account', (lane) => lane.api.deleteAccount(GRANT)),
  done('DELETE', '/v1/session', (lane) => lane.api.logout('a-token')),
  done('POST', '/v1/vaults/:vault/purge', (lane) => lane.cloud.purge(lane.life.vault, [], GRANT)),
];

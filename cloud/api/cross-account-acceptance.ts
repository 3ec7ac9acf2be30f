/**
 * Bob on every route with what is Ann's: her ids, her entries, her tokens wherever a request has room for one. Called
 * from a test file with a maker of a server. Each route has its case; a new one without is a failure.
 */
import { randomBytes } from 'node:crypto';
import * as opaque from '@serenity-kit/opaque';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listen } from '../../test/fakes/event-listener.ts';
import {
  ask,
  base64,
  packed,
  Person,
  randomId,
  signWith,
  type Answer,
  type TestDevice,
  type VaultView,
} from '../../test/fakes/hand-made-client.ts';
import type { NodeId, PackName, VaultId } from '../../protocol/ids.ts';
import { ZERO_HASH } from '../../protocol/ids.ts';
import type { RunningServer } from '../server.ts';

/** Whose requests a route takes. */
type Caller = 'anyone' | 'device' | 'grant' | 'reader';

/** Things of somebody, or of nobody. */
interface Things {
  readonly vault: VaultId;
  readonly node: NodeId;
  readonly pack: PackName;
}

interface Bob {
  readonly device: TestDevice;
  readonly grant: string;
}

interface Case {
  readonly caller: Caller;
  /** Status and code of the answer; a status below 300 where Bob is told of his own things, or of nobody's. */
  readonly answer: readonly [status: number, code?: string];
  readonly attack: (bob: Bob, of: Things) => Promise<Answer>;
  /** Bob is worse off afterwards: he is another one in each. */
  readonly spoilsBob?: true;
}

/** @param make a server, and whether packs go straight to a store beside it */
export function crossAccountAcceptance(
  make: () => Promise<{ server: RunningServer; isDirect: boolean; discard: () => Promise<void> }>,
): void {
  describe('another account', () => {
    let server: RunningServer;
    let isDirect: boolean;
    let discard: () => Promise<void>;
    let ann: TestDevice;
    let annGrant: string;
    let view: VaultView;
    let things: Things;
    let bob: Bob;
    let before: string;
    let heard: string[];
    let stopHearing: () => void;

    beforeAll(async () => {
      ({ server, isDirect, discard } = await make());
      ann = await new Person(server.address).signup();
      view = await ann.makeVault();
      const bytes = randomBytes(3000);
      const added = packed(bytes);
      await ann.put(view, bytes);
      const node = randomId<NodeId>(16);
      await ann.commit(view, { nodes: [[node, randomBytes(90)]], added: [added] });
      things = { vault: view.vault, node, pack: added.pack.name };
      annGrant = (await ann.person.grant()).grant;
      bob = await newBob();
      heard = [];
      const { socket, next } = await listen(ann);
      void (async () => {
        for (;;) heard.push((await next()).kind);
      })();
      stopHearing = () => {
        socket.terminate();
      };
      before = await everythingOf();
    }, 60_000);
    afterAll(async () => {
      stopHearing();
      await discard();
    });

    async function newBob(): Promise<Bob> {
      const device = await new Person(server.address).signup();
      return { device, grant: (await device.person.grant()).grant };
    }

    /** All that Ann's device can read, and that her grant can. */
    async function everythingOf(): Promise<string> {
      const base = `/v1/vaults/${view.vault}`;
      const paths = [
        ...['/v1/account', '/v1/vaults', '/v1/chain?from=0', `${base}/changes?after=0`, `${base}/state?at=2`],
        ...[`${base}/headers?from=1&to=9`, `${base}/epochs`, `${base}/nodes/${things.node}/history`],
        ...[`${base}/packs/${things.pack}`, `${base}/time?at=99999999999999`],
      ];
      const answers: string[] = [];
      for (const path of paths) {
        const answer = await ann.ask('GET', path);
        answers.push(`${path} ${answer.status} ${Buffer.from(answer.bytes).toString('hex')}`);
      }
      const { status } = await ask(server.address, 'GET', '/v1/vaults', annGrant);
      return [...answers, `grant ${status}`].join('\n');
    }

    const byAnyone = (method: string, path: string, body?: unknown): Promise<Answer> =>
      ask(server.address, method, path, null, body);
    const byGrant = (who: Bob, method: string, path: string, body?: unknown): Promise<Answer> =>
      ask(server.address, method, path, who.grant, body, { 'coffre-session': ann.session.accessToken });
    const inVault =
      (method: string, rest: (of: Things) => string, body?: (of: Things) => unknown) =>
      (who: Bob, of: Things): Promise<Answer> =>
        who.device.ask(method, `/v1/vaults/${of.vault}${rest(of)}`, body?.(of));
    const entryOfAnn = (): string => base64(ann.person.entry(ann.person.addBody(ann.key)));

    const notFound = [404, 'not-found'] as const;
    const refused = [403, 'refused'] as const;

    const cases: Readonly<Record<string, Case>> = {
      'GET /healthz': { caller: 'anyone', answer: [200], attack: () => byAnyone('GET', '/healthz') },
      'GET /readyz': { caller: 'anyone', answer: [200], attack: () => byAnyone('GET', '/readyz') },
      'GET /metrics': { caller: 'anyone', answer: [200], attack: () => byAnyone('GET', '/metrics') },
      'GET /v1/server': { caller: 'anyone', answer: [200], attack: () => byAnyone('GET', '/v1/server') },
      'POST /v1/signup/start': {
        caller: 'anyone',
        answer: [200],
        async attack() {
          await opaque.ready;
          const { registrationRequest } = opaque.client.startRegistration({ password: 'of Bob' });
          return byAnyone('POST', '/v1/signup/start', { email: ann.person.email, registrationRequest });
        },
      },
      'POST /v1/signup/finish': {
        caller: 'anyone',
        answer: refused,
        // An account of his own under her address, and then her account under his address.
        async attack() {
          const { answer } = await new Person(server.address, ann.person.email, 'of Bob').trySignup();
          expect([answer.status, answer.json.error.code]).toEqual(refused);
          const mallory = new Person(server.address);
          return byAnyone('POST', '/v1/signup/finish', {
            email: mallory.email,
            registrationRecord: await mallory.register(),
            bundle: ann.person.bundle,
            chain: ann.person.chain.map(base64),
          });
        },
      },
      // Nobody is restored here; what members and strangers are told is in legacy/claims.test.ts.
      'POST /v1/claim/start': {
        caller: 'anyone',
        answer: refused,
        attack: () => byAnyone('POST', '/v1/claim/start', { email: ann.person.email }),
      },
      'POST /v1/claim/finish': {
        caller: 'anyone',
        answer: refused,
        attack: () => byAnyone('POST', '/v1/claim/finish', { email: ann.person.email, code: 'guessed' }),
      },
      'POST /v1/login/start': {
        caller: 'anyone',
        answer: [200],
        async attack() {
          await opaque.ready;
          const { startLoginRequest } = opaque.client.startLogin({ password: 'of Bob' });
          return byAnyone('POST', '/v1/login/start', { email: ann.person.email, startLoginRequest });
        },
      },
      'POST /v1/login/finish': {
        caller: 'anyone',
        answer: refused,
        attack: (who) => who.device.person.tryLogin('of Bob', ann.person.email),
      },
      'POST /v1/recover/start': {
        caller: 'anyone',
        answer: [200],
        attack: () => byAnyone('POST', '/v1/recover/start', { email: ann.person.email }),
      },
      'POST /v1/recover/finish': {
        caller: 'anyone',
        answer: refused,
        async attack(who) {
          const { json } = await byAnyone('POST', '/v1/recover/start', { email: ann.person.email });
          const { recovery, challenge } = json as { recovery: string; challenge: string };
          const signature = signWith(
            who.device.person.recovery,
            'recovery',
            Buffer.from(challenge, 'base64'),
          );
          return byAnyone('POST', '/v1/recover/finish', { recovery, signature: base64(signature) });
        },
      },
      'POST /v1/token': {
        caller: 'anyone',
        answer: refused,
        attack: (who) => who.device.refresh(ann.session.refreshToken, who.device.key),
      },

      'POST /v1/devices': {
        caller: 'grant',
        answer: refused,
        attack: (who) => byGrant(who, 'POST', '/v1/devices', { entry: entryOfAnn() }),
      },
      'POST /v1/chain': {
        caller: 'grant',
        answer: refused,
        async attack(who) {
          const body = { kind: 'revoke', device: ann.device, pins: [] } as const;
          // Ann's device, named by an entry of his own; and then an entry of Ann's.
          const own = await byGrant(who, 'POST', '/v1/chain', {
            entry: base64(who.device.person.entry(body)),
          });
          expect([own.status, own.json.error.code]).toEqual(refused);
          return byGrant(who, 'POST', '/v1/chain', { entry: base64(ann.person.entry(body)) });
        },
      },
      'POST /v1/chain/lost': {
        caller: 'reader',
        answer: [409, 'stale-chain'],
        attack: (who) => who.device.ask('POST', '/v1/chain/lost', { entries: ann.person.chain.map(base64) }),
      },
      'POST /v1/password/start': {
        caller: 'grant',
        answer: [200],
        async attack(who) {
          await opaque.ready;
          const { registrationRequest } = opaque.client.startRegistration({ password: 'of Bob' });
          return byGrant(who, 'POST', '/v1/password/start', { registrationRequest });
        },
      },
      'POST /v1/password/finish': {
        caller: 'grant',
        answer: refused,
        async attack(who) {
          const registrationRecord = await who.device.person.register(ann.person.email, 'of Bob');
          const bundle = ann.person.makeBundle(2);
          return byGrant(who, 'POST', '/v1/password/finish', { registrationRecord, bundle });
        },
      },
      'POST /v1/phrase': {
        caller: 'grant',
        answer: refused,
        attack: (who) => byGrant(who, 'POST', '/v1/phrase', { bundle: ann.person.makeBundle(2) }),
      },
      'DELETE /v1/sessions': {
        caller: 'grant',
        answer: [204],
        spoilsBob: true,
        attack: (who) => byGrant(who, 'DELETE', '/v1/sessions'),
      },
      'POST /v1/vaults/:vault/purge': {
        caller: 'grant',
        answer: notFound,
        attack: (who, of) => byGrant(who, 'POST', `/v1/vaults/${of.vault}/purge`, { packs: [of.pack] }),
      },
      'DELETE /v1/account': {
        caller: 'grant',
        answer: [204],
        spoilsBob: true,
        attack: (who) => byGrant(who, 'DELETE', '/v1/account'),
      },

      'GET /v1/account': {
        caller: 'device',
        answer: [200],
        attack: (who) => who.device.ask('GET', `/v1/account?account=${ann.person.account}`),
      },
      'DELETE /v1/session': {
        caller: 'device',
        answer: [204],
        spoilsBob: true,
        attack: (who) =>
          who.device.ask('DELETE', '/v1/session', undefined, { 'coffre-session': ann.session.accessToken }),
      },
      'GET /v1/chain': {
        caller: 'reader',
        answer: [200],
        attack: (who) => who.device.ask('GET', `/v1/chain?from=0&account=${ann.person.account}`),
      },
      'GET /v1/vaults': {
        caller: 'reader',
        answer: [200],
        attack: (who) => who.device.ask('GET', '/v1/vaults'),
      },
      'POST /v1/vaults/:vault/commits': {
        caller: 'device',
        answer: [409, 'stale-head'],
        // On top of her log, in his name.
        attack: (who, of) =>
          who.device.send(
            { ...view, vault: of.vault },
            who.device.build({ ...view, vault: of.vault }, { nodes: [[of.node, randomBytes(40)]] }),
          ),
      },
      'GET /v1/vaults/:vault/changes': {
        caller: 'device',
        answer: notFound,
        attack: inVault('GET', () => '/changes?after=0'),
      },
      'GET /v1/vaults/:vault/state': {
        caller: 'reader',
        answer: notFound,
        attack: inVault('GET', () => '/state?at=2'),
      },
      'GET /v1/vaults/:vault/headers': {
        caller: 'reader',
        answer: notFound,
        attack: inVault('GET', () => '/headers?from=1&to=9'),
      },
      'GET /v1/vaults/:vault/nodes/:node/history': {
        caller: 'device',
        answer: notFound,
        attack: inVault('GET', ({ node }) => `/nodes/${node}/history`),
      },
      'GET /v1/vaults/:vault/time': {
        caller: 'device',
        answer: notFound,
        attack: inVault('GET', () => '/time?at=99999999999999'),
      },
      'GET /v1/vaults/:vault/epochs': {
        caller: 'reader',
        answer: notFound,
        attack: inVault('GET', () => '/epochs'),
      },
      'POST /v1/vaults/:vault/lease': {
        caller: 'device',
        answer: notFound,
        attack: inVault(
          'POST',
          () => '/lease',
          () => ({}),
        ),
      },
      'PUT /v1/vaults/:vault/packs/:pack': {
        caller: 'device',
        answer: notFound,
        attack: inVault(
          'PUT',
          ({ pack }) => `/packs/${pack}`,
          () => randomBytes(3000),
        ),
      },
      'POST /v1/vaults/:vault/packs/:pack/upload': {
        caller: 'device',
        get answer() {
          // Where packs go through the server it says so, and looks at the vault when they come.
          return isDirect ? notFound : ([200] as const);
        },
        attack: inVault(
          'POST',
          ({ pack }) => `/packs/${pack}/upload`,
          () => ({ size: 3000 }),
        ),
      },
      'POST /v1/vaults/:vault/packs/:pack/complete': {
        caller: 'device',
        answer: notFound,
        attack: inVault(
          'POST',
          ({ pack }) => `/packs/${pack}/complete`,
          () => ({ upload: 1 }),
        ),
      },
      'GET /v1/vaults/:vault/packs/:pack': {
        caller: 'reader',
        answer: notFound,
        attack: inVault('GET', ({ pack }) => `/packs/${pack}`),
      },
      'GET /v1/events': {
        caller: 'device',
        // No socket was asked for.
        answer: notFound,
        attack: (who) => who.device.ask('GET', `/v1/events?account=${ann.person.account}`),
      },
    };

    /** A HEAD is the same as its GET. */
    const routes = (): string[] =>
      server.routes
        .map(({ method, path }) => `${method} ${path}`)
        .filter((route) => !route.startsWith('HEAD '));
    const pathOf = (route: string): string =>
      (route.split(' ')[1] ?? '')
        .replace(':vault', things.vault)
        .replace(':node', things.node)
        .replace(':pack', things.pack);

    it('has a case for each route that there is', () => {
      expect(routes().sort()).toEqual(Object.keys(cases).sort());
    });

    it.each(Object.entries(cases).filter(([, { caller }]) => caller !== 'anyone'))(
      'does not get in at %s without the right token',
      async (route, { caller }) => {
        const [method = ''] = route.split(' ');
        const wrong = [null, randomId<string>(32), ann.session.refreshToken];
        if (caller === 'device') wrong.push(annGrant);
        if (caller === 'grant') wrong.push(ann.session.accessToken);
        for (const [asked, token] of wrong.flatMap((one) => [
          [method, one] as const,
          ...(method === 'GET' ? [['HEAD', one] as const] : []),
        ])) {
          const answer = await ask(server.address, asked, pathOf(route), token);
          expect([asked, answer.status]).toEqual([asked, 401]);
        }
      },
    );

    it.each(Object.entries(cases))(
      'gets nothing of Ann at %s',
      async (route, { answer, attack, spoilsBob }) => {
        const who = spoilsBob === true ? await newBob() : bob;
        const got = await attack(who, things);
        const code = got.status >= 400 ? [got.json.error.code as string] : [];
        expect([got.status, ...code]).toEqual([...answer]);
        const said = `${Buffer.from(got.bytes).toString('latin1')} ${JSON.stringify([...got.headers])}`;
        for (const secret of [ann.person.account, ann.device, ann.session.accessToken, view.head.hash])
          expect(said).not.toContain(secret);
        if (!route.includes(':vault')) return;
        // What is Ann's and what is nobody's are answered alike, to the byte.
        const nobodys = {
          vault: randomId<VaultId>(16),
          node: randomId<NodeId>(16),
          pack: randomId<PackName>(32),
        };
        const other = await attack(who, nobodys);
        expect([other.status, Buffer.from(other.bytes).toString()]).toEqual([
          got.status,
          Buffer.from(got.bytes).toString(),
        ]);
        if (!route.startsWith('GET ')) return;
        const head = await who.device.ask('HEAD', pathOf(route));
        expect([route, head.status >= 400]).toEqual([route, true]);
      },
    );

    it('may have a vault of the same id, which is another one', async () => {
      const own: VaultView = {
        vault: view.vault,
        head: { seq: 0, hash: ZERO_HASH },
        epoch: 0,
        revisions: new Map(),
      };
      expect((await bob.device.commit(own, { nodes: [[things.node, randomBytes(40)]] })).status).toBe(200);
      const pack = await bob.device.ask('GET', `/v1/vaults/${view.vault}/packs/${things.pack}`);
      expect(pack.status).toBe(404);
    });

    it('changed nothing of hers', async () => {
      expect(before).not.toMatch(/^\S+ [45]/m);
      expect(await everythingOf()).toBe(before);
      expect((await ann.refresh()).status).toBe(200);
      expect((await ann.person.tryLogin()).status).toBe(200);
    });

    it('hears nothing of what she does, and she nothing of all this', async () => {
      const { socket, next } = await listen(bob.device);
      expect(heard).toEqual([]);
      expect((await ann.commit(view, { nodes: [[things.node, randomBytes(40)]] })).status).toBe(200);
      const own = await bob.device.makeVault();
      expect(await next()).toEqual({ kind: 'vaults' });
      expect(await next()).toMatchObject({ kind: 'commit', vault: own.vault });
      socket.terminate();
      await expect.poll(() => heard).toEqual(['commit']);
    });
  });
}

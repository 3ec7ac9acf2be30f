import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  encodeChainEntry,
  encodeSignedEntry,
  type ChainBody,
  type HeadPin,
} from '../../protocol/device-chain.ts';
import type { Hash, VaultId } from '../../protocol/ids.ts';
import { ACCESS_TOKEN_MS } from '../../protocol/limits.ts';
import type { Session } from '../../protocol/cloud.ts';
import { ask, base64, makeKey, Person, randomId, signWith } from '../../test/fakes/hand-made-client.ts';
import type { VaultView } from '../../test/fakes/hand-made-client.ts';
import { startServer, type RunningServer } from '../server.ts';

let dataDir: string;
let server: RunningServer;
let clockMs = 1_800_000_000_000;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'coffre-cloud-'));
  server = await startServer({ dataDir, logLevel: 'silent', now: () => clockMs });
});
afterEach(async () => {
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

const pinOf = (view: VaultView): HeadPin => ({ vault: view.vault, ...view.head });

describe('sign-up', () => {
  it('refuses a taken address and a second use of a chain alike, and keeps the first account', async () => {
    const first = new Person(server.address, 'someone@example.org');
    await first.signup();
    const second = new Person(server.address, 'Someone@Example.org');
    const refused = (await second.trySignup()).answer;
    expect(refused.status).toBe(403);
    const again = await first.trySignup();
    expect(again.answer.json).toEqual(refused.json);
    expect((await first.tryLogin()).status).toBe(200);
  });

  it('refuses a bundle or a chain that another key signed', async () => {
    const person = new Person(server.address);
    person.bundle = person.makeBundle(1, makeKey());
    expect((await person.trySignup()).answer.json.error.code).toBe('refused');
    const other = new Person(server.address);
    other.take(other.entry({ kind: 'genesis', masterKey: other.master.publicKey }));
    other.take(
      other.entry({ kind: 'account-key', boxKey: randomBytes(32), sealedPrivateKey: randomBytes(80) }),
    );
    other.take(other.entry(other.addBody(makeKey()), makeKey()));
    expect((await other.trySignup()).answer.json.error.code).toBe('refused');
  });
});

describe('a proof of the password', () => {
  it('answers a wrong password and an unknown address alike', async () => {
    const person = new Person(server.address);
    await person.signup();
    const wrong = await person.tryLogin('wrong');
    const unknown = await person.tryLogin('wrong', 'nobody@example.org');
    expect([wrong.status, unknown.status]).toEqual([403, 403]);
    expect(wrong.json).toEqual(unknown.json);
    const started = [person.email, 'nobody@example.org'].map((email) =>
      ask(server.address, 'POST', '/v1/recover/start', null, { email }),
    );
    const [known, missing] = await Promise.all(started);
    expect(Object.keys(known!.json as object)).toEqual(Object.keys(missing!.json as object));
    const signature = base64(
      signWith(person.recovery, 'recovery', Buffer.from(missing!.json.challenge as string, 'base64')),
    );
    const finished = { recovery: missing!.json.recovery as string, signature };
    expect((await ask(server.address, 'POST', '/v1/recover/finish', null, finished)).json).toEqual(
      wrong.json,
    );
  });

  it('is limited per address and network', async () => {
    const email = 'guessed@example.org';
    const statuses = new Set<number>();
    for (let attempt = 0; attempt < 40; attempt += 1) {
      const answer = await ask(server.address, 'POST', '/v1/recover/start', null, { email });
      statuses.add(answer.status);
      if (answer.status === 429) expect(answer.json.retryAfterS).toBeGreaterThan(0);
    }
    expect([...statuses]).toEqual([200, 429]);
    const other = await ask(server.address, 'POST', '/v1/recover/start', null, {
      email: 'other@example.org',
    });
    expect(other.status).toBe(200);
  });

  it('opens the account with the phrase, once a challenge', async () => {
    const person = new Person(server.address);
    await person.signup();
    const { json } = await ask(server.address, 'POST', '/v1/recover/start', null, { email: person.email });
    const challenge = Buffer.from(json.challenge as string, 'base64');
    expect(challenge).toHaveLength(32);
    const finish = {
      recovery: json.recovery as string,
      signature: base64(signWith(person.recovery, 'recovery', challenge)),
    };
    const granted = await ask(server.address, 'POST', '/v1/recover/finish', null, finish);
    expect(granted.json.bundle).toEqual(person.bundle);
    expect(granted.json.chain).toEqual(person.chain.map(base64));
    expect((await ask(server.address, 'POST', '/v1/recover/finish', null, finish)).status).toBe(403);
  });

  it('changes the password with a newer bundle only, ends other sessions, and lets devices return', async () => {
    const person = new Person(server.address);
    const device = await person.signup();
    const other = await person.enrol();
    const { grant } = await person.grant();
    const start = { registrationRequest: '' };
    expect((await ask(server.address, 'POST', '/v1/password/start', grant, start)).status).toBe(400);
    const registrationRecord = await person.register(person.email, 'another');
    const old = { registrationRecord, bundle: person.bundle };
    expect((await ask(server.address, 'POST', '/v1/password/finish', grant, old)).json.error.code).toBe(
      'exists',
    );
    const change = { registrationRecord, bundle: person.makeBundle(2) };
    const keep = { 'coffre-session': device.session.accessToken };
    expect((await ask(server.address, 'POST', '/v1/password/finish', grant, change, keep)).status).toBe(204);
    expect((await device.ask('GET', '/v1/account')).status).toBe(200);
    expect((await other.ask('GET', '/v1/account')).status).toBe(401);
    expect((await other.refresh()).status).toBe(403);
    expect((await person.tryLogin('correct horse')).status).toBe(403);
    const granted = await person.tryLogin('another');
    expect(granted.json.bundle.version).toBe(2);
    const back = { entry: base64(person.chain.at(-1)!) };
    const returned = await ask(server.address, 'POST', '/v1/devices', granted.json.grant as string, back);
    expect(returned.json).toMatchObject({ device: other.device });
  });
});

describe('tokens', () => {
  it('rotate; a spent one works again within its grace and ends the session after it', async () => {
    const device = await new Person(server.address).signup();
    const spent = device.session.refreshToken;
    const next = await device.refresh();
    expect(next.status).toBe(200);
    expect((await device.refresh(spent)).status).toBe(200);
    device.session = next.json as Session;
    expect((await device.ask('GET', '/v1/account')).status).toBe(200);
    clockMs += 61_000;
    expect((await device.refresh(spent)).status).toBe(403);
    expect((await device.ask('GET', '/v1/account')).status).toBe(401);
    expect((await device.refresh()).status).toBe(403);
  });

  it('want the signature of their device, and expire', async () => {
    const device = await new Person(server.address).signup();
    expect((await device.refresh(device.session.refreshToken, makeKey())).status).toBe(403);
    clockMs += ACCESS_TOKEN_MS;
    expect((await device.ask('GET', '/v1/account')).status).toBe(401);
    expect((await device.refresh()).status).toBe(200);
  });
});

describe('the device chain', () => {
  it('takes no entry out of place or by another key', async () => {
    const person = new Person(server.address);
    await person.signup();
    const { grant } = await person.grant();
    const send = (entry: Uint8Array): ReturnType<typeof ask> =>
      ask(server.address, 'POST', '/v1/chain', grant, { entry: base64(entry) });
    const body = { kind: 'notice', event: 'recovered', atMs: 1 } as const;
    expect((await send(person.entry(body, makeKey()))).json.error.code).toBe('refused');
    const bytes = encodeChainEntry({ account: person.account, index: 7, previous: person.chainHead, body });
    const misplaced = encodeSignedEntry({ bytes, signature: signWith(person.master, 'chain', bytes) });
    expect((await send(misplaced)).json).toMatchObject({ error: { code: 'stale-chain' }, chainLength: 3 });
    expect((await send(person.entry(body))).json).toEqual({ length: 4 });
    person.take(person.entry(body));
    expect((await send(person.entry(person.addBody(makeKey())))).json.error.code).toBe('bad-request');
  });

  it('revokes a device at the heads it pins: its tokens die, its commits are refused, an epoch must open', async () => {
    const person = new Person(server.address);
    const kept = await person.signup();
    const lost = await person.enrol();
    const view = await kept.makeVault();
    const stale = pinOf(view);
    await lost.commit(view, { nodes: [[randomId(16), randomBytes(40)]] });
    const late = lost.build(view, { nodes: [[randomId(16), randomBytes(40)]] });
    const revoke = (pins: HeadPin[]): ReturnType<Person['append']> =>
      person.append({ kind: 'revoke', device: lost.device, pins });
    expect((await revoke([stale])).json.error.code).toBe('stale-chain');
    expect((await revoke([])).json.error.code).toBe('stale-chain');
    const before = { chainLength: person.chainLength, chainHead: person.chainHead };
    expect((await revoke([pinOf(view)])).status).toBe(200);

    expect((await lost.send(view, late)).status).toBe(401);
    expect((await lost.refresh()).status).toBe(403);
    expect((await kept.send(view, late)).json.error.code).toBe('refused');
    const change = { nodes: [[randomId<never>(16), randomBytes(40)]] as const };
    const unaware = await kept.commit(view, { ...change, header: before });
    expect(unaware.json).toMatchObject({ error: { code: 'stale-chain' }, chainLength: person.chainLength });
    expect((await kept.commit(view, change)).json.error.code).toBe('refused');
    expect((await kept.commit(view, { ...change, opensEpoch: true })).status).toBe(200);
    expect((await kept.commit(view, { nodes: [[randomId(16), randomBytes(40)]] })).status).toBe(200);
    const regress = await kept.commit(view, { nodes: [[randomId(16), randomBytes(40)]], header: before });
    expect(regress.json.error.code).toBe('stale-chain');
  });

  it('takes what it lost to a restore from a device: pins may lie above the heads, and none below', async () => {
    const person = new Person(server.address);
    const kept = await person.signup();
    const [first, second] = [await person.enrol(), await person.enrol()];
    const view = await kept.makeVault();
    const begun = pinOf(view);
    const give = async (body: ChainBody, by = kept): Promise<string> => {
      const entry = person.entry(body);
      const answer = await by.ask('POST', '/v1/chain/lost', { entries: [base64(entry)] });
      if (answer.status !== 200) return String(answer.json.error.code);
      person.take(entry);
      expect(answer.json).toEqual({ length: person.chainLength });
      return 'taken';
    };
    const above = { vault: view.vault, seq: begun.seq + 9, hash: randomId<Hash>(32) };
    const gone = { vault: randomId<VaultId>(16), seq: 3, hash: randomId<Hash>(32) };
    expect(await give({ kind: 'revoke', device: first.device, pins: [above, gone] })).toBe('taken');
    expect((await first.ask('GET', '/v1/account')).status).toBe(401);
    const change = (): Parameters<typeof kept.commit>[1] => ({ nodes: [[randomId(16), randomBytes(40)]] });
    expect((await kept.commit(view, change())).json.error.code).toBe('refused');
    expect((await kept.commit(view, { ...change(), opensEpoch: true })).status).toBe(200);

    // What was written since is not cut off by an entry that knows nothing of it.
    expect(await give({ kind: 'revoke', device: second.device, pins: [begun] })).toBe('stale-chain');
    expect((await second.ask('GET', '/v1/account')).status).toBe(200);
    const before = { chainLength: person.chainLength, chainHead: person.chainHead };
    expect(await give({ kind: 'void', pin: above })).toBe('taken');
    expect((await kept.commit(view, { ...change(), header: before })).json.error.code).toBe('stale-chain');
    expect((await kept.commit(view, change())).status).toBe(200);
    expect(await give({ kind: 'void', pin: { ...begun, hash: randomId<Hash>(32) } })).toBe('stale-chain');
    expect(await give({ kind: 'void', pin: begun }, second)).toBe('taken');
    expect((await kept.ask('GET', '/v1/vaults')).json.vaults[0].head).toEqual({
      seq: begun.seq,
      hash: begun.hash,
    });
  });

  it('goes back to an older head with a void entry and takes the log on from there', async () => {
    const person = new Person(server.address);
    const device = await person.signup();
    const view = await device.makeVault();
    const [node] = view.revisions.keys();
    const usageBefore = (await device.ask('GET', '/v1/account')).json.quota;
    const pin = pinOf(view);
    const revisions = new Map(view.revisions);
    await device.commit(view, { nodes: [[node!, randomBytes(90)]] });
    await device.commit(view, { nodes: [[node!, null]] });
    expect((await person.append({ kind: 'void', pin: { ...pin, hash: randomId(32) } })).json.error.code).toBe(
      'stale-chain',
    );
    expect((await person.append({ kind: 'void', pin })).status).toBe(200);
    expect((await device.ask('GET', '/v1/vaults')).json.vaults[0].head).toEqual({
      seq: pin.seq,
      hash: pin.hash,
    });
    expect((await device.ask('GET', '/v1/account')).json.quota).toEqual(usageBefore);
    const rewound: VaultView = {
      vault: view.vault,
      head: { seq: pin.seq, hash: pin.hash },
      epoch: 0,
      revisions,
    };
    expect((await device.commit(rewound, { nodes: [[node!, randomBytes(50)]] })).status).toBe(200);
  });
});

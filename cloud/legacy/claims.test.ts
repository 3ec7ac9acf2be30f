import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS } from '../../protocol/limits.ts';
import { normalCode, type LegacyParameters } from '../../protocol/legacy.ts';
import { ask, base64, Person, type Answer } from '../../test/fakes/hand-made-client.ts';
import { byOperator } from '../audit/entry.ts';
import { AuditRecorder } from '../audit/recorder.ts';
import type { SignupMode } from '../config.ts';
import { startServer, type RunningServer } from '../server.ts';
import { openEmbeddedStore } from '../store/embedded/embedded-store.ts';
import type { NewLegacyRow } from '../store/legacy-store.ts';
import type { MetadataStore } from '../store/metadata-store.ts';
import { addressHash } from './address.ts';
import { LegacyClaims, proofHash } from './claims.ts';
import { hashCode, newCode } from './codes.ts';

const audit = byOperator('legacy-imported', 0);

let dataDir: string;
let server: RunningServer;
let store: MetadataStore;
let clockMs: number;

async function serve(signup: SignupMode = 'closed'): Promise<void> {
  const many = { burst: 10_000, perMinute: 10_000 };
  const rates = {
    proofsPerAddressAndNetwork: { burst: 20, perMinute: 4 },
    proofsPerAddress: many,
    proofsPerNetwork: many,
    requestsPerAccount: many,
  };
  server = await startServer({ dataDir, logLevel: 'silent', signup, rates, now: () => clockMs });
}

beforeEach(async () => {
  clockMs = 1_800_000_000_000;
  dataDir = await mkdtemp(join(tmpdir(), 'coffre-legacy-'));
  await serve();
  const options = { defaultQuotaBytes: null, exclusive: false, retentionMs: 0, uncommittedMs: 0 };
  store = await openEmbeddedStore({ ...options, dataDir });
});
afterEach(async () => {
  await store.close();
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** What the older service stored of a member; that it was made from a password does not matter here. */
interface Member {
  readonly email: string;
  readonly hash: Uint8Array;
  readonly parameters: LegacyParameters;
}

const newMember = (name: string): Member => ({
  email: `${name}@example.org`,
  hash: randomBytes(23),
  parameters: { scheme: 'bcrypt', cost: 10, salt: base64(randomBytes(16)) },
});

async function bring(members: readonly Member[], days = 30, more: Partial<NewLegacyRow> = {}): Promise<void> {
  const rows = members.map(({ email, parameters, hash }) => ({
    email,
    password: { parameters, proofHash: proofHash(hash) },
    quotaBytes: null,
    ...more,
  }));
  const expiresMs = clockMs + days * DAY_MS;
  await store.legacy.add({ import: null, service: 'OldBox', expiresMs, nowMs: clockMs, rows, audit });
}

const start = (email: string): Promise<Answer> =>
  ask(server.address, 'POST', '/v1/claim/start', null, { email });
const finish = (email: string, proof: object): Promise<Answer> =>
  ask(server.address, 'POST', '/v1/claim/finish', null, { email, ...proof });
const prove = ({ email, hash }: Member): Promise<Answer> => finish(email, { hash: base64(hash) });
const claimOf = async (member: Member): Promise<string> => (await prove(member)).json.claim as string;

/** Everything of an answer that could tell one from another; the time is its own. */
function seen({ status, bytes, headers }: Answer): object {
  const kept = [...headers].filter(([name]) => name !== 'date');
  return { status, bytes: Buffer.from(bytes).toString(), headers: kept };
}

describe('an address', () => {
  it('is told as a member’s or not by nothing that the server says', async () => {
    const [open, claimed, ended, codeOnly] = ['open', 'claimed', 'ended', 'code'].map(newMember) as [
      Member,
      Member,
      Member,
      Member,
    ];
    await bring([open, claimed, ended]);
    await bring([codeOnly], 30, { password: null });
    const all = [open, claimed, ended, codeOnly, newMember('stranger'), newMember('another')];
    const before = await Promise.all(all.map(({ email }) => start(email)));
    const { answer } = await new Person(server.address, claimed.email).trySignup(
      undefined,
      await claimOf(claimed),
    );
    expect(answer.status).toBe(201);
    await store.legacy.expire([addressHash(ended.email)], clockMs, audit);
    await server.upkeep.run();

    const after = await Promise.all(all.map(({ email }) => start(email)));
    expect(after.map(seen)).toEqual(before.map(seen));
    expect(after[0]?.json).toEqual(open.parameters);
    const shapes = after.map(({ json }) => ({ ...(json as object), salt: (json.salt as string).length }));
    expect(new Set(shapes.map((shape) => JSON.stringify(shape))).size).toBe(1);
    expect(new Set(after.map(({ json }) => json.salt as string)).size).toBe(all.length);

    const wrong = { hash: base64(randomBytes(23)) };
    const right = (member: Member): object => ({ hash: base64(member.hash) });
    const refused = await Promise.all([
      finish(open.email, wrong),
      finish('stranger@example.org', wrong),
      finish(claimed.email, right(claimed)),
      finish(ended.email, right(ended)),
      finish(codeOnly.email, right(codeOnly)),
      finish(open.email, { code: newCode() }),
      finish(codeOnly.email, { code: newCode() }),
      finish('stranger@example.org', { code: newCode() }),
    ]);
    expect(refused[0].json.error.code).toBe('refused');
    expect(new Set(refused.map((one) => JSON.stringify(seen(one)))).size).toBe(1);
    expect((await prove(open)).status).toBe(200);
  });

  it('costs the server the same reads and work, whatever it is', async () => {
    const [open, ended] = [newMember('open'), newMember('ended')];
    await bring([open, ended]);
    await store.legacy.expire([addressHash(ended.email)], clockMs, audit);
    const calls: string[] = [];
    const watched = <T extends object>(part: T): T =>
      new Proxy(part, {
        get: (target, name, receiver) => {
          calls.push(String(name));
          return Reflect.get(target, name, receiver) as unknown;
        },
      });
    const parts = {
      legacy: watched(store.legacy),
      sessions: watched(store.sessions),
      audit: watched(store.audit),
    };
    const now = (): number => clockMs;
    const recorder = new AuditRecorder(now);
    const claims = new LegacyClaims({ store: parts, key: randomBytes(32), audit: recorder, now });
    const caller = { actor: 'unknown', network: '192.0.2.0/24' } as const;
    const costs = new Set<string>();
    for (const email of [open.email, ended.email, 'stranger@example.org']) {
      for (const [name, work] of [
        ['asked', () => claims.start(email)],
        ['wrong', () => claims.finish(email, { hash: base64(randomBytes(23)) }, caller)],
        ['wrong', () => claims.finish(email, { code: 'AAAA' }, caller)],
      ] as const) {
        calls.length = 0;
        await work().catch(() => undefined);
        costs.add(`${name}: ${calls.join(' ')}`);
      }
    }
    expect([...costs]).toEqual(['asked: offer find', 'wrong: offer find record']);
  });

  it('answers and refuses at a time that was set before it looked', async () => {
    const open = newMember('open');
    await bring([open]);
    const now = (): number => clockMs;
    const claims = new LegacyClaims({ store, key: randomBytes(32), audit: new AuditRecorder(now), now });
    const caller = { actor: 'unknown', network: '192.0.2.0/24' } as const;
    for (const email of [open.email, 'stranger@example.org']) {
      for (const work of [
        () => claims.start(email),
        () => claims.finish(email, { hash: base64(randomBytes(23)) }, caller),
      ]) {
        const began = performance.now();
        await work().catch(() => undefined);
        // A timer may be early by the part of a millisecond.
        expect(performance.now() - began).toBeGreaterThan(23);
      }
    }
  });

  it('is asked about as often as any password is tried, and no more', async () => {
    const [member] = [newMember('member')];
    await bring([member]);
    const limits = await Promise.all(
      [member.email, 'stranger@example.org'].map(async (email) => {
        const statuses: number[] = [];
        for (let attempt = 0; attempt < 12; attempt += 1) {
          statuses.push((await start(email)).status);
          statuses.push((await finish(email, { hash: base64(randomBytes(23)) })).status);
        }
        return statuses;
      }),
    );
    expect(limits[0]).toEqual(limits[1]);
    expect(limits[0]?.filter((status) => status === 429)).toHaveLength(4);
  });
});

describe('a claim', () => {
  it.each(['open', 'invite', 'closed'] as const)(
    'makes an account where sign-up is %s, once',
    async (mode) => {
      await server.close();
      await serve(mode);
      const member = newMember('member');
      await bring([member], 30, { quotaBytes: 12_345 });
      const claim = await claimOf(member);
      const other = new Person(server.address, 'other@example.org');
      expect((await other.trySignup(undefined, claim)).answer.status).toBe(403);
      const person = new Person(server.address, 'Member@Example.org');
      const { answer } = await person.trySignup(undefined, claim);
      expect(answer.status).toBe(201);
      expect((await store.accounts.byEmail(member.email))?.usage.limitBytes).toBe(12_345);
      expect((await new Person(server.address, member.email).tryLogin()).status).toBe(200);
      const again = await new Person(server.address, member.email).trySignup(undefined, claim);
      expect(again.answer.status).toBe(403);
      expect((await prove(member)).status).toBe(403);
    },
  );

  it('is had again for as long as none has made the account: answers may be lost', async () => {
    const member = newMember('member');
    await bring([member]);
    const lost = await claimOf(member);
    const person = new Person(server.address, member.email);
    expect((await person.trySignup(undefined, await claimOf(member))).answer.status).toBe(201);
    // The answer of the sign-up was lost: the same chain and claim are sent again.
    expect((await person.trySignup(undefined, lost)).answer.json.error.code).toBe('refused');
    expect((await person.tryLogin()).status).toBe(200);
  });

  it('holds for ten minutes', async () => {
    const member = newMember('member');
    await bring([member]);
    const claim = await claimOf(member);
    clockMs += 10 * 60_000;
    const late = await new Person(server.address, member.email).trySignup(undefined, claim);
    expect(late.answer.status).toBe(403);
    const person = new Person(server.address, member.email);
    expect((await person.trySignup(undefined, await claimOf(member))).answer.status).toBe(201);
  });

  it('is given for a code, however it is typed, until that has made the account', async () => {
    const member = newMember('member');
    await bring([member], 30, { password: null });
    const code = newCode();
    const address = addressHash(member.email);
    await store.legacy.setCodes([{ address, codeHash: hashCode(code) }], clockMs, audit);
    const typed = ` ${code.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')} `;
    expect(normalCode(typed)).toBe(normalCode(code));
    for (const one of [code, typed]) expect((await finish(member.email, { code: one })).status).toBe(200);
    expect((await finish('stranger@example.org', { code })).status).toBe(403);
    const { json } = await finish(member.email, { code });
    const person = new Person(server.address, member.email);
    expect((await person.trySignup(undefined, json.claim as string)).answer.status).toBe(201);
    expect((await finish(member.email, { code })).status).toBe(403);
  });

  it('is for nobody any more once the time of the import is over', async () => {
    const member = newMember('member');
    await bring([member], 1);
    const claim = await claimOf(member);
    clockMs += DAY_MS;
    const late = await new Person(server.address, member.email).trySignup(undefined, claim);
    expect(late.answer.status).toBe(403);
    for (const email of [member.email, 'stranger@example.org']) {
      expect((await start(email)).json.error.message).toContain('restores no accounts');
    }
  });
});

it('says what it restores, and for whom that is all', async () => {
  const server1 = await ask(server.address, 'GET', '/v1/server');
  expect(server1.json.legacy).toBeUndefined();
  await server.close();
  await bring([newMember('code')], 30, { password: null });
  await serve();
  expect((await ask(server.address, 'GET', '/v1/server')).json.legacy).toEqual({
    service: 'OldBox',
    passwords: false,
  });
  expect((await start('anybody@example.org')).status).toBe(403);
});

it('reads a code aloud without a letter that could be another', () => {
  expect(newCode()).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
  expect(new Set(Array.from({ length: 100 }, newCode)).size).toBe(100);
});

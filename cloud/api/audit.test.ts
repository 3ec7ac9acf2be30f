/** What requests leave in the audit log: each event once, with who did it, and nothing of what must not be there. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DAY_MS } from '../../protocol/limits.ts';
import { ask, base64, makeKey, packed, Person, signWith } from '../../test/fakes/hand-made-client.ts';
import { byOperator, type AuditEntry } from '../audit/entry.ts';
import type { CloudConfig } from '../config.ts';
import { startServer, type RunningServer } from '../server.ts';
import { placeBefore, type AuditQuery } from '../store/audit-store.ts';
import { openEmbeddedStore } from '../store/embedded/embedded-store.ts';
import type { MetadataStore } from '../store/metadata-store.ts';

const EMAIL = 'private.person@example.org';
const NETWORK = '127.0.0.0/24';

let dataDir: string;
let server: RunningServer;
let store: MetadataStore;
let clockMs: number;

async function start(options: Partial<CloudConfig> = {}): Promise<void> {
  server = await startServer({ dataDir, logLevel: 'silent', now: () => clockMs, ...options });
}

beforeEach(async () => {
  clockMs = 1_800_000_000_000;
  dataDir = await mkdtemp(join(tmpdir(), 'coffre-audit-'));
  await start();
  const options = { defaultQuotaBytes: null, exclusive: false, retentionMs: 0, uncommittedMs: 0 };
  store = await openEmbeddedStore({ ...options, dataDir });
});
afterEach(async () => {
  await store.close();
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** Oldest first. */
async function log(which: Partial<AuditQuery> = {}): Promise<readonly AuditEntry[]> {
  const all = { account: null, kind: null, sinceMs: 0, before: placeBefore(1e14), limit: 1000 };
  return (await store.audit.page({ ...all, ...which })).toReversed();
}
const told = (entries: readonly AuditEntry[]): string[] =>
  entries.map(({ kind, actor, times }) => `${kind} ${actor}${times > 1 ? ` ${times}` : ''}`);
/** What happens from here on is in hours of its own. */
const nextHour = (): number => (clockMs += 60 * 60_000);

it('tells of an account’s life as it was, by whom and from where', async () => {
  const person = new Person(server.address, EMAIL);
  const { account } = person;
  const first = await person.signup();
  const second = await person.enrol();
  nextHour();
  const { grant } = await person.grant();
  // Its answer was lost, and it asks again.
  const added = { entry: base64(person.chain.at(-1)!) };
  expect((await ask(server.address, 'POST', '/v1/devices', grant, added)).status).toBe(201);
  const bundle = person.makeBundle(2);
  const registrationRecord = await person.register();
  const password = { registrationRecord, bundle };
  expect((await ask(server.address, 'POST', '/v1/password/finish', grant, password)).status).toBe(204);
  const phrase = { bundle: person.makeBundle(3) };
  expect((await ask(server.address, 'POST', '/v1/phrase', grant, phrase)).status).toBe(204);
  expect((await ask(server.address, 'POST', '/v1/phrase', grant, phrase)).status).toBe(409);
  expect((await ask(server.address, 'DELETE', '/v1/sessions', grant)).status).toBe(204);
  nextHour();
  expect((await person.append({ kind: 'notice', event: 'recovered', atMs: 1 })).status).toBe(200);
  expect((await person.append({ kind: 'revoke', device: second.device, pins: [] })).status).toBe(200);
  nextHour();
  const last = await person.grant();
  expect((await ask(server.address, 'DELETE', '/v1/account', last.grant)).status).toBe(204);
  await server.upkeep.run();

  const entries = await log();
  expect(told(entries)).toEqual([
    'signed-up account',
    'sign-in-begun unknown',
    'signed-in account',
    'device-enrolled account',
    'sign-in-begun unknown',
    'signed-in account',
    'device-returned account',
    'password-changed account',
    'recovery-key-changed account',
    'signed-out account',
    'sign-in-begun unknown 2',
    'signed-in account 2',
    'device-revoked account',
    'sign-in-begun unknown',
    'signed-in account',
    'account-deleted account',
    'account-forgotten system',
  ]);
  const devices = entries.filter(({ device }) => device !== null).map(({ kind, device }) => [kind, device]);
  expect(devices).toEqual([
    ['signed-up', first.device],
    ['device-enrolled', second.device],
    ['device-returned', second.device],
    ['device-revoked', second.device],
  ]);
  expect(new Set(entries.map((entry) => entry.account))).toEqual(new Set([account]));
  // It was deleted, and where it came from with it.
  expect(new Set(entries.map(({ network }) => network))).toEqual(new Set([null]));
});

it('counts guesses by the hour, of those that have an account and of those that nobody has', async () => {
  const person = await new Person(server.address, EMAIL).signup();
  for (let guess = 0; guess < 4; guess += 1) {
    expect((await person.person.tryLogin('guessed')).status).toBe(403);
    expect((await person.person.tryLogin('guessed', 'nobody@example.org')).status).toBe(403);
  }
  const entries = await log({ sinceMs: clockMs });
  const rows = entries.map(({ kind, account, network, times }) => ({ kind, account, network, times }));
  const of = (kind: string, account: string | null) => ({ kind, account, network: NETWORK, times: 4 });
  expect(
    rows.slice(1).toSorted((a, b) => `${a.kind}${a.account}`.localeCompare(`${b.kind}${b.account}`)),
  ).toEqual(
    [
      of('sign-in-begun', person.person.account),
      of('sign-in-begun', null),
      of('sign-in-failed', person.person.account),
      of('sign-in-failed', null),
    ].toSorted((a, b) => `${a.kind}${a.account}`.localeCompare(`${b.kind}${b.account}`)),
  );
  // One that only asks, as the program does when the password is wrong, is seen as well.
  expect(rows.filter(({ kind }) => kind === 'signed-in')).toEqual([]);
});

it('tells recovery from a wrong proof of it, and a stolen token from one that is used', async () => {
  const device = await new Person(server.address, EMAIL).signup();
  const { person } = device;
  for (const key of [makeKey(), person.recovery]) {
    const started = await ask(server.address, 'POST', '/v1/recover/start', null, { email: EMAIL });
    const { recovery, challenge } = started.json as { recovery: string; challenge: string };
    const signature = base64(signWith(key, 'recovery', Buffer.from(challenge, 'base64')));
    await ask(server.address, 'POST', '/v1/recover/finish', null, { recovery, signature });
  }
  expect((await device.refresh()).status).toBe(200);
  clockMs += 10 * 60_000;
  expect((await device.refresh()).status).toBe(403);
  const entries = await log();
  expect(told(entries)).toEqual([
    'signed-up account',
    'recovery-failed unknown',
    'recovery-used account',
    'token-reused unknown',
  ]);
  expect(entries.at(-1)).toMatchObject({ account: person.account, device: device.device });
});

it('tells of packs that were purged by whom has the password, and of no other traffic', async () => {
  const device = await new Person(server.address, EMAIL).signup();
  const view = await device.makeVault();
  const bytes = Buffer.from('what is to be gone for good');
  const added = packed(bytes);
  await device.put(view, bytes);
  await device.commit(view, { added: [added] });
  await device.commit(view, { dropped: [added.pack] });
  await device.refresh();
  const { grant } = await device.person.grant();
  const purge = { packs: [added.pack.name] };
  expect((await ask(server.address, 'POST', `/v1/vaults/${view.vault}/purge`, grant, purge)).status).toBe(
    204,
  );
  const entries = await log();
  expect(told(entries)).toEqual([
    'signed-up account',
    'sign-in-begun unknown',
    'signed-in account',
    'packs-purged account',
  ]);
  expect(entries.at(-1)).toMatchObject({ amount: 1, network: NETWORK });
});

it('holds no address of a person or machine, no token and no password', async () => {
  const device = await new Person(server.address, EMAIL).signup();
  const { grant } = await device.person.grant();
  await device.person.tryLogin('guessed', 'somebody.else@example.org');
  const rows: unknown[] = [];
  await store.tables.read(async (tables) => {
    for await (const row of tables.rows<Record<string, unknown>>('audit_entries'))
      rows.push(...Object.values(row));
  });
  const kept = Buffer.concat(
    rows.map((value) => (value instanceof Uint8Array ? value : Buffer.from(`${String(value)}\n`))),
  );
  expect(kept.includes(Buffer.from(device.person.account, 'hex'))).toBe(true);
  for (const secret of ['private', 'somebody', 'example.org', '127.0.0.1', grant, 'guessed', 'correct horse'])
    expect([secret, kept.includes(secret)]).toEqual([secret, false]);
  // The address is in the database once, where the account is.
  const files = (await readdir(dataDir)).filter((name) => name.startsWith('cloud.sqlite'));
  const all = Buffer.concat(await Promise.all(files.map((name) => readFile(join(dataDir, name)))));
  expect(all.includes('somebody.else')).toBe(false);
});

it('keeps entries for their time, and forgets more of them than one batch has', async () => {
  await server.close();
  await start({ auditRetentionMs: 10 * DAY_MS });
  await new Person(server.address, EMAIL).signup();
  const old = byOperator('invite-made', clockMs - DAY_MS);
  await Promise.all(Array.from({ length: 2500 }, () => store.audit.record(old)));
  clockMs += 9 * DAY_MS;
  await server.upkeep.run();
  expect(await log()).toHaveLength(1000);
  clockMs += 1;
  await server.upkeep.run();
  expect(told(await log())).toEqual(['signed-up account']);
  clockMs += DAY_MS;
  await server.upkeep.run();
  expect(await log()).toEqual([]);
});

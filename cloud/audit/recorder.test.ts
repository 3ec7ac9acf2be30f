import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AccountId, DeviceId } from '../../protocol/ids.ts';
import type { NewAuditEntry } from './entry.ts';
import { AUDIT_KINDS, boundOf, isAuditKind, unitOf, type AuditKind } from './kinds.ts';
import { AuditRecorder, type Caller } from './recorder.ts';

const HOUR_MS = 60 * 60_000;
const account = 'a'.repeat(32) as AccountId;
let nowMs: number;
let recorder: AuditRecorder;

const newAccount = (): AccountId => randomBytes(16).toString('hex') as AccountId;
const from = (network: number | null, actor: Caller['actor'] = 'unknown'): Caller => ({
  actor,
  network: network === null ? null : `192.0.${network}.0/24`,
});
/** How many rows these would be in a store. */
const rowsOf = (entries: readonly NewAuditEntry[]): number =>
  new Set(entries.map(({ tally }) => tally ?? Math.random())).size;
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_none, index) => make(index));

beforeEach(() => {
  nowMs = 500 * HOUR_MS;
  recorder = new AuditRecorder(() => nowMs);
});

describe('an entry', () => {
  it('says what happened, who did it, to what, when and from about where', () => {
    const device = 'd'.repeat(32) as DeviceId;
    expect(recorder.entry('device-enrolled', from(2, 'account'), { account, device })).toEqual({
      kind: 'device-enrolled',
      actor: 'account',
      account,
      device,
      network: '192.0.2.0/24',
      atMs: nowMs,
      amount: null,
      times: 1,
      tally: null,
    });
  });

  it('is one of its own where it leaves something behind, and counted by the hour elsewhere', () => {
    const entries = (kind: AuditKind): NewAuditEntry[] =>
      times(5, () => recorder.entry(kind, from(2, 'account'), { account }));
    expect(rowsOf(entries('device-revoked'))).toBe(5);
    expect(rowsOf(entries('signed-in'))).toBe(1);
    const early = entries('signed-in');
    nowMs += HOUR_MS;
    expect(rowsOf([...early, ...entries('signed-in')])).toBe(2);
  });

  it('is not counted with what differs in anything that is told', () => {
    const other = { account, device: 'd'.repeat(32) as DeviceId };
    const different = [
      recorder.entry('token-reused', from(1), { account }),
      recorder.entry('token-reused', from(2), { account }),
      recorder.entry('token-reused', from(1, 'device'), { account }),
      recorder.entry('token-reused', from(1), other),
      recorder.entry('token-reused', from(1), { account: newAccount() }),
      recorder.entry('signed-out', from(1), { account }),
      recorder.entry('token-reused', from(null), { account }),
    ];
    expect(rowsOf(different)).toBe(different.length);
  });
});

describe('of an hour', () => {
  it('one account fills 21 rows of a kind, from however many networks', () => {
    const entries = times(200, (index) =>
      recorder.entry('password-changed', from(index, 'account'), { account }),
    );
    expect(rowsOf(entries)).toBe(21);
    expect(entries.every((entry) => entry.account === account)).toBe(true);
    // No other account is told less of for it, and this one is told of anew in the next hour.
    const { network } = recorder.entry('password-changed', from(99, 'account'), { account: newAccount() });
    expect(network).toBe('192.0.99.0/24');
    nowMs += HOUR_MS;
    expect(recorder.entry('password-changed', from(99, 'account'), { account }).network).toBe(network);
  });

  it('strangers fill 1,001 rows of a kind, whatever accounts and networks they have', () => {
    const entries = times(5000, (index) =>
      recorder.entry('sign-in-begun', from(index), { account: newAccount() }),
    );
    expect(rowsOf(entries)).toBe(1001);
    expect(entries.at(-1)).toMatchObject({ account: null, network: null });
    // What was told of before still is.
    const [first] = entries;
    expect(recorder.entry('sign-in-begun', from(0), { account: first!.account }).tally).toBe(first!.tally);
    expect(recorder.entry('sign-in-failed', from(0), { account }).account).toBe(account);
  });
});

describe('kinds', () => {
  it('that a request without a proof may cause are never an entry each', () => {
    for (const kind of Object.keys(AUDIT_KINDS) as AuditKind[])
      if (/failed|begun/.test(kind)) expect([kind, boundOf(kind)]).toEqual([kind, 'unproved']);
  });

  it('are known by their names alone', () => {
    expect([isAuditKind('signed-in'), isAuditKind('toString'), isAuditKind('')]).toEqual([
      true,
      false,
      false,
    ]);
    expect([unitOf('quota-changed'), unitOf('signed-in')]).toEqual(['bytes', null]);
  });
});

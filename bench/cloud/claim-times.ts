/**
 * Whether the time of an answer tells who was a member of an older service: members, strangers, and members whose time
 * is over are asked about in turn, by both requests of a claim. Medians, and how sure a rank test is of a difference.
 */
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HttpClient, jsonBody } from '../../sync-engine/remote/http-client.ts';
import { parseServerAddress } from '../../sync-engine/remote/server-address.ts';
import { cloudCommand } from '../../test/scaled/cloud-command.ts';
import { row, type Row } from '../report.ts';
import type { LoadStorage } from './load-services.ts';
import { onBoth } from './on-both.ts';
import { quantile, rankSum } from './statistics.ts';

const KINDS = ['member', 'stranger', 'expired'] as const;
type Kind = (typeof KINDS)[number];
const EACH = 300;
/** What chance alone makes of a fair server in one comparison of a hundred thousand. */
const SURE = 1e-5;

export const claimTimes = onBoth(async (storage, setting) => {
  const each = setting.quick ? 30 : EACH;
  const server = await storage.serve(['--trust-proxy']);
  const client = new HttpClient(parseServerAddress(server.address));
  try {
    await bringMembers(storage, each);
    const rows: Row[] = [];
    for (const step of ['start', 'finish'] as const) {
      setting.say(`claim/${step} for ${each * KINDS.length} addresses in turn`);
      rows.push(...compare(`claim/${step}`, await ask(client, step, each)));
    }
    return rows;
  } finally {
    await client.close();
    await server.stop();
  }
});

const addressOf = (kind: Kind, index: number): string => `${kind}-${index}@example.org`;

async function bringMembers(storage: LoadStorage, each: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'coffre-members-'));
  const run = async (...args: readonly string[]): Promise<void> => {
    const { code, err } = await cloudCommand(['legacy', ...args, ...storage.place], storage.env);
    if (code !== 0) throw new Error(`legacy ${args[0] ?? ''}: ${err}`);
  };
  try {
    const file = join(folder, 'members.csv');
    const expired = Array.from({ length: each }, (_none, index) => addressOf('expired', index));
    const members = Array.from({ length: each }, (_none, index) => addressOf('member', index));
    const lines = [...members, ...expired].map((email) => `${email},${encodedHash()},100GB`);
    writeFileSync(file, ['email,hash,plan', ...lines, ''].join('\n'));
    await run('import', file, '--service', 'OldBox');
    await run('expire', ...expired);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** As Django stores one. */
function encodedHash(): string {
  const salt = randomBytes(12).toString('hex');
  return `pbkdf2_sha256$10000$${salt}$${pbkdf2Sync('x', salt, 10_000, 32, 'sha256').toString('base64')}`;
}

/** Times in ms by kind: each address once, in a random order, each from a network of its own. */
async function ask(
  client: HttpClient,
  step: 'start' | 'finish',
  each: number,
): Promise<ReadonlyMap<Kind, readonly number[]>> {
  const questions = KINDS.flatMap((kind) =>
    Array.from({ length: each }, (_none, index) => ({
      kind,
      email: addressOf(kind, index),
      order: Math.random(),
    })),
  ).sort((a, b) => a.order - b.order);
  const proof = step === 'start' ? {} : { hash: randomBytes(32).toString('base64') };
  const times = new Map<Kind, number[]>(KINDS.map((kind) => [kind, []]));
  for (const [index, { kind, email }] of questions.entries()) {
    const network = `10.${step === 'start' ? 1 : 2}.${index >> 8}.${index & 255}`;
    const began = performance.now();
    const answer = await client.request({
      method: 'POST',
      path: `/v1/claim/${step}`,
      headers: { 'x-forwarded-for': network },
      body: jsonBody({ email, ...proof }),
    });
    times.get(kind)?.push(performance.now() - began);
    const isExpected = answer.ok
      ? step === 'start'
      : step === 'finish' && answer.error.error.code === 'refused';
    if (!isExpected) throw new Error(`claim/${step} answers ${JSON.stringify(answer)}`);
  }
  return times;
}

function compare(name: string, times: ReadonlyMap<Kind, readonly number[]>): Row[] {
  const of = (kind: Kind): readonly number[] => times.get(kind) ?? [];
  const stranger = of('stranger');
  return KINDS.map((kind) => {
    const own = of(kind);
    const ninth = `p10 ${quantile(own, 0.1).toFixed(3)}, p90 ${quantile(own, 0.9).toFixed(3)}`;
    const { above, p } = rankSum(own, stranger);
    const verdict = p < SURE ? 'TELLS' : 'does not tell';
    const against = `above a stranger's ${(above * 100).toFixed(1)} % of the time, p ${p.toPrecision(2)}: ${verdict}`;
    return row(`${name}, ${kind}: median of ${own.length} (ms)`, quantile(own, 0.5), {
      note: kind === 'stranger' ? ninth : `${ninth}; ${against}`,
    });
  });
}

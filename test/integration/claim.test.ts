/** A member of an older service gets an account back: from the operator's file to a folder that two devices keep. */
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { World } from './harness.ts';

vi.setConfig({ testTimeout: 240_000 });

const OLD = 'the password of the older service';

function encodedHash(password: string): string {
  const salt = randomBytes(12).toString('hex');
  const hash = pbkdf2Sync(password, salt, 20_000, 32, 'sha256');
  return `pbkdf2_sha256$20000$${salt}$${hash.toString('base64')}`;
}

const legacy = (world: World, ...words: string[]): Promise<string> =>
  world.server.operate('legacy', ...words);

it('an operator’s file becomes an account on a closed server, by the old password or by a code', async () => {
  const world = await World.begin(['--signup', 'closed']);
  try {
    const file = join(world.place, 'members.csv');
    writeFileSync(file, `email,hash,plan\n${world.email},${encodedHash(OLD)},5GB\nother@example.org,,\n`);
    await legacy(world, 'import', file, '--service', 'OldBox');

    const desk = world.machine('Desk');
    const enrol = world.enrolArguments(desk);
    const claim = ['claim', ...enrol];
    const wrong = await desk.cli(claim, { COFFRE_OLD_PASSWORD: 'guessed' });
    expect([wrong.code, wrong.errorCode]).toEqual([5, 'refused']);
    const same = await desk.cli(claim, { COFFRE_OLD_PASSWORD: OLD, COFFRE_PASSWORD: OLD });
    expect([same.code, same.errorCode]).toEqual([2, 'bad-input']);
    const made = await desk.cli(claim, { COFFRE_OLD_PASSWORD: OLD });
    expect(made.code).toBe(0);
    expect(Object.keys(made.json).toSorted()).toEqual([
      'account',
      'device',
      'deviceName',
      'pair',
      'recoveryPhrase',
    ]);
    world.phrase = String(made.json['recoveryPhrase']);
    await desk.learnPid();
    expect((await desk.ok('quota')).json).toMatchObject({ limitBytes: 5_000_000_000 });

    writeFileSync(join(desk.folder, 'kept.txt'), 'what was still there');
    expect((await desk.wait()).code).toBe(0);
    const laptop = await world.device('Laptop');
    expect((await laptop.wait()).code).toBe(0);
    expect(readFileSync(join(laptop.folder, 'kept.txt'), 'utf8')).toBe('what was still there');

    const codes = (await legacy(world, 'codes')).trimEnd().split('\n').slice(1);
    expect(codes).toHaveLength(1);
    const [email, code] = codes[0]!.split(',') as [string, string];
    const phone = world.machine('Phone');
    const where = world.enrolArguments(phone).map((word) => (word === world.email ? email : word));
    const again = ['claim', ...where, '--code', code.toLowerCase()];
    expect((await phone.cli(again)).code).toBe(0);
    await phone.learnPid();
    const late = world.machine('Late');
    const tooLate = world.enrolArguments(late).map((word) => (word === world.email ? email : word));
    expect((await late.cli(['claim', ...tooLate, '--code', code])).errorCode).toBe('refused');
    expect(await legacy(world, 'list')).toBe('0 wait, 2 have come, 0 ran out\n');
    // What went over the wire had neither password in it.
    for (const secret of [OLD, world.password]) {
      expect(world.wire.recorded().includes(Buffer.from(secret))).toBe(false);
    }
  } finally {
    await world.end();
  }
});

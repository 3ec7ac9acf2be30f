import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AccountWorld, EMAIL, epochCommit, makeVault, PASSWORD } from '../../test/fakes/account-world.ts';
import type { DeviceIdentity } from '../engine/device-identity.ts';
import { parseServerAddress } from '../remote/server-address.ts';
import type { ChainNews } from './chain-follow.ts';
import { changePassword } from './change-password.ts';
import { listDevices } from './devices.ts';
import { Home } from './home.ts';
import { deleteAccount, logout, signOutOthers, withGrant } from './leave.ts';
import { login } from './login.ts';
import { OpenDevice } from './open-device.ts';
import { renewPhrase, showPhrase } from './phrase.ts';
import { recoverOnDevice, recoverWithNewDevice } from './recover.ts';
import { revokeDevice } from './revoke-device.ts';
import { signup } from './signup.ts';
import { moveToServer, signInAgain } from './stay.ts';

let world: AccountWorld;

beforeEach(async () => {
  world = await AccountWorld.start();
});
afterEach(async () => {
  await world.close();
});

const NO_HEADS = () => null;

describe('sign-up', () => {
  it('makes an account whose first device can work, and shows 24 words', async () => {
    const { device, phrase } = await world.signup();
    expect(phrase.split(' ')).toHaveLength(24);
    const identity: DeviceIdentity = device;
    expect(identity.deviceName).toBe('Desk');
    expect(device.nameOf(device.device)).toBe('Desk');
    expect((await device.connection.cloud.account()).account).toBe(device.account);
    expect(await device.connection.cloud.vaults()).toEqual([]);
  });

  it('keeps neither words nor password nor keys readable in the home, and closes it to others', async () => {
    const { device, phrase } = await world.signup();
    const { home } = device;
    expect((await stat(home.path)).mode & 0o777).toBe(0o700);
    const files = await readdir(home.path, { recursive: true, withFileTypes: true });
    const secret = [PASSWORD, ...phrase.split(' ').slice(0, 1), device.secrets.secrets.refreshToken];
    for (const file of files.filter((one) => one.isFile())) {
      const path = join(file.parentPath, file.name);
      const bytes = await readFile(path);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect(secret.filter((text) => bytes.includes(` ${text} `) || bytes.includes(text)).length).toBe(0);
      for (const key of [device.signSecret.subarray(0, 32), device.boxSecret]) {
        expect(bytes.includes(Buffer.from(key))).toBe(false);
      }
    }
  });

  it('refuses a taken address, and says what to do', async () => {
    await world.signup();
    const enrolment = await world.enrolment();
    const again = signup({ enrolment, password: 'other', invite: null, old: null }, world.tools);
    await expect(again).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('e-mail'),
    });
    expect(await enrolment.home.config()).toBeNull();
  });

  it.each([
    [{ email: 'nobody' }, 'e-mail'],
    [{ deviceName: '' }, 'device name'],
  ])('refuses %o before anything is sent', async (given, why) => {
    await expect(world.signup(given)).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining(why),
    });
  });

  it('says when sign-up is closed or by invitation', async () => {
    for (const [mode, message] of [
      ['closed', 'takes no new accounts'],
      ['invite', 'invitation only'],
    ] as const) {
      const closed = await AccountWorld.start({ signup: mode });
      await expect(closed.signup()).rejects.toMatchObject({
        code: 'refused',
        message: expect.stringContaining(message),
      });
      await closed.close();
    }
  });

  it('takes an unlock key of the keychain in place of a passphrase', async () => {
    const unlockKey = world.tools.random(32);
    const enrolment = await world.enrolment({ lock: { kind: 'keychain', unlockKey } });
    await signup({ enrolment, password: PASSWORD, invite: null, old: null }, world.tools);
    await expect(world.open(enrolment.home)).rejects.toMatchObject({ code: 'locked' });
    const hooks = { news: () => undefined, signedOut: () => undefined };
    const wrong = { kind: 'keychain', unlockKey: world.tools.random(32) } as const;
    await expect(OpenDevice.open(enrolment.home, wrong, hooks, world.tools)).rejects.toMatchObject({
      code: 'refused',
    });
    const right = { kind: 'keychain', unlockKey } as const;
    const device = await OpenDevice.open(enrolment.home, right, hooks, world.tools);
    expect(device.config.lock).toBe('keychain');
    await device.close();
  });
});

describe('login', () => {
  it('adds a device that reads what is there and what comes', async () => {
    const { device: first } = await world.signup();
    const made = await makeVault(first);
    const second = await world.login({ deviceName: 'Lap' });
    expect(second.vaultKeys(made.vault).epochs()).toEqual([0]);
    expect(Buffer.from(second.vaultKeys(made.vault).epochKey(0))).toEqual(Buffer.from(made.key));
    await first.followChain();
    expect([...first.chain().devices.keys()]).toEqual([first.device, second.device]);
    expect(first.nameOf(second.device)).toBe('Lap');
  });

  it('announces the new device to the others, once', async () => {
    const news: ChainNews[] = [];
    const { device: first } = await world.signup({}, { news: (some) => news.push(...some) });
    const second = await world.login();
    await first.followChain();
    await first.followChain();
    expect(news).toMatchObject([{ kind: 'device-added', device: second.device }]);
  });

  it('takes the address in any case, and refuses a wrong password and an unknown address alike', async () => {
    await world.signup();
    await world.login({ email: ` ${EMAIL.toUpperCase()} ` });
    const wrong = await login(await world.enrolment(), 'wrong', world.tools).catch((error: unknown) => error);
    const unknown = await login(
      await world.enrolment({ email: 'nobody@example.org' }),
      PASSWORD,
      world.tools,
    ).catch((error: unknown) => error);
    expect(wrong).toMatchObject({ code: 'refused', message: expect.stringContaining('password') });
    expect(String(unknown)).toBe(String(wrong));
  });

  it('lets two devices in at the same moment', async () => {
    await world.signup();
    const [left, right] = await Promise.all([world.login(), world.login()]);
    await left.followChain();
    expect([...left.chain().devices.keys()]).toContain(right.device);
  });

  it('makes a home of before another device, and leaves nothing of the old one', async () => {
    const { device: first } = await world.signup();
    const old = first.device;
    const { home } = first;
    await first.close();
    await login(await world.enrolment({ home }), PASSWORD, world.tools);
    const again = await world.open(home);
    expect(again.device).not.toBe(old);
    expect(await readdir(join(home.path, 'identity'))).toEqual([again.device]);
  });
});

describe('addresses', () => {
  it('says when nobody, or somebody else, answers', async () => {
    const address = parseServerAddress('http://127.0.0.1:1');
    await expect(world.login({ address })).rejects.toMatchObject({ code: 'server-unreachable' });
  });

  it('pins a certificate the server made itself', async () => {
    const secure = await AccountWorld.start({ tls: { kind: 'self-signed' } });
    const address = parseServerAddress(secure.server.address);
    expect(address.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    const { device } = await secure.signup({ address });
    const made = await makeVault(device);
    expect((await device.connection.cloud.vaults()).map((one) => one.vault)).toEqual([made.vault]);
    const other = { ...address, fingerprint: 'ab'.repeat(32) };
    await expect(secure.login({ address: other })).rejects.toMatchObject({ code: 'server-certificate' });
    const unpinned = { ...address, fingerprint: null };
    await expect(secure.login({ address: unpinned })).rejects.toMatchObject({ code: 'server-certificate' });
    await secure.close();
  });

  it('moves to another address of the same server, and to no other server', async () => {
    const { device } = await world.signup();
    const other = await AccountWorld.start();
    await expect(moveToServer(device, parseServerAddress(other.server.address))).rejects.toMatchObject({
      code: 'signed-out',
    });
    expect(device.config.server.origin).toBe(world.server.address);
    const moved = parseServerAddress(world.server.address.replace('127.0.0.1', 'localhost'));
    await moveToServer(device, moved);
    expect((await device.home.requireConfig()).server).toEqual(moved);
    expect(await device.connection.cloud.vaults()).toEqual([]);
    await other.close();
  });
});

describe('the 24 words', () => {
  it('are shown again for the password, also after it changed, and to nobody without it', async () => {
    const { device, phrase } = await world.signup();
    expect(await showPhrase(device, PASSWORD)).toBe(phrase);
    await expect(showPhrase(device, 'wrong')).rejects.toMatchObject({ code: 'refused' });
    await changePassword(device, { oldPassword: PASSWORD, newPassword: 'next' });
    expect(await showPhrase(device, 'next')).toBe(phrase);
    await recoverOnDevice(device, { phrase, newPassword: 'third' });
    expect(await showPhrase(device, 'third')).toBe(phrase);
  });

  it('are replaced: the new ones open the account, the old ones no more, and other devices tell of it', async () => {
    const news: ChainNews[] = [];
    const { device, phrase } = await world.signup();
    const other = await world.login({}, { news: (some) => news.push(...some) });
    await expect(renewPhrase(device, 'wrong')).rejects.toMatchObject({ code: 'refused' });
    const next = await renewPhrase(device, PASSWORD);
    expect(next).not.toBe(phrase);
    expect(await showPhrase(device, PASSWORD)).toBe(next);
    await other.connection.cloud.account();
    await other.followChain();
    expect(news.map((one) => one.kind)).toContain('phrase-renewed');
    await expect(recoverOnDevice(other, { phrase, newPassword: 'x' })).rejects.toMatchObject({
      code: 'refused',
    });
    await recoverOnDevice(other, { phrase: next, newPassword: 'y' });
    expect(await showPhrase(other, 'y')).toBe(next);
  });
});

describe('signing everybody else out', () => {
  it('ends the other sessions for good, until the password is given there', async () => {
    let signedOut = 0;
    const { device } = await world.signup();
    const other = await world.login({}, { signedOut: () => (signedOut += 1) });
    await expect(signOutOthers(device, 'wrong')).rejects.toMatchObject({ code: 'refused' });
    await other.connection.cloud.account();
    await signOutOthers(device, PASSWORD);
    await device.connection.cloud.account();
    await expect(other.connection.cloud.account()).rejects.toMatchObject({ fault: 'unauthorized' });
    expect(signedOut).toBe(1);

    // Its keys alone do not bring it back, not even after a restart.
    await other.close();
    const reopened = await world.open(other.home);
    await expect(reopened.connection.cloud.account()).rejects.toMatchObject({ fault: 'unauthorized' });
    await signInAgain(reopened, PASSWORD);
    await reopened.connection.cloud.account();
    expect(reopened.device).toBe(other.device);
  });
});

describe('the password', () => {
  it('changes: the old one is out, this device stays in, others sign in again as themselves', async () => {
    const news: ChainNews[] = [];
    let signedOut = 0;
    const { device } = await world.signup();
    const other = await world.login(
      {},
      { news: (some) => news.push(...some), signedOut: () => (signedOut += 1) },
    );
    await expect(changePassword(device, { oldPassword: 'wrong', newPassword: 'next' })).rejects.toMatchObject(
      { code: 'refused' },
    );
    await changePassword(device, { oldPassword: PASSWORD, newPassword: 'next' });
    await device.connection.cloud.account();
    await expect(login(await world.enrolment(), PASSWORD, world.tools)).rejects.toMatchObject({
      code: 'refused',
    });
    await expect(other.connection.cloud.account()).rejects.toMatchObject({ fault: 'unauthorized' });
    expect(signedOut).toBe(1);
    await signInAgain(other, 'next');
    await other.followChain();
    expect(news.map((one) => one.kind)).toContain('password-changed');
    expect([...other.chain().devices.keys()]).toHaveLength(2);

    await other.close();
    await expect(world.open(other.home)).rejects.toMatchObject({ code: 'refused' });
    const reopened = await world.open(other.home, 'next');
    await reopened.connection.cloud.account();
  });

  it('comes back by the phrase, on a new device', async () => {
    const { device, phrase } = await world.signup();
    const made = await makeVault(device);
    const enrolment = await world.enrolment({ lock: { kind: 'passphrase', passphrase: 'next' } });
    await recoverWithNewDevice(enrolment, { phrase, newPassword: 'next' }, world.tools);
    const recovered = await world.open(enrolment.home, 'next');
    expect(Buffer.from(recovered.vaultKeys(made.vault).epochKey(0))).toEqual(Buffer.from(made.key));
    expect(recovered.chain().notices).toMatchObject([{ event: 'recovered' }]);
    await signInAgain(device, 'next');
  });

  it('comes back by the phrase, on a device that is open', async () => {
    const { device, phrase } = await world.signup();
    const numbered = phrase.split(' ').map((word, index) => `${index + 1}. ${word.toUpperCase()}`);
    await recoverOnDevice(device, { phrase: numbered.join('\n'), newPassword: 'next' });
    await device.connection.cloud.account();
    await device.close();
    await world.open(device.home, 'next');
  });

  it('says what is wrong with a phrase, word for word but without the word', async () => {
    const { device, phrase } = await world.signup();
    const recover = async (text: string): Promise<unknown> =>
      recoverOnDevice(device, { phrase: text, newPassword: 'next' }).catch((error: unknown) => error);
    const words = phrase.split(' ');
    expect(await recover(words.with(6, 'hunter2').join(' '))).toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining('word 7'),
    });
    expect(String(await recover(words.with(6, 'hunter2').join(' ')))).not.toContain('hunter2');
    expect(await recover(words.slice(1).join(' '))).toMatchObject({
      message: expect.stringContaining('not 23'),
    });
    const others = await AccountWorld.start();
    const foreign = (await others.signup()).phrase;
    await others.close();
    expect(await recover(foreign)).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('phrase'),
    });
  });
});

describe('revocation', () => {
  it('ends a device, pins the heads, and reaches the others', async () => {
    const { device: first } = await world.signup();
    const made = await makeVault(first);
    const second = await world.login();
    const news: ChainNews[] = [];
    const third = await world.login({}, { news: (some) => news.push(...some) });

    const wrong = { target: second.device, password: 'wrong', verifiedHead: NO_HEADS };
    await expect(revokeDevice(first, wrong)).rejects.toMatchObject({ code: 'refused' });
    await revokeDevice(first, { ...wrong, password: PASSWORD });
    const revoked = first.chain().devices.get(second.device)?.revoked;
    expect(revoked?.pins).toEqual([{ vault: made.vault, ...made.head }]);
    await expect(second.connection.cloud.account()).rejects.toMatchObject({ fault: 'unauthorized' });
    await third.followChain();
    expect(news).toEqual([{ kind: 'device-revoked', device: second.device }]);
    await expect(signInAgain(second, PASSWORD)).rejects.toMatchObject({ code: 'signed-out' });
    await revokeDevice(third, { ...wrong, password: PASSWORD });
  });

  it('makes a new epoch that a later device reads, back to the first', async () => {
    const { device: first } = await world.signup();
    const made = await makeVault(first);
    const second = await world.login();
    const request = { target: second.device, password: PASSWORD, verifiedHead: NO_HEADS };
    await revokeDevice(first, request);
    const next = epochCommit(first, {
      vault: made.vault,
      epoch: 1,
      previous: made.head,
      previousKey: made.key,
    });
    expect(await first.connection.cloud.commit(made.vault, next.frame)).toMatchObject({ kind: 'committed' });
    const third = await world.login();
    const ring = third.vaultKeys(made.vault);
    expect(ring.epochs()).toEqual([0, 1]);
    expect([0, 1].map((epoch) => Buffer.from(ring.epochKey(epoch)))).toEqual([
      Buffer.from(made.key),
      Buffer.from(next.key),
    ]);
  });

  it('refuses this device, an unknown one, and a server that shows an older head', async () => {
    const { device: first } = await world.signup();
    const made = await makeVault(first);
    const second = await world.login();
    const revoke = (target: typeof first.device, seq: number) =>
      revokeDevice(first, {
        target,
        password: PASSWORD,
        verifiedHead: () => ({ seq, hash: made.head.hash }),
      });
    await expect(revoke(first.device, 1)).rejects.toMatchObject({ code: 'bad-input' });
    await expect(revoke('ab'.repeat(16) as typeof first.device, 1)).rejects.toMatchObject({
      code: 'not-found',
    });
    await expect(revoke(second.device, 2)).rejects.toMatchObject({ code: 'verification' });
    await revoke(second.device, 1);
  });
});

describe('leaving', () => {
  it('signs out: the home forgets, the session is over', async () => {
    const { device } = await world.signup();
    const { home } = device;
    await logout(device);
    await expect(home.requireConfig()).rejects.toMatchObject({ code: 'not-set-up' });
    expect(await readdir(join(home.path, 'identity'))).toEqual([]);
    const back = await world.login({ home });
    const devices = await listDevices(back);
    expect(devices.map(({ current }) => current)).toEqual([false, true]);
  });

  it('signs out though the server is away', async () => {
    const { device } = await world.signup();
    await world.server.close();
    await logout(device);
    expect(await device.home.config()).toBeNull();
  });

  it('deletes the account with the password only', async () => {
    const { device } = await world.signup();
    await expect(deleteAccount(device, 'wrong')).rejects.toMatchObject({ code: 'refused' });
    await deleteAccount(device, PASSWORD);
    await expect(world.login()).rejects.toMatchObject({ code: 'refused' });
    await world.signup();
  });

  it('gives a grant for one piece of work', async () => {
    const { device } = await world.signup();
    const made = await makeVault(device);
    await withGrant(device, PASSWORD, (grant) => device.connection.cloud.purge(made.vault, [], grant));
    await expect(device.connection.cloud.purge(made.vault, [], 'none')).rejects.toMatchObject({
      fault: 'unauthorized',
    });
  });
});

describe('the home', () => {
  it('is not used when it was copied', async () => {
    const { device } = await world.signup();
    const copy = `${device.home.path}-copy`;
    const files = await readdir(device.home.path, { recursive: true, withFileTypes: true });
    for (const file of files.filter((one) => one.isFile())) {
      const to = join(file.parentPath.replace(device.home.path, copy), file.name);
      await mkdir(join(to, '..'), { recursive: true });
      await copyFile(join(file.parentPath, file.name), to);
    }
    await expect(world.open(await Home.open(copy))).rejects.toMatchObject({
      code: 'signed-out',
      hint: expect.stringContaining('coffre login'),
    });
  });

  it.each(['config.json', 'secrets', 'chain', 'key-file'])('says so when %s is damaged', async (name) => {
    const { device } = await world.signup();
    const { home } = device;
    const path = name === 'config.json' ? name : join('identity', device.device, name);
    await device.close();
    const bytes = await readFile(join(home.path, path));
    await writeFile(join(home.path, path), bytes.subarray(0, bytes.length - 5));
    const opened = world.open(home);
    await expect(opened).rejects.toMatchObject({
      code: name === 'key-file' ? 'refused' : 'home-damaged',
    });
    await writeFile(join(home.path, path), 'x');
    await expect(world.open(home)).rejects.toMatchObject({ code: 'home-damaged' });
  });

  it('keeps what was told to keep across a restart', async () => {
    const { device } = await world.signup();
    const made = await makeVault(device);
    await Promise.all(
      [0, 1, 2].map((epoch) => device.keepEpochKey(made.vault, epoch, Buffer.alloc(32, epoch))),
    );
    await device.close();
    const again = await world.open(device.home);
    expect(again.vaultKeys(made.vault).epochs()).toEqual([0, 1, 2]);
    expect(Buffer.from(again.vaultKeys(made.vault).epochKey(2))).toEqual(Buffer.alloc(32, 2));
  });
});

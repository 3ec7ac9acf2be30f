import { argon2Sync, randomBytes } from 'node:crypto';
import { createSHA512, pbkdf2 } from 'hash-wasm';
import { expect, it } from 'vitest';
import type { LegacyParameters } from '../../protocol/legacy.ts';
import { legacyHash } from './legacy-hash.ts';

const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64');
const salt = randomBytes(16);
const password = 'pässword';

async function computed(text: string, parameters: LegacyParameters): Promise<string> {
  return Buffer.from(await legacyHash({ password: text, parameters })).toString('hex');
}

it.each([
  [
    // $2b$08$abcdefghijklmnopqrstuuFOySVLSLnDYPftThisZ/K7DU3GLQUia
    'bcrypt as libcrypt does',
    'abc',
    { scheme: 'bcrypt', cost: 8, salt: 'cdefghijklmnopqrstuvww==' },
    '1d0d145cd50da4569186f56392e6c133d156e483525a47',
  ],
  [
    'PBKDF2 as RFC 7914 says',
    'Password',
    { scheme: 'pbkdf2-sha256', iterations: 80_000, bytes: 64, salt: base64('NaCl') },
    '4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d',
  ],
  [
    'scrypt as RFC 7914 says',
    'pleaseletmein',
    { scheme: 'scrypt', log2N: 14, r: 8, p: 1, bytes: 64, salt: base64('SodiumChloride') },
    '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887',
  ],
  [
    'argon2id as the reference program does',
    'password',
    {
      scheme: 'argon2id',
      memory: 65_536,
      iterations: 2,
      parallelism: 1,
      bytes: 32,
      salt: base64('somesalt'),
    },
    '09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7',
  ],
] as const)(
  'computes %s',
  async (_name, text, parameters, hash) => {
    expect(await computed(text, parameters)).toBe(hash);
  },
  60_000,
);

it('computes what another program does with several lanes, and with SHA-512', async () => {
  const lanes = { memory: 4096, parallelism: 4 };
  const argon2 = { message: password, nonce: salt, passes: 2, tagLength: 24, ...lanes };
  const wanted = argon2Sync('argon2id', argon2).toString('hex');
  const parameters = { scheme: 'argon2id', iterations: 2, bytes: 24, salt: base64(salt), ...lanes } as const;
  expect(await computed(password, parameters)).toBe(wanted);

  const cost = { iterations: 10_000, salt: base64(salt) };
  const other = { password, salt, iterations: 10_000, hashLength: 64, hashFunction: createSHA512() };
  expect(await computed(password, { scheme: 'pbkdf2-sha512', bytes: 64, ...cost })).toBe(await pbkdf2(other));
}, 60_000);

it('takes of a long password what bcrypt takes', async () => {
  const parameters = { scheme: 'bcrypt', cost: 8, salt: base64(salt) } as const;
  const long = await computed(`${'x'.repeat(72)} and more`, parameters);
  expect(long).toBe(await computed('x'.repeat(72), parameters));
  expect(long).not.toBe(await computed('x'.repeat(71), parameters));
}, 60_000);

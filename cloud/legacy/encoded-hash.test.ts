import { pbkdf2Sync, randomBytes, scryptSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseEncodedHash } from './encoded-hash.ts';

const unpadded = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replaceAll('=', '');
const passlib = (bytes: Uint8Array): string => unpadded(bytes).replaceAll('+', '.');

describe('an encoded hash', () => {
  const salt = Buffer.from([251, 255, 190, ...randomBytes(13)]);
  const letters = 'Zk3vQ9rT1mWx';
  const [pbkdf2, scrypt] = [
    pbkdf2Sync('p', salt, 10_000, 32, 'sha256'),
    scryptSync('p', salt, 32, { N: 16_384, r: 8, p: 1 }),
  ];
  const of256 = { scheme: 'pbkdf2-sha256', iterations: 10_000, bytes: 32 };
  const ofScrypt = { scheme: 'scrypt', log2N: 14, r: 8, p: 1, bytes: 32 };

  it.each([
    ['passlib', `$pbkdf2-sha256$10000$${passlib(salt)}$${passlib(pbkdf2)}`, of256, salt, pbkdf2],
    ['PHC', `$pbkdf2-sha256$i=10000,l=32$${unpadded(salt)}$${unpadded(pbkdf2)}`, of256, salt, pbkdf2],
    ['Django', `pbkdf2_sha256$10000$${letters}$${pbkdf2.toString('base64')}`, of256, letters, pbkdf2],
    ['Werkzeug', `pbkdf2:sha256:10000$${letters}$${pbkdf2.toString('hex')}`, of256, letters, pbkdf2],
    [
      'passlib, longer',
      `$pbkdf2-sha512$25000$${passlib(salt)}$${passlib(Buffer.alloc(64, 9))}`,
      { scheme: 'pbkdf2-sha512', iterations: 25_000, bytes: 64 },
      salt,
      Buffer.alloc(64, 9),
    ],
    ['PHC', `$scrypt$ln=14,r=8,p=1$${unpadded(salt)}$${unpadded(scrypt)}`, ofScrypt, salt, scrypt],
    ['Django', `scrypt$${letters}$16384$8$1$${scrypt.toString('base64')}`, ofScrypt, letters, scrypt],
    ['Werkzeug', `scrypt:16384:8:1$${letters}$${scrypt.toString('hex')}`, ofScrypt, letters, scrypt],
    [
      'the reference program',
      '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
      { scheme: 'argon2id', memory: 65_536, iterations: 2, parallelism: 1, bytes: 32 },
      'somesalt',
      Buffer.from('09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7', 'hex'),
    ],
  ])('as of %s is read: %s', (_of, text, parameters, ofSalt, hash) => {
    const wanted = { ...parameters, salt: Buffer.from(ofSalt).toString('base64') };
    expect(parseEncodedHash(text)).toEqual({ ok: true, parameters: wanted, hash: Buffer.from(hash) });
  });

  it.each(['2a', '2b', '2y'])('of bcrypt is read with the prefix %s', (prefix) => {
    // What libcrypt makes of "abc".
    const parsed = parseEncodedHash(`$${prefix}$08$abcdefghijklmnopqrstuuFOySVLSLnDYPftThisZ/K7DU3GLQUia`);
    expect(parsed).toMatchObject({ ok: true, parameters: { scheme: 'bcrypt', cost: 8 } });
    expect(parsed.ok && parsed.hash).toHaveLength(23);
    expect(parsed.ok && Buffer.from(parsed.parameters.salt, 'base64')).toHaveLength(16);
  });

  it.each([
    ['$2b$07$abcdefghijklmnopqrstuuFOySVLSLnDYPftThisZ/K7DU3GLQUia', /too cheap .*cost 7/],
    ['$2b$20$abcdefghijklmnopqrstuuFOySVLSLnDYPftThisZ/K7DU3GLQUia', /too long .*cost 20/],
    ['$2x$08$abcdefghijklmnopqrstuuFOySVLSLnDYPftThisZ/K7DU3GLQUia', /broken bcrypt/],
    [`$pbkdf2-sha256$1000$${passlib(salt)}$${passlib(pbkdf2)}`, /too cheap .*iterations 1000/],
    [`$scrypt$ln=10,r=8,p=1$${unpadded(salt)}$${unpadded(scrypt)}`, /too cheap .*log2N 10/],
    [`$scrypt$ln=20,r=64,p=1$${unpadded(salt)}$${unpadded(scrypt)}`, /too long/],
    [`scrypt$${letters}$16383$8$1$${scrypt.toString('base64')}`, /do not take|too/],
    ['$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc', /argon2i/],
    ['5f4dcc3b5aa765d61d8327deb882cf99', /bare hexadecimal/],
    ['', /is not an encoded hash/],
    ['secret-password', /is not an encoded hash/],
  ])('that no device could or should compute is refused with why: %s', (text, why) => {
    const parsed = parseEncodedHash(text);
    expect(parsed).toMatchObject({ ok: false, why: expect.stringMatching(why) as string });
    expect(JSON.stringify(parsed)).not.toContain('secret-password');
  });
});

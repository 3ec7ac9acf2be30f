import { describe, expect, it } from 'vitest';
import { PersonError } from '../../protocol/errors.ts';
import { formatServerAddress, parseServerAddress } from './server-address.ts';

const FINGERPRINT = 'ab'.repeat(32);

describe('a server address', () => {
  it.each([
    ['https://cloud.example.org', 'https://cloud.example.org'],
    ['cloud.example.org:8443', 'https://cloud.example.org:8443'],
    [' HTTPS://Cloud.Example.org:443/ ', 'https://cloud.example.org'],
    ['http://127.0.0.1:80', 'http://127.0.0.1'],
    ['http://localhost:7000', 'http://localhost:7000'],
    ['http://[::1]:7000/', 'http://[::1]:7000'],
  ])('reads %s', (text, origin) => {
    expect(parseServerAddress(text)).toEqual({ origin, fingerprint: null, caPem: null });
  });

  it('carries the fingerprint of a self-made certificate there and back', () => {
    const colons = FINGERPRINT.toUpperCase().replace(/(..)(?=.)/g, '$1:');
    const address = parseServerAddress(`https://10.0.0.7:7777/#${colons}`);
    expect(address.fingerprint).toBe(FINGERPRINT);
    expect(formatServerAddress(address)).toBe(`https://10.0.0.7:7777/#${FINGERPRINT}`);
    expect(parseServerAddress(formatServerAddress(address))).toEqual(address);
  });

  it.each([
    ['http://cloud.example.org', 'https:// only'],
    ['http://localhost.example.org', 'https:// only'],
    ['http://127.0.0.1.example.org', 'https:// only'],
    ['http://0.0.0.0:80', 'https:// only'],
    ['ftp://cloud.example.org', 'begin with https'],
    ['https://me:secret@cloud.example.org', 'more than a host'],
    ['https://cloud.example.org/files', 'more than a host'],
    ['https://cloud.example.org/?a=b', 'more than a host'],
    ['https://cloud.example.org/#abcd', 'not a certificate fingerprint'],
    [`http://127.0.0.1/#${FINGERPRINT}`, 'not a certificate fingerprint'],
    ['https://', 'not an address'],
    ['', 'not an address'],
  ])('refuses %s', (text, why) => {
    const parse = () => parseServerAddress(text);
    expect(parse).toThrow(PersonError);
    expect(parse).toThrow(why);
  });

  it('refuses an authority that is none, or that could have no effect', () => {
    expect(() => parseServerAddress('https://a.example', 'no pem')).toThrow('holds no certificate');
    expect(() => parseServerAddress(`https://a.example/#${FINGERPRINT}`, 'pem')).toThrow('of no effect');
    expect(() => parseServerAddress('http://localhost', 'pem')).toThrow('has no certificate');
  });
});

/**
 * The address of an account server as people write and share it: `https://HOST[:PORT]`, plain http for this
 * very machine only, and for a server with a self-made certificate `https://HOST:PORT/#SHA256`, where SHA256 is
 * the certificate's fingerprint in hex. Whoever has the fingerprint needs no authority, so it replaces them.
 */
import { X509Certificate } from 'node:crypto';
import { PersonError } from '../../protocol/errors.ts';

export interface ServerAddress {
  /** Scheme, host and port, without a slash at the end. */
  readonly origin: string;
  /** SHA-256 of the server certificate's DER, 64 lower-case hex digits: only that certificate is accepted. */
  readonly fingerprint: string | null;
  /** PEM of a private authority trusted for this server alone. */
  readonly caPem: string | null;
}

/** @param hostname as an URL has it */
export function isLoopbackHost(hostname: string): boolean {
  return LOOPBACK.test(hostname);
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const FINGERPRINT = /^[0-9a-f]{64}$/;
const EXAMPLE =
  'Write it like https://cloud.example.org, or copy the address the server printed when it started.';

/**
 * @param text what a person typed; `https://` may be left out, the fingerprint may have colons and capitals
 * @param caPem the text of a certificate file, or null
 * @throws PersonError bad-input
 */
export function parseServerAddress(text: string, caPem: string | null = null): ServerAddress {
  const trimmed = text.trim();
  const url = readUrl(trimmed.includes('://') ? trimmed : `https://${trimmed}`);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new PersonError('bad-input', 'the server address must begin with https://', EXAMPLE);
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.pathname !== '/') {
    throw new PersonError('bad-input', 'the server address has more than a host and a port', EXAMPLE);
  }
  const secure = url.protocol === 'https:';
  if (!secure && !isLoopbackHost(url.hostname)) {
    const message = 'a server on another machine is reached over https:// only';
    throw new PersonError('bad-input', message, EXAMPLE);
  }
  const fingerprint = url.hash === '' ? null : url.hash.slice(1).replaceAll(':', '').toLowerCase();
  if (fingerprint !== null && (!secure || !FINGERPRINT.test(fingerprint))) {
    const message = 'what follows # in the server address is not a certificate fingerprint';
    throw new PersonError('bad-input', message, 'Copy the whole address the server printed when it started.');
  }
  if (fingerprint !== null && caPem !== null) {
    const message = 'the server address names a certificate already, so --ca would be of no effect';
    throw new PersonError('bad-input', message, 'Leave one of the two out.');
  }
  if (!secure && caPem !== null) {
    throw new PersonError('bad-input', 'an http:// address has no certificate', 'Leave --ca out.');
  }
  return { origin: url.origin, fingerprint, caPem: caPem === null ? null : checkedAuthority(caPem) };
}

function readUrl(text: string): URL {
  try {
    return new URL(text);
  } catch {
    throw new PersonError('bad-input', 'the server address is not an address', EXAMPLE);
  }
}

function checkedAuthority(pem: string): string {
  try {
    new X509Certificate(pem);
    return pem;
  } catch {
    const hint = 'Give a PEM file, which begins with -----BEGIN CERTIFICATE-----.';
    throw new PersonError('bad-input', 'the file given with --ca holds no certificate', hint);
  }
}

/** What a person would type to reach this server again; a private authority is not part of it. */
export function formatServerAddress(address: ServerAddress): string {
  return address.fingerprint === null ? address.origin : `${address.origin}/#${address.fingerprint}`;
}

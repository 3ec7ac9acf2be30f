/** The data directory: its lock, the server's long-term secret, its own certificate. */
import { randomUUID, X509Certificate } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DAY_MS } from '../protocol/limits.ts';
import { newOpaqueSetup } from './accounts/opaque-server.ts';

/** Files of a data directory beside the stores'; all of them belong into a backup. */
export const SECRET_FILE = 'opaque-setup';
export const CERT_FILE = 'tls-cert.pem';
export const KEY_FILE = 'tls-key.pem';
const CERT_YEARS = 10;

/** What keeps the server from starting: what, why, what to do. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

export async function prepareDataDir(dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
}

/** Removes what a stop in the middle of `writeWhole` left. The caller holds the directory. */
export async function removeUnfinished(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir))
    if (/^\.[0-9a-f-]{36}$/.test(name)) await rm(join(dataDir, name), { force: true });
}

/** Made once; without it no password opens its account again. */
export async function loadOpaqueSetup(dataDir: string, isNew: boolean): Promise<string> {
  const file = join(dataDir, SECRET_FILE);
  const known = await readOrNull(file);
  if (known !== null) return known.trim();
  if (!isNew) {
    throw new StartError(
      `the data directory has accounts but its file ${SECRET_FILE} is missing: restore that file from a backup, or no password will work`,
    );
  }
  const setup = await newOpaqueSetup();
  await writeWhole(file, `${setup}\n`);
  return setup;
}

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export async function loadOwnCertificate(dataDir: string, host: string, nowMs: number): Promise<Certificate> {
  const certFile = join(dataDir, CERT_FILE);
  const keyFile = join(dataDir, KEY_FILE);
  const cert = await readOrNull(certFile);
  const key = await readOrNull(keyFile);
  if (cert !== null && key !== null) return { cert, key };
  const notAfterDate = new Date(nowMs + CERT_YEARS * 365 * DAY_MS);
  // Wanted once in the life of a server, and 10 MiB of memory.
  const { generate } = await import('selfsigned');
  const made = await generate([{ name: 'commonName', value: 'coffre-cloud' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(nowMs - DAY_MS),
    notAfterDate,
    extensions: [
      { name: 'basicConstraints', cA: false },
      {
        name: 'subjectAltName',
        altNames: [/^[\d.]+$|:/.test(host) ? { type: 7, ip: host } : { type: 2, value: host }],
      },
    ],
  });
  await writeWhole(keyFile, made.private);
  await writeWhole(certFile, made.cert);
  return { cert: made.cert, key: made.private };
}

/** SHA-256 of the certificate's DER, in lower-case hex: what clients pin. */
export function certificateFingerprint(cert: string): string {
  return new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase();
}

export async function readOrNull(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Whole or not at all, readable by this user only; there after a loss of power, once it resolves. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const temporary = join(dirname(file), `.${randomUUID()}`);
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  await flushFolder(dirname(file));
}

export async function flushFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return; // has no handle to flush on a folder
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

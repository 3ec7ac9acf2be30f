/** What the window may load, and the headers of everything it is given. */
import { realpath, readFile } from 'node:fs/promises';
import path from 'node:path';

/** A scheme of the app's own, so that the window has an origin that is no file and no server. */
export const APP_SCHEME = 'app';
const APP_HOST = 'coffre';

export const WINDOW_URL = `${APP_SCHEME}://${APP_HOST}/index.html`;

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  // Positions and sizes that scripts set on elements; a style sheet still comes from the app alone.
  "style-src-attr 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "object-src 'none'",
].join('; ');

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy':
    'camera=(), microphone=(), geolocation=(), usb=(), serial=(), hid=(), display-capture=()',
};

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
};

/** Whether a page or frame is the app's own. */
export function isOwnAddress(address: string): boolean {
  try {
    const url = new URL(address);
    // `origin` is opaque for schemes that URL does not know.
    return url.protocol === `${APP_SCHEME}:` && url.host === APP_HOST;
  } catch {
    return false;
  }
}

/** A file of the window, or null: another host, another folder, another kind, a link that leads out. */
export async function windowFile(
  folder: string,
  address: string,
): Promise<{ readonly bytes: Uint8Array; readonly type: string } | null> {
  if (!isOwnAddress(address)) return null;
  let name: string;
  try {
    name = decodeURIComponent(new URL(address).pathname);
  } catch {
    return null;
  }
  const type = TYPES[path.extname(name).toLowerCase()];
  if (type === undefined || name.includes('\0') || name.includes('\\')) return null;
  try {
    const root = await realpath(folder);
    const file = await realpath(path.join(root, name));
    if (!file.startsWith(root + path.sep)) return null;
    return { bytes: await readFile(file), type };
  } catch {
    return null;
  }
}

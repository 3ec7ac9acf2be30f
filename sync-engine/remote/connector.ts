/**
 * Opens connections to one server, and to where it says that packs lie. With a pinned fingerprint the certificate must be that
 * very one; authorities, names and dates then say nothing. Nothing is written before the check.
 */
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { getCACertificates, TLSSocket } from 'node:tls';
import { buildConnector } from 'undici';
import type { ServerAddress } from './server-address.ts';

export type Connector = ReturnType<typeof buildConnector>;

/** TLS leads to another certificate than the pinned one. */
export class WrongCertificate extends Error {
  override readonly name = 'WrongCertificate';
}

/** @param timeoutMs to connect and shake hands */
export function makeConnector(address: ServerAddress, timeoutMs: number): Connector {
  const { fingerprint, caPem } = address;
  const connect = buildConnector({
    timeout: timeoutMs,
    allowH2: false,
    // No session is resumed: each connection shows its certificate.
    maxCachedSessions: 0,
    rejectUnauthorized: fingerprint === null,
    ...(caPem === null ? {} : { ca: caPem }),
  });
  if (fingerprint === null) return connect;
  return judged(connect, (socket) =>
    fingerprintOf(socket) === fingerprint
      ? null
      : new WrongCertificate('the server shows another certificate than the pinned one'),
  );
}

/**
 * To a store that the server named: by its name and any authority that the system or the person trusts, and only
 * where `refuse` has nothing against its address.
 */
export function makeStoreConnector(
  caPem: string | null,
  timeoutMs: number,
  refuse: (ip: string) => Error | null,
): Connector {
  const authorities = caPem === null ? {} : { ca: [...getCACertificates('default'), caPem] };
  const connect = buildConnector({
    timeout: timeoutMs,
    allowH2: false,
    maxCachedSessions: 0,
    ...authorities,
  });
  return judged(connect, (socket) => refuse(socket.remoteAddress ?? ''));
}

/** Looks at each connection before anything is written to it. */
export function judged(connect: Connector, refuse: (socket: Socket) => Error | null): Connector {
  return (options, callback) => {
    connect(options, (...[error, socket]) => {
      if (error !== null) {
        callback(error, null);
        return;
      }
      const refusal = refuse(socket);
      if (refusal === null) {
        callback(null, socket);
      } else {
        socket.destroy();
        callback(refusal, null);
      }
    });
  };
}

function fingerprintOf(socket: Socket): string | null {
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  return certificate === undefined ? null : createHash('sha256').update(certificate.raw).digest('hex');
}

/** One connection, verified, with nothing sent on it yet. */
export function openSocket(connector: Connector, origin: string): Promise<Socket> {
  const { hostname, host, protocol, port } = new URL(origin);
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return new Promise((resolve, reject) => {
    connector({ hostname: bare, host, protocol, port }, (...[error, socket]) => {
      if (error !== null) reject(error);
      else resolve(socket);
    });
  });
}

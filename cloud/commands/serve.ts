import { EXIT } from '../../protocol/errors.ts';
import { DAY_MS } from '../../protocol/limits.ts';
import {
  DEFAULT_DRAIN,
  DEFAULT_HTTP_LIMITS,
  isLoopback,
  type DrainLimits,
  type GivenConfig,
  type SignupMode,
  type TlsConfig,
} from '../config.ts';
import { parseSize } from '../quota/quota.ts';
import { startServer } from '../server.ts';
import { CommandError } from './output.ts';
import { storageConfig, type StorageOptions } from './storage-options.ts';

export interface ServeOptions extends StorageOptions {
  readonly listen: string;
  readonly quota: string;
  readonly signup?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly plainHttp?: boolean;
  readonly trustProxy?: boolean;
  readonly metricsToken?: string;
  readonly maxConnections: string;
  readonly logLevel: string;
  readonly retentionDays?: string;
  readonly auditDays?: string;
  readonly drainGrace?: string;
  readonly drainRequests?: string;
}

/** How long a node that is one of several goes on before it stops: load balancers look every few seconds. */
const NODE_GRACE_S = 10;
const MOST_DRAIN_S = 3600;
const MOST_CONNECTIONS = 1_000_000;
const MOST_AUDIT_DAYS = 3650;

/** Runs until SIGTERM or SIGINT. */
export async function serve(options: ServeOptions): Promise<void> {
  // Before anybody is told that it listens: who knows it may stop it at once.
  const stop = firstSignal();
  const server = await startServer(serveConfig(options));
  process.stdout.write(`listening on ${server.address}\n`);
  for (const address of server.reachable) process.stdout.write(`reachable at ${address}\n`);
  await stop;
  await server.drain();
}

/** Resolves with the first of the two, which lets the server end in good order; another one ends it at once. */
function firstSignal(): Promise<void> {
  const signals = ['SIGTERM', 'SIGINT'] as const;
  return new Promise((resolve) => {
    const stop = (): void => {
      // What nobody listens to ends the process.
      for (const signal of signals) process.off(signal, stop);
      resolve();
    };
    for (const signal of signals) process.on(signal, stop);
  });
}

/** What the flags ask for. @throws CommandError */
function serveConfig(options: ServeOptions): GivenConfig {
  const { host, port } = parseListen(options.listen);
  const storage = storageConfig(options);
  const retention = options.retentionDays === undefined ? null : Number(options.retentionDays) * DAY_MS;
  if (retention !== null && !(retention >= 0)) throw usage('--retention-days wants a number');
  return {
    storage,
    host,
    port,
    quotaBytes: sizeOption(options.quota, '--quota'),
    signup: signupMode(options.signup, host),
    tls: tlsConfig(options, host, storage.kind === 'scaled'),
    logLevel: logLevel(options.logLevel),
    trustProxy: options.trustProxy ?? false,
    metricsToken: options.metricsToken ?? null,
    http: { ...DEFAULT_HTTP_LIMITS, maxConnections: connections(options.maxConnections) },
    drain: drainLimits(options, storage.kind === 'scaled'),
    ...(options.auditDays === undefined ? {} : { auditRetentionMs: auditDays(options.auditDays) * DAY_MS }),
    ...(retention === null
      ? {}
      : { retentionMs: retention, uncommittedMs: retention, upkeepIntervalMs: 1000 }),
  };
}

function usage(message: string): CommandError {
  return new CommandError(EXIT.usage, 'bad-input', message, 'see coffre-cloud --help');
}

export function sizeOption(text: string, name: string): number {
  const bytes = parseSize(text);
  if (bytes === null) throw usage(`${name} wants a size such as 100GB or 1.5TiB`);
  return bytes;
}

function drainLimits({ drainGrace, drainRequests }: ServeOptions, isScaled: boolean): DrainLimits {
  const { graceMs, requestsMs } = DEFAULT_DRAIN;
  const grace = isScaled ? NODE_GRACE_S * 1000 : graceMs;
  return {
    graceMs: drainGrace === undefined ? grace : milliseconds(drainGrace, '--drain-grace'),
    requestsMs: drainRequests === undefined ? requestsMs : milliseconds(drainRequests, '--drain-requests'),
  };
}

function milliseconds(text: string, name: string): number {
  const seconds = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds <= MOST_DRAIN_S)) throw usage(`${name} wants seconds, ${MOST_DRAIN_S} at most`);
  return seconds * 1000;
}

function connections(text: string): number {
  const count = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= MOST_CONNECTIONS) return count;
  throw usage(`--max-connections wants a number, 1 to ${MOST_CONNECTIONS}`);
}

function auditDays(text: string): number {
  const days = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (days >= 1 && days <= MOST_AUDIT_DAYS) return days;
  throw usage(`--audit-days wants days, 1 to ${MOST_AUDIT_DAYS}`);
}

function parseListen(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) throw usage('--listen wants HOST:PORT, for IPv6 [HOST]:PORT');
  return { host, port };
}

function signupMode(text: string | undefined, host: string): SignupMode {
  if (text === undefined) return isLoopback(host) ? 'open' : 'invite';
  if (text === 'open' || text === 'invite' || text === 'closed') return text;
  throw usage('--signup wants open, invite or closed');
}

function tlsConfig(options: ServeOptions, host: string, isScaled: boolean): TlsConfig {
  const { tlsCert, tlsKey } = options;
  if (tlsCert !== undefined && tlsKey !== undefined)
    return { kind: 'files', certFile: tlsCert, keyFile: tlsKey };
  if (tlsCert !== undefined || tlsKey !== undefined) throw usage('--tls-cert and --tls-key go together');
  if (isLoopback(host) || options.plainHttp === true) return { kind: 'none' };
  if (!isScaled) return { kind: 'self-signed' };
  throw new CommandError(
    EXIT.usage,
    'bad-input',
    'several servers cannot each make a certificate of their own',
    'give --tls-cert and --tls-key, or --plain-http behind a proxy that ends TLS',
  );
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'];

function logLevel(text: string): string {
  if (!LOG_LEVELS.includes(text)) throw usage(`--log-level wants one of ${LOG_LEVELS.join(', ')}`);
  return text;
}

/** What a server runs with: one value, made once by `main.ts` or a test. */
import { AUDIT_RETENTION_MS } from './audit/entry.ts';
import { DAY_MS, DEFAULT_QUOTA_BYTES, RETENTION_MS, UNCOMMITTED_MS } from '../protocol/limits.ts';
import type { DatabaseConfig } from './store/postgres/database-config.ts';
import type { S3Config } from './store/s3/s3-config.ts';

export type SignupMode = 'open' | 'invite' | 'closed';

export type TlsConfig =
  /** Plain HTTP: loopback, or behind a proxy that ends TLS. */
  | { readonly kind: 'none' }
  | { readonly kind: 'files'; readonly certFile: string; readonly keyFile: string }
  /** Makes a certificate once and keeps it in the data directory; clients pin its fingerprint. */
  | { readonly kind: 'self-signed' };

/** Where everything is kept. */
export type StorageConfig =
  /** One server: metadata in its data directory, packs there too or in a bucket. */
  | { readonly kind: 'embedded'; readonly dataDir: string; readonly s3: S3Config | null }
  /** Any number of servers, which keep nothing themselves. */
  | { readonly kind: 'scaled'; readonly database: DatabaseConfig; readonly s3: S3Config };

export interface CloudConfig {
  readonly storage: StorageConfig;
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly quotaBytes: number;
  readonly signup: SignupMode;
  readonly tls: TlsConfig;
  readonly logLevel: string;
  /** Believe X-Forwarded-For: only behind a proxy that sets it. */
  readonly trustProxy: boolean;
  /** Opens /metrics to others than loopback. */
  readonly metricsToken: string | null;
  readonly retentionMs: number;
  readonly uncommittedMs: number;
  /** Of entries of the audit log. */
  readonly auditRetentionMs: number;
  readonly upkeepIntervalMs: number;
  /** How often a node looks at what it may not have been told by others. */
  readonly newsPollMs: number;
  readonly http: HttpLimits;
  readonly drain: DrainLimits;
  readonly rates: RateLimits;
  readonly now: () => number;
}

export interface HttpLimits {
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** A body slower than this over one check interval is cut off. */
  readonly minBodyBytesPerSecond: number;
  readonly bodyCheckIntervalMs: number;
  readonly maxConnections: number;
  /** From one network, unless a proxy stands before the server. */
  readonly maxConnectionsPerNetwork: number;
  readonly maxSocketsPerAccount: number;
  readonly pingIntervalMs: number;
}

/** How a server stops. */
export interface DrainLimits {
  /** How long requests are still taken after it said that it is not ready: load balancers need time to see it. */
  readonly graceMs: number;
  /** How long requests under way may then take to end. */
  readonly requestsMs: number;
}

/** Attempts that may come at once, and how many come back a minute. */
export interface Rate {
  readonly burst: number;
  readonly perMinute: number;
}

export interface RateLimits {
  /** Proofs of a password or phrase, sign-ups: per address and network, per address, per network. */
  readonly proofsPerAddressAndNetwork: Rate;
  readonly proofsPerAddress: Rate;
  readonly proofsPerNetwork: Rate;
  /** Requests of one account. */
  readonly requestsPerAccount: Rate;
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  headersTimeoutMs: 15_000,
  requestTimeoutMs: 10 * 60_000,
  minBodyBytesPerSecond: 1024,
  bodyCheckIntervalMs: 15_000,
  maxConnections: 4096,
  maxConnectionsPerNetwork: 1024,
  maxSocketsPerAccount: 64,
  pingIntervalMs: 25_000,
};

/** For a server that is the only one: nobody could be sent elsewhere. */
export const DEFAULT_DRAIN: DrainLimits = { graceMs: 0, requestsMs: 15_000 };

const DEFAULT_RATES: RateLimits = {
  proofsPerAddressAndNetwork: { burst: 20, perMinute: 4 },
  proofsPerAddress: { burst: 100, perMinute: 10 },
  proofsPerNetwork: { burst: 300, perMinute: 60 },
  requestsPerAccount: { burst: 6000, perMinute: 30_000 },
};

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** What matters of a configuration; a data directory alone says it all for a small server. */
export type GivenConfig = Partial<CloudConfig> &
  ({ readonly storage: StorageConfig } | { readonly dataDir: string; readonly s3?: S3Config | null });

/** The rest as a small server wants it. */
export function cloudConfig(config: GivenConfig): CloudConfig {
  const { dataDir, s3, ...given } = { dataDir: '', s3: null, ...config };
  const host = given.host ?? '127.0.0.1';
  return {
    storage: { kind: 'embedded', dataDir, s3 },
    host,
    port: 0,
    quotaBytes: DEFAULT_QUOTA_BYTES,
    signup: isLoopback(host) ? 'open' : 'invite',
    tls: isLoopback(host) ? { kind: 'none' } : { kind: 'self-signed' },
    logLevel: 'warn',
    trustProxy: false,
    metricsToken: null,
    retentionMs: RETENTION_MS,
    uncommittedMs: UNCOMMITTED_MS,
    auditRetentionMs: AUDIT_RETENTION_MS,
    upkeepIntervalMs: DAY_MS / 24,
    newsPollMs: 60_000,
    http: DEFAULT_HTTP_LIMITS,
    drain: DEFAULT_DRAIN,
    rates: DEFAULT_RATES,
    now: () => Date.now(),
    ...given,
  };
}

/** Starts a whole server in this process: used by `main.ts serve` and by tests. */
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { pino, destination, type Logger } from 'pino';
import { AccountService } from './accounts/account-service.ts';
import { ChainCache } from './accounts/chain-cache.ts';
import { Authenticator } from './api/authenticate.ts';
import type { CloudContext } from './api/context.ts';
import { EventHub } from './api/event-hub.ts';
import { createHttpServer, type Route } from './api/http-server.ts';
import { createMetrics } from './api/metrics.ts';
import { NewsReader } from './api/news-reader.ts';
import { ProofLimiter } from './api/proof-limiter.ts';
import { Readiness } from './api/readiness.ts';
import { SharedRate } from './api/shared-rate.ts';
import { AuditRecorder } from './audit/recorder.ts';
import { cloudConfig, type CloudConfig, type GivenConfig } from './config.ts';
import { certificateFingerprint, loadOwnCertificate, StartError, type Certificate } from './data-dir.ts';
import { IdleMemory } from './idle-memory.ts';
import { LegacyClaims } from './legacy/claims.ts';
import { Upkeep } from './packs/upkeep.ts';
import { plus } from './quota/counted.ts';
import { openStorage } from './storage.ts';

export interface RunningServer {
  /** `http://HOST:PORT`, or `https://HOST:PORT/#FINGERPRINT` with a certificate of its own. */
  readonly address: string;
  /** The same for every network interface when listening on all of them. */
  readonly reachable: readonly string[];
  /** For tests that move the clock. */
  readonly upkeep: Upkeep;
  /** All that it answers at: for the test that tries each. */
  readonly routes: readonly Route[];
  /** Says that it is not ready, goes on for as long as load balancers need to see that, and closes: or is closed. */
  drain(): Promise<void>;
  /** Finishes what is being answered, sends devices elsewhere, flushes. */
  close(): Promise<void>;
}

/** @throws StartError, StoreDamaged, StoreUnavailable, or what `listen` fails with */
export async function startServer(given: GivenConfig): Promise<RunningServer> {
  const undo: (() => Promise<void> | void)[] = [];
  const unwind = async (): Promise<void> => {
    for (const step of undo.reverse()) await step();
  };
  try {
    return await open(cloudConfig(given), undo, unwind);
  } catch (error) {
    await unwind();
    throw error;
  }
}

async function open(
  config: CloudConfig,
  undo: (() => Promise<void> | void)[],
  unwind: () => Promise<void>,
): Promise<RunningServer> {
  const { now } = config;
  const log = createLogger(config.logLevel);
  const { store, blobs, news, opaque, dropCache } = await openStorage(config, undo);
  const certificate = await loadCertificate(config);

  const failed = (error: unknown): void => {
    log.error(
      { cause: error instanceof Error ? error.name : 'unknown' },
      'work in the background failed; it will be tried again',
    );
  };
  const chains = new ChainCache(store);
  const events = new EventHub(store, config.http.pingIntervalMs, config.http.maxSocketsPerAccount);
  undo.push(() => events.leave());
  const reader = new NewsReader({ store, events, failed });
  news.listen(reader);
  undo.push(() => reader.stop());
  if (config.storage.kind === 'scaled') reader.start(config.newsPollMs);
  const metrics = createMetrics(store, () => events.size);
  const upkeep = new Upkeep({
    store,
    blobs,
    now,
    strayMs: config.uncommittedMs,
    auditRetentionMs: config.auditRetentionMs,
    paced: config.storage.kind === 'scaled',
    failed,
    mended(accounts) {
      metrics.usageMended(accounts.length);
      const { live, uncommitted, retained } = accounts.map(({ moves }) => moves).reduce(plus);
      log.warn(
        { accounts: accounts.length, live, uncommitted, retained },
        'byte counts of accounts were not what their rows sum up to, and were mended by so much',
      );
    },
  });
  if (config.storage.s3 !== null && blobs.direct === null) {
    log.warn(
      'packs pass through this server: the S3 store does not check what devices send, or is not reached over https',
    );
  }
  const readiness = new Readiness({
    database: () => store.reachable(),
    packs: () => blobs.reachable(),
  });
  const audit = new AuditRecorder(now);
  const context: CloudContext = {
    config,
    readiness,
    store,
    blobs,
    chains,
    events,
    news,
    upkeep,
    audit,
    accounts: new AccountService({ store, chains, opaque, signup: config.signup, audit, now }),
    claims: new LegacyClaims({ store, key: opaque.secretFor('legacy-answers'), audit, now }),
    auth: new Authenticator(
      store,
      new SharedRate('requests', config.rates.requestsPerAccount, now, store.rates),
      now,
    ),
    proofs: new ProofLimiter(config.rates, now, store.rates),
    metrics,
  };
  const { app, routes } = await createHttpServer(context, log, certificate);
  const memory = new IdleMemory(dropCache);
  memory.watch(app.server);
  undo.push(() => {
    memory.stop();
  });
  undo.push(async () => {
    readiness.beginDraining();
    const cut = setTimeout(() => {
      app.server.closeAllConnections();
    }, config.drain.requestsMs);
    await app.close();
    clearTimeout(cut);
  });
  await app.listen({ host: config.host, port: config.port });
  const { port } = app.server.address() as AddressInfo;
  upkeep.start(config.upkeepIntervalMs);
  undo.push(() => upkeep.stop());

  const addressOf = (host: string): string => formatAddress(config, certificate, host, port);
  const closing = new AbortController();
  const close = once(() => {
    closing.abort();
    return unwind();
  });
  return {
    address: addressOf(config.host),
    reachable: reachableHosts(config.host).map(addressOf),
    upkeep,
    routes,
    async drain() {
      readiness.beginDraining();
      log.info({ graceMs: config.drain.graceMs }, 'stopping: no longer ready');
      // Another node may take it over now.
      void upkeep.stop();
      await delay(config.drain.graceMs, undefined, { signal: closing.signal }).catch(() => undefined);
      await close();
    },
    close,
  };
}

function createLogger(level: string): Logger {
  // To stderr: stdout carries the address and nothing else. No pid, no host name.
  return pino({ level, base: null }, destination({ dest: 2, sync: true }));
}

async function loadCertificate(config: CloudConfig): Promise<Certificate | null> {
  const { tls } = config;
  switch (tls.kind) {
    case 'none':
      return null;
    case 'files':
      return { cert: await readFile(tls.certFile, 'utf8'), key: await readFile(tls.keyFile, 'utf8') };
    case 'self-signed':
      if (config.storage.kind === 'scaled') {
        throw new StartError('several servers cannot each make a certificate: give --tls-cert and --tls-key');
      }
      return loadOwnCertificate(config.storage.dataDir, config.host, config.now());
  }
}

function formatAddress(
  config: CloudConfig,
  certificate: Certificate | null,
  host: string,
  port: number,
): string {
  const scheme = certificate === null ? 'http' : 'https';
  const origin = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (certificate === null || config.tls.kind !== 'self-signed') return origin;
  return `${origin}/#${certificateFingerprint(certificate.cert)}`;
}

/** The addresses of this machine when it listens on all of them. */
function reachableHosts(host: string): string[] {
  if (host !== '0.0.0.0' && host !== '::') return [];
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((address) => !address.internal && (host === '::' || address.family === 'IPv4'))
    .filter((address) => !address.address.startsWith('fe80:'))
    .map((address) => address.address);
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | null = null;
  return () => (done ??= work());
}

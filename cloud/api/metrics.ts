/** Prometheus metrics: sums only, nothing that tells one account from another. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { MetadataStore } from '../store/metadata-store.ts';

/** Why a connection was ended before there was a request to answer. */
export type CutOff = 'slow-headers' | 'slow-body' | 'large-headers' | 'malformed' | 'too-many' | 'went-away';

export interface Metrics {
  readonly registry: Registry;
  request(method: string, route: string, status: number, seconds: number): void;
  commit(): void;
  cutOff(why: CutOff): void;
  packBytes(direction: 'in' | 'out', bytes: number): void;
  /** Accounts whose byte counts were wrong. */
  usageMended(accounts: number): void;
}

export function createMetrics(store: MetadataStore, sockets: () => number): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const labelNames = ['method', 'route', 'status'] as const;
  const requests = new Counter({
    name: 'coffre_requests_total',
    help: 'Requests answered',
    labelNames,
    registers,
  });
  const seconds = new Histogram({
    name: 'coffre_request_seconds',
    help: 'Time to answer',
    labelNames: ['route'] as const,
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30],
    registers,
  });
  const commits = new Counter({ name: 'coffre_commits_total', help: 'Commits accepted', registers });
  const cutOffs = new Counter({
    name: 'coffre_cut_off_total',
    help: 'Connections ended before there was a request to answer',
    labelNames: ['why'] as const,
    registers,
  });
  const bytes = new Counter({
    name: 'coffre_pack_bytes_total',
    help: 'Bytes of packs received and sent',
    labelNames: ['direction'] as const,
    registers,
  });
  const mended = new Counter({
    name: 'coffre_usage_mended_total',
    help: 'Accounts whose byte counts were not what their rows sum up to',
    registers,
  });
  new Gauge({
    name: 'coffre_event_sockets',
    help: 'Open event sockets',
    registers,
    collect() {
      this.set(sockets());
    },
  });
  new Gauge({
    name: 'coffre_stored',
    help: 'What is stored, summed over all accounts',
    labelNames: ['what'] as const,
    registers,
    async collect() {
      for (const [what, value] of Object.entries(await store.upkeep.stats()))
        this.set({ what }, Number(value));
    },
  });
  return {
    registry,
    request(method, route, status, took) {
      requests.inc({ method, route, status: String(status) });
      seconds.observe({ route }, took);
    },
    commit() {
      commits.inc();
    },
    cutOff(why) {
      cutOffs.inc({ why });
    },
    packBytes(direction, count) {
      bytes.inc({ direction }, count);
    },
    usageMended(accounts) {
      mended.inc(accounts);
    },
  };
}

/** What routes are made of. */
import type { AccountService } from '../accounts/account-service.ts';
import type { ChainCache } from '../accounts/chain-cache.ts';
import type { AuditRecorder } from '../audit/recorder.ts';
import type { CloudConfig } from '../config.ts';
import type { LegacyClaims } from '../legacy/claims.ts';
import type { BlobStore } from '../store/blob-store.ts';
import type { MetadataStore } from '../store/metadata-store.ts';
import type { Upkeep } from '../packs/upkeep.ts';
import type { Authenticator } from './authenticate.ts';
import type { EventHub } from './event-hub.ts';
import type { Metrics } from './metrics.ts';
import type { NodeNews } from '../store/node-news.ts';
import type { ProofLimiter } from './proof-limiter.ts';
import type { Readiness } from './readiness.ts';

export interface CloudContext {
  readonly config: CloudConfig;
  readonly store: MetadataStore;
  readonly blobs: BlobStore;
  readonly chains: ChainCache;
  readonly accounts: AccountService;
  readonly claims: LegacyClaims;
  readonly audit: AuditRecorder;
  readonly auth: Authenticator;
  readonly events: EventHub;
  readonly news: NodeNews;
  readonly proofs: ProofLimiter;
  readonly upkeep: Upkeep;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
}

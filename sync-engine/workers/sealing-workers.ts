/** The workers as a vault's transfer sees them: two jobs. */
import type { SealingWorkers } from '../transfer/vault-transfer.ts';
import type { Workers } from './workers.ts';

export function sealingWorkers(workers: Workers): SealingWorkers {
  return {
    size: workers.size,
    ingest: (request, hooks, options) => workers.run('ingest', request, hooks, options),
    fetch: (request, hooks, options) => workers.run('fetch', request, hooks, options),
  };
}

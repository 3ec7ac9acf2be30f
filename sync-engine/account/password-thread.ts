/**
 * Password work apart from the engine's thread. WebAssembly memory never shrinks: what Argon2id took once, an
 * engine would hold until it ends. A thread that ends gives it back, and meanwhile the engine answers.
 */
import { Worker } from 'node:worker_threads';
import type { StretchPassphrase } from '../crypto/key-file.ts';
import type { LegacyHash } from '../crypto/legacy-hash.ts';
import type {
  FinishedLogin,
  FinishedRegistration,
  FinishLogin,
  FinishRegistration,
  StretchingCost,
} from '../crypto/password.ts';
import { runPasswordJob, type JobInput, type JobResult, type PasswordJob } from './password-jobs.ts';

/** In KiB. Below, as in tests, a thread would cost more than the work. */
const WORTH_A_THREAD = 8192;
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? './password-worker.ts' : './password-worker.js',
  import.meta.url,
);

export function finishRegistrationApart(request: FinishRegistration): Promise<FinishedRegistration> {
  return apart('registration', request, isWorthIt(request.cost));
}

export function finishLoginApart(request: FinishLogin): Promise<FinishedLogin> {
  return apart('login', request, isWorthIt(request.cost));
}

export function stretchApart(request: StretchPassphrase): Promise<Uint8Array> {
  return apart('unlock-key', request, isWorthIt(request.cost));
}

/** Of an older service, whatever it costs: WebAssembly would hold the thread it runs in. */
export function legacyHashApart(request: LegacyHash): Promise<Uint8Array> {
  return apart('legacy-hash', request, true);
}

function isWorthIt({ memory }: StretchingCost): boolean {
  return memory >= WORTH_A_THREAD;
}

function apart<N extends PasswordJob>(job: N, input: JobInput<N>, inThread: boolean): Promise<JobResult<N>> {
  if (!inThread) return runPasswordJob(job, input);
  return new Promise((resolve, reject) => {
    const worker = new Worker(WORKER, { workerData: { job, input } });
    let done: { readonly result: JobResult<N> } | null = null;
    worker.once('message', (result: JobResult<N>) => {
      done = { result };
    });
    worker.once('error', reject);
    // Only then is its memory given back.
    worker.once('exit', () => {
      if (done === null) reject(new Error('the thread of the password work ended without a result'));
      else resolve(done.result);
    });
  });
}

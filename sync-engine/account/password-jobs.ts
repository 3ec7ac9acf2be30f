/** The work over a password that takes long, or 64 MiB: what goes in and comes out can be cloned. */
import { stretchPassphrase } from '../crypto/key-file.ts';
import { legacyHash } from '../crypto/legacy-hash.ts';
import { finishLogin, finishRegistration } from '../crypto/password.ts';

const PASSWORD_JOBS = {
  registration: finishRegistration,
  login: finishLogin,
  'unlock-key': stretchPassphrase,
  'legacy-hash': legacyHash,
} as const;
export type PasswordJob = keyof typeof PASSWORD_JOBS;
export type JobInput<N extends PasswordJob> = Parameters<(typeof PASSWORD_JOBS)[N]>[0];
export type JobResult<N extends PasswordJob> = Awaited<ReturnType<(typeof PASSWORD_JOBS)[N]>>;

export async function runPasswordJob<N extends PasswordJob>(
  job: N,
  input: JobInput<N>,
): Promise<JobResult<N>> {
  const run = PASSWORD_JOBS[job] as (input: JobInput<N>) => Promise<JobResult<N>>;
  return run(input);
}

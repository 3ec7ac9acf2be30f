/** One piece of password work in a thread of its own, whose memory goes with it. */
import { parentPort, workerData } from 'node:worker_threads';
import { runPasswordJob, type JobInput, type PasswordJob } from './password-jobs.ts';

const { job, input } = workerData as { job: PasswordJob; input: JobInput<PasswordJob> };
parentPort?.postMessage(await runPasswordJob(job, input));

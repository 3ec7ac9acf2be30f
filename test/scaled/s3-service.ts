/** One S3 store for the whole suite: it takes seconds to start. Each test file makes buckets of its own. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { Ceph, type S3Service } from './ceph.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    s3: S3Service;
  }
}

export default async function startS3({ provide }: TestProject): Promise<() => Promise<void>> {
  const ceph = await Ceph.start(await mkdtemp(join(tmpdir(), 'coffre-s3-')));
  provide('s3', ceph.service);
  return () => ceph.stop();
}

/** One PostgreSQL for tests that are not about it: each makes databases of its own. */
import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Its address, with the database that is always there. */
    postgres: string;
  }
}

export default async function providePostgres({ provide }: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres();
  provide('postgres', server.url);
  return () => server.stop();
}

import { afterAll, beforeAll } from 'vitest';
import { crossAccountAcceptance } from '../../cloud/api/cross-account-acceptance.ts';
import { startServer } from '../../cloud/server.ts';
import { freshBucket } from './bucket.ts';
import { startPostgres, type PostgresServer } from './postgres.ts';

let postgres: PostgresServer;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres.stop();
});

crossAccountAcceptance(async () => {
  const database = { url: await postgres.database(), maxConnections: 5 };
  const storage = { kind: 'scaled', database, s3: await freshBucket() } as const;
  const server = await startServer({ storage, logLevel: 'silent' });
  return { server, isDirect: true, discard: () => server.close() };
});

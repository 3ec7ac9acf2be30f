import { afterAll, beforeAll, describe } from 'vitest';
import { cloudAcceptance } from '../../sync-engine/remote/cloud-acceptance.ts';
import { acceptanceAccount } from '../fakes/acceptance-account.ts';
import { freshBucket, freshStorage } from './bucket.ts';
import { flagsOf } from './make-bucket.ts';
import { startPostgres, type PostgresServer } from './postgres.ts';

describe('a server with packs in a bucket', () => {
  cloudAcceptance(async () => acceptanceAccount(flagsOf(await freshBucket())));
});

describe('a server on a database and a bucket', () => {
  let postgres: PostgresServer;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(async () => {
    await postgres.stop();
  });
  cloudAcceptance(async () => {
    const { options, env } = await freshStorage(postgres);
    return acceptanceAccount(options, env);
  });
});

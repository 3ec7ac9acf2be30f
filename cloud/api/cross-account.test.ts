import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '../server.ts';
import { crossAccountAcceptance } from './cross-account-acceptance.ts';

crossAccountAcceptance(async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'coffre-cross-'));
  const server = await startServer({ dataDir, logLevel: 'silent' });
  const discard = async (): Promise<void> => {
    await server.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { server, isDirect: false, discard };
});

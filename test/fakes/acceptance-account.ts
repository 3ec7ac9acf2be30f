/** The account of `cloud-acceptance.ts`: two real devices of it and one of another, on a real server process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Home } from '../../sync-engine/account/home.ts';
import { withGrant } from '../../sync-engine/account/leave.ts';
import { login } from '../../sync-engine/account/login.ts';
import { OpenDevice } from '../../sync-engine/account/open-device.ts';
import { signup } from '../../sync-engine/account/signup.ts';
import {
  ACCEPTANCE_QUOTA_BYTES,
  type CloudParty,
  type CloudWorld,
} from '../../sync-engine/remote/cloud-acceptance.ts';
import { parseServerAddress } from '../../sync-engine/remote/server-address.ts';
import { cheapTools, EMAIL, NO_HOOKS, PASSWORD } from './account-world.ts';
import { startCloudProcess, type CloudProcess } from './cloud-process.ts';

/**
 * @param options of `serve`, beside those it needs anyhow
 * @param env what its process gets beside this one's environment; with a database in it no directory is used
 */
export async function acceptanceAccount(
  options: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<CloudWorld & { readonly server: CloudProcess }> {
  const root = await mkdtemp(join(tmpdir(), 'coffre-cloud-acceptance-'));
  const dataDir = 'COFFRE_DATABASE_URL' in env ? null : join(root, 'server');
  const server = await startCloudProcess(dataDir, {
    env,
    options: ['--quota', String(ACCEPTANCE_QUOTA_BYTES), ...options],
  });
  const tools = cheapTools();
  const open: OpenDevice[] = [];
  const device = async (name: string, email: string, isNew: boolean): Promise<OpenDevice> => {
    const home = await Home.open(join(root, name));
    const lock = { kind: 'passphrase', passphrase: PASSWORD } as const;
    const enrolment = { home, address: parseServerAddress(server.address), email, deviceName: name, lock };
    if (isNew) await signup({ enrolment, password: PASSWORD, invite: null, old: null }, tools);
    else await login(enrolment, PASSWORD, tools);
    const opened = await OpenDevice.open(home, lock, NO_HOOKS, tools);
    open.push(opened);
    return opened;
  };
  const party = (opened: OpenDevice): CloudParty => ({
    cloud: opened.connection.cloud,
    device: opened.device,
    signSecret: opened.signSecret,
    chain: () => opened.followChain(),
  });
  const first = await device('first', EMAIL, true);
  const second = await device('second', EMAIL, false);
  const stranger = await device('stranger', 'stranger@example.org', true);
  return {
    server,
    first: party(first),
    second: party(second),
    stranger: party(stranger),
    grant: () => withGrant(first, PASSWORD, (grant) => Promise.resolve(grant)),
    discard: async () => {
      for (const opened of open) await opened.close();
      await server.stop();
      await rm(root, { recursive: true, force: true });
    },
  };
}

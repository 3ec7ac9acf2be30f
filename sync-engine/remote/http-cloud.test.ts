import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cheapTools, EMAIL, NO_HOOKS, PASSWORD } from '../../test/fakes/account-world.ts';
import { startCloudProcess } from '../../test/fakes/cloud-process.ts';
import { Home } from '../account/home.ts';
import { withGrant } from '../account/leave.ts';
import { login } from '../account/login.ts';
import { OpenDevice } from '../account/open-device.ts';
import { signup } from '../account/signup.ts';
import { ACCEPTANCE_QUOTA_BYTES, cloudAcceptance, type CloudParty } from './cloud-acceptance.ts';
import { parseServerAddress } from './server-address.ts';

cloudAcceptance(async () => {
  const root = await mkdtemp(join(tmpdir(), 'coffre-cloud-acceptance-'));
  const options = ['--quota', String(ACCEPTANCE_QUOTA_BYTES)];
  const server = await startCloudProcess(join(root, 'server'), { options });
  const tools = cheapTools();
  const open: OpenDevice[] = [];
  const device = async (name: string, email: string, isNew: boolean): Promise<OpenDevice> => {
    const home = await Home.open(join(root, name));
    const lock = { kind: 'passphrase', passphrase: PASSWORD } as const;
    const enrolment = { home, address: parseServerAddress(server.address), email, deviceName: name, lock };
    if (isNew) await signup({ enrolment, password: PASSWORD, invite: null }, tools);
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
});

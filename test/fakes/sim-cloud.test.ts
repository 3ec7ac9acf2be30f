import { describe, expect, it } from 'vitest';
import {
  ACCEPTANCE_QUOTA_BYTES,
  cloudAcceptance,
  type CloudParty,
} from '../../sync-engine/remote/cloud-acceptance.ts';
import { seededRandom } from './seeded-random.ts';
import { SimCloud } from './sim-cloud.ts';
import { SimIdentity } from './sim-identity.ts';
import { NO_FAULTS, SimNetwork, type NetworkFaults } from './sim-network.ts';
import { SimServer, type SimDevice } from './sim-server.ts';

const clock = { sleep: () => Promise.resolve() };

async function worldOf(seed: string) {
  let nowMs = 1_800_000_000_000;
  const random = seededRandom(seed);
  const server = await SimServer.start({
    random,
    nowMs: () => (nowMs += 1),
    quotaBytes: ACCEPTANCE_QUOTA_BYTES,
  });
  const fraction = (): number => Buffer.from(random(4)).readUInt32BE() / 2 ** 32;
  const connect = (device: SimDevice, faults: NetworkFaults = NO_FAULTS): SimCloud =>
    new SimCloud(server, device, new SimNetwork({ clock, fraction, faults }));
  return { server, connect };
}

cloudAcceptance(async () => {
  const { server, connect } = await worldOf('acceptance');
  const first = await server.signup('someone@example.org', 'Desk');
  const second = await server.addDevice(first, 'Lap');
  const stranger = await server.signup('stranger@example.org', 'Other');
  const party = async (device: SimDevice): Promise<CloudParty> => {
    const cloud = connect(device);
    const identity = await SimIdentity.enrol(server, device, cloud);
    const { signSecret } = identity;
    return { cloud, device: device.device, signSecret, chain: () => identity.followChain() };
  };
  return {
    first: await party(first),
    second: await party(second),
    stranger: await party(stranger),
    grant: () => Promise.resolve(server.grant(first.account)),
    discard: () => server.close(),
  };
});

describe('the simulated line', () => {
  it('loses requests and answers, and says offline for both', async () => {
    const { server, connect } = await worldOf('losses');
    const device = await server.signup('someone@example.org', 'Desk');
    for (const faults of [
      { ...NO_FAULTS, requestLost: 1 },
      { ...NO_FAULTS, answerLost: 1 },
    ]) {
      const cloud = connect(device, faults);
      await expect(cloud.vaults()).rejects.toMatchObject({ fault: 'offline' });
      expect(cloud.network.requests).toBe(faults.answerLost);
    }
    await server.close();
  });

  it('ends event connections when it goes down, and refuses a revoked device', async () => {
    const { server, connect } = await worldOf('cuts');
    const first = await server.signup('someone@example.org', 'Desk');
    const second = await server.addDevice(first, 'Lap');
    const lost: string[] = [];
    const listen = async (cloud: SimCloud): Promise<void> => {
      const opened = Promise.withResolvers<undefined>();
      cloud.events({
        opened: () => opened.resolve(undefined),
        lost: (fault) => lost.push(fault),
        event: () => undefined,
      });
      await opened.promise;
    };
    const [one, two] = [connect(first), connect(second)];
    await listen(one);
    await listen(two);
    one.network.online = false;
    expect(lost).toEqual(['offline']);
    await server.revoke(first, second.device);
    expect(lost).toEqual(['offline', 'unauthorized']);
    await expect(two.vaults()).rejects.toMatchObject({ fault: 'unauthorized' });
    await server.close();
  });

  it('is the same again from the same seed', async () => {
    const run = async (): Promise<string[]> => {
      const { server, connect } = await worldOf('again');
      const device = await server.signup('someone@example.org', 'Desk');
      const cloud = connect(device, { ...NO_FAULTS, requestLost: 0.3, answerLost: 0.3 });
      const outcomes: string[] = [device.account];
      for (let turn = 0; turn < 40; turn += 1) {
        outcomes.push(
          await cloud.vaults().then(
            () => 'answer',
            () => 'lost',
          ),
        );
      }
      await server.close();
      return outcomes;
    };
    const [left, right] = [await run(), await run()];
    expect(left).toEqual(right);
    expect(new Set(left.slice(1))).toEqual(new Set(['answer', 'lost']));
  });
});

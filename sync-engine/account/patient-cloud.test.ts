import { describe, expect, it } from 'vitest';
import { cheapTools } from '../../test/fakes/account-world.ts';
import { CloudError, type Cloud, type CloudFault } from '../remote/cloud.ts';
import { patientCloud } from './patient-cloud.ts';

/** A server whose next answers are these faults, and then good ones. */
function failing(...faults: CloudFault[]): { cloud: Cloud; asked: number } {
  const told = { cloud: {} as Cloud, asked: 0 };
  const headAt = (): Promise<null> => {
    told.asked += 1;
    const fault = faults.shift();
    return fault === undefined ? Promise.resolve(null) : Promise.reject(new CloudError(fault, 'for a test'));
  };
  told.cloud = patientCloud({ headAt } as Partial<Cloud> as Cloud, {
    ...cheapTools(),
    sleep: () => Promise.resolve(),
  });
  return told;
}

describe('a patient cloud', () => {
  it('asks again for what broke off', async () => {
    const server = failing('offline', 'unavailable');
    expect(await server.cloud.headAt('00' as never, 1)).toBeNull();
    expect(server.asked).toBe(3);
  });

  it('does not ask for ever', async () => {
    const server = failing('offline', 'offline', 'offline', 'offline');
    await expect(server.cloud.headAt('00' as never, 1)).rejects.toMatchObject({ fault: 'offline' });
    expect(server.asked).toBe(3);
  });

  it.each<CloudFault>(['gone', 'malformed', 'certificate', 'rate-limited'])(
    'takes %s for an answer',
    async (fault) => {
      const server = failing(fault);
      await expect(server.cloud.headAt('00' as never, 1)).rejects.toMatchObject({ fault });
      expect(server.asked).toBe(1);
    },
  );
});

/** The account's devices, as a person would know them. */
import type { DeviceId } from '../../protocol/ids.ts';
import type { OpenDevice } from './open-device.ts';
import { patientCloud } from './patient-cloud.ts';
import { forPerson } from './person-errors.ts';
import { insist } from './tools.ts';

export interface DeviceListing {
  readonly id: DeviceId;
  /** Its id when the name does not open. */
  readonly name: string;
  readonly current: boolean;
  readonly revoked: boolean;
  readonly createdAtMs: number;
  /** When the server last heard it; null when it never said. */
  readonly lastHeardMs: number | null;
}

/** Oldest first. @throws PersonError */
export function listDevices(device: OpenDevice): Promise<DeviceListing[]> {
  return forPerson(async () => {
    const chain = await insist(device.tools, () => device.followChain());
    const { devices } = await patientCloud(device.connection.cloud, device.tools).account();
    const heard = new Map(devices.map((one) => [one.device, one.lastHeardMs]));
    return [...chain.devices.values()].map((one) => ({
      id: one.device,
      name: device.nameOf(one.device) ?? one.device,
      current: one.device === device.device,
      revoked: one.revoked !== null,
      createdAtMs: one.createdAtMs,
      lastHeardMs: heard.get(one.device) ?? null,
    }));
  });
}

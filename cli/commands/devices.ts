import { z } from 'zod';
import { command, flag, PASSWORD_STDIN } from '../command.ts';
import { table, timeText } from '../output.ts';

export const devices = command({
  name: 'devices',
  about: 'lists the devices of the account',
  input: z.object({}),
  examples: ['coffre devices'],
  run: async (context) => {
    const { devices: found } = await context.call('devices.list', {});
    const rows = found.map((device) => [
      device.id,
      device.lastHeardMs === null ? '' : timeText(device.lastHeardMs),
      device.revoked ? 'revoked' : device.current ? 'this one' : '',
      device.name,
    ]);
    return { json: { devices: found }, text: table(['ID', 'LAST HEARD', '', 'NAME'], rows) };
  },
});

export const devicesRevoke = command({
  name: 'devices revoke',
  about: 'ends a device: it gets nothing more, and what is written from now on has new keys',
  arguments: '<id>',
  options: [PASSWORD_STDIN],
  input: z.object({ id: z.string(), passwordStdin: flag }),
  examples: ['coffre devices revoke 5b0e...'],
  run: async (context, { id, passwordStdin }) => {
    const password = await context.secrets.password({
      prompt: 'Password: ',
      variable: 'COFFRE_PASSWORD',
      fromStdin: passwordStdin,
    });
    return { json: await context.call('devices.revoke', { id, password }), text: ['Revoked.'] };
  },
});

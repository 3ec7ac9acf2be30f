import { z } from 'zod';
import { command, flag, PASSWORD_STDIN } from '../command.ts';

export const unlock = command({
  name: 'unlock',
  about: 'opens the keys of this device with the password',
  options: [PASSWORD_STDIN],
  input: z.object({ passwordStdin: flag }),
  examples: ['coffre unlock', 'coffre unlock --password-stdin < /run/secrets/coffre'],
  run: async (context, input) => {
    const password = await context.secrets.password({
      prompt: 'Password: ',
      variable: 'COFFRE_PASSWORD',
      fromStdin: input.passwordStdin,
    });
    return { json: await context.call('unlock', { password }), text: ['Unlocked.'] };
  },
});

import { z } from 'zod';
import { command, flag } from '../command.ts';

export const password = command({
  name: 'password',
  about: 'changes the password of the account',
  options: [['--password-stdin', 'read the old and the new password from stdin, a line each']],
  input: z.object({ passwordStdin: flag }),
  examples: ['coffre password', 'COFFRE_PASSWORD=old COFFRE_NEW_PASSWORD=new coffre password'],
  run: async (context, { passwordStdin: fromStdin }) => {
    const { secrets } = context;
    const oldPassword = await secrets.password({
      prompt: 'Password now: ',
      variable: 'COFFRE_PASSWORD',
      fromStdin,
    });
    const newPassword = await secrets.password({
      prompt: 'New password: ',
      variable: 'COFFRE_NEW_PASSWORD',
      fromStdin,
      twice: true,
    });
    const json = await context.call('password', { oldPassword, newPassword });
    return { json, text: ['The password is changed.'] };
  },
});

import { z } from 'zod';
import { command, flag, PASSWORD_STDIN } from '../command.ts';

export const accountDelete = command({
  name: 'account delete',
  about: 'deletes the account and all that the server holds; files on devices stay',
  options: [PASSWORD_STDIN],
  input: z.object({ passwordStdin: flag }),
  examples: ['coffre account delete'],
  run: async (context, { passwordStdin }) => {
    const password = await context.secrets.password({
      prompt: 'This deletes everything the server holds, for good. Password: ',
      variable: 'COFFRE_PASSWORD',
      fromStdin: passwordStdin,
    });
    const json = await context.call('account.delete', { password });
    return { json, text: ['The account is deleted. The files on this device stay where they are.'] };
  },
});

import { z } from 'zod';
import { command, flag, PASSWORD_STDIN } from '../command.ts';

export const logout = command({
  name: 'logout',
  about: 'forgets the account on this device; the files stay',
  options: [
    [
      '--everywhere',
      'instead, signs every other device out until the password is given there; this one stays',
    ],
    PASSWORD_STDIN,
  ],
  input: z.object({ everywhere: flag, passwordStdin: flag }),
  examples: ['coffre logout', 'coffre logout --everywhere'],
  run: async (context, { everywhere, passwordStdin }) => {
    if (!everywhere) {
      const json = await context.call('logout', {});
      return { json, text: ['Signed out. The files stay where they are.'] };
    }
    const password = await context.secrets.password({
      prompt: 'Password: ',
      variable: 'COFFRE_PASSWORD',
      fromStdin: passwordStdin,
    });
    const json = await context.call('logout', { everywhere, password });
    return { json, text: ['Every other device is signed out. Their files stay where they are.'] };
  },
});

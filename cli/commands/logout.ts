import { z } from 'zod';
import { command } from '../command.ts';

export const logout = command({
  name: 'logout',
  about: 'forgets the account on this device; the files stay',
  input: z.object({}),
  examples: ['coffre logout'],
  run: async (context) => ({
    json: await context.call('logout', {}),
    text: ['Signed out. The files stay where they are.'],
  }),
});

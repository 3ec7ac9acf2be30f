import { z } from 'zod';
import { command, flag } from '../command.ts';

export const select = command({
  name: 'select',
  about: 'keeps a folder of the account on this device, or not',
  arguments: '<path>',
  options: [
    ['--on', 'keep it here'],
    ['--off', 'keep it in the account only; edits are sent first'],
  ],
  input: z
    .object({ path: z.string(), on: flag, off: flag })
    .refine(({ on, off }) => on !== off, 'give --on or --off'),
  examples: ['coffre select Files:/movies --off', 'coffre select movies --on'],
  run: async (context, { path, on }) => {
    const result = await context.call('select', { path, on });
    return { json: result, text: [`${result.path} is ${result.on ? 'kept' : 'not kept'} on this device.`] };
  },
});

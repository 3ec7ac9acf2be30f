import { z } from 'zod';
import { command } from '../command.ts';

export const serverSet = command({
  name: 'server set',
  about: 'the same account at another address',
  arguments: '<url>',
  options: [['--ca <file>', 'PEM file of a private authority to trust for this server']],
  input: z.object({ url: z.string(), ca: z.string().optional() }),
  examples: ['coffre server set https://files.example.org'],
  run: async (context, { url, ca }) => {
    const result = await context.call('server.set', { server: url, ...(await context.authority(ca)) });
    return { json: result, text: [`The server is ${result.server}.`] };
  },
});

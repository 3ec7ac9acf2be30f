import { z } from 'zod';
import { stopEngine } from '../../sync-engine/client/client.ts';
import { command } from '../command.ts';

export const stop = command({
  name: 'stop',
  about: 'ends the engine; it starts again with the next command that needs it',
  input: z.object({}),
  examples: ['coffre stop'],
  run: async (context) => {
    const stopped = await stopEngine(context.endpoint);
    return { json: { stopped }, text: [stopped ? 'The engine has ended.' : 'The engine was not running.'] };
  },
});

import { z } from 'zod';
import { command } from '../command.ts';

export const pause = command({
  name: 'pause',
  about: 'stops syncing until coffre resume, across restarts too',
  input: z.object({}),
  examples: ['coffre pause'],
  run: async (context) => ({ json: await context.call('pause', {}), text: ['Paused.'] }),
});

export const resume = command({
  name: 'resume',
  about: 'syncs again',
  input: z.object({}),
  examples: ['coffre resume'],
  run: async (context) => ({ json: await context.call('resume', {}), text: ['Syncing again.'] }),
});

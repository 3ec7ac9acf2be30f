import { z } from 'zod';
import { command } from '../command.ts';
import { timeText } from '../output.ts';
import { timeAhead, timeSpan } from '../time-input.ts';

export const pause = command({
  name: 'pause',
  about: 'stops syncing until coffre resume or a given time, across restarts too',
  options: [
    ['--for <span>', 'resume by itself after 90m, 12h or 3d'],
    ['--until <time>', 'resume by itself at 14:05, tomorrow (when it begins), or 2026-03-01T14:05'],
  ],
  input: z
    .object({ for: timeSpan().optional(), until: timeAhead(() => Date.now()).optional() })
    .refine((input) => input.for === undefined || input.until === undefined, {
      message: 'give --for or --until, not both',
    }),
  examples: ['coffre pause', 'coffre pause --for 1h', 'coffre pause --until tomorrow'],
  run: async (context, input) => {
    const untilMs = input.for === undefined ? (input.until ?? null) : Date.now() + input.for;
    return {
      json: await context.call('pause', { untilMs }),
      text: [untilMs === null ? 'Paused.' : `Paused until ${timeText(untilMs)}.`],
    };
  },
});

export const resume = command({
  name: 'resume',
  about: 'syncs again',
  input: z.object({}),
  examples: ['coffre resume'],
  run: async (context) => ({ json: await context.call('resume', {}), text: ['Syncing again.'] }),
});

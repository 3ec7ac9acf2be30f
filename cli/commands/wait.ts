import { z } from 'zod';
import { command, numberText } from '../command.ts';

export const wait = command({
  name: 'wait',
  about: 'scans, then ends once folder and account agree; 3 when they cannot, 4 on time-out',
  options: [['--timeout <seconds>', 'give up after so many seconds']],
  input: z.object({ timeout: numberText.optional() }),
  examples: ['coffre wait', 'coffre wait --timeout 60 || coffre issues'],
  run: async (context, { timeout }) => {
    const params = timeout === undefined ? {} : { timeoutMs: Math.round(timeout * 1000) };
    const result = await context.call('wait', params);
    return { json: { inSync: true, ...result }, text: ['In sync.'] };
  },
});

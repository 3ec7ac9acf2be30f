import { z } from 'zod';
import { command, numberText } from '../command.ts';
import { bytesText, countText, timeText } from '../output.ts';

export const check = command({
  name: 'check',
  about: 'fetches and verifies a sample of the stored data, the way a recovery would',
  options: [['--read-data <percent>', 'how much of it, 1 unless given']],
  input: z.object({ readData: numberText.default(1) }),
  examples: ['coffre check', 'coffre check --read-data 100'],
  run: async (context, { readData }) => {
    const result = await context.call('check', { readDataPercent: readData });
    const what = `${countText(result.files, 'file')}, ${bytesText(result.bytes)}`;
    return {
      json: result,
      text: [`Verified ${what}.`, `Last proven restorable: ${timeText(result.lastProvenRestorableMs)}.`],
    };
  },
});

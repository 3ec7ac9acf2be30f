import { z } from 'zod';
import { command, flag, numberText } from '../command.ts';
import { bytesText, countText, timeText } from '../output.ts';

export const check = command({
  name: 'check',
  about: 'fetches and verifies a sample of the stored data, the way a recovery would',
  options: [
    ['--read-data <percent>', 'how much of it, 1 unless given'],
    ['--phrase-stdin', 'read the 24 words from stdin, and take the keys from them alone'],
    ['--phrase', 'ask for the 24 words, and take the keys from them alone'],
  ],
  input: z.object({ readData: numberText.default(1), phraseStdin: flag, phrase: flag }),
  examples: ['coffre check', 'coffre check --read-data 100', 'coffre check --phrase --read-data 5'],
  run: async (context, { readData, phraseStdin, phrase }) => {
    const words = phraseStdin || phrase ? await context.secrets.phrase(phraseStdin) : undefined;
    const request = { readDataPercent: readData, ...(words === undefined ? {} : { phrase: words }) };
    const result = await context.call('check', request);
    const what = `${countText(result.files, 'file')}, ${bytesText(result.bytes)}`;
    const keys =
      result.keys === 'words'
        ? 'The keys came from the 24 words and the server alone.'
        : 'The keys are those this device keeps; `coffre check --phrase` proves the 24 words too.';
    return {
      json: result,
      text: [
        `Verified ${what}.`,
        keys,
        `Last proven restorable: ${timeText(result.lastProvenRestorableMs)}.`,
      ],
    };
  },
});

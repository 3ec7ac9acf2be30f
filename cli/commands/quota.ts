import { z } from 'zod';
import { command } from '../command.ts';
import { bytesText, timeText } from '../output.ts';

export const quota = command({
  name: 'quota',
  about: 'how much of the account is used',
  input: z.object({}),
  examples: ['coffre quota'],
  run: async (context) => {
    const result = await context.call('quota', {});
    const text = [
      `${bytesText(result.usedBytes)} of ${bytesText(result.limitBytes)} used`,
      `  files and trash     ${bytesText(result.liveBytes)}`,
      `    of it the trash   ${bytesText(result.trashBytes ?? 0)}`,
      `  not committed yet   ${bytesText(result.uncommittedBytes)}`,
      `Kept for undo, free   ${bytesText(result.retainedBytes)} of ${bytesText(result.limitBytes)}`,
    ];
    if (result.returnsAtMs !== null) text.push(`Uploads go on ${timeText(result.returnsAtMs)}.`);
    return { json: result, text };
  },
});

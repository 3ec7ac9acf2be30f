import { z } from 'zod';
import { command, wholeText } from '../command.ts';
import { bytesText, countText } from '../output.ts';
import { TIME_HELP, timeInput } from '../time-input.ts';

export const restore = command({
  name: 'restore',
  about:
    'brings a file or folder back as it was: the version before, one of coffre versions, or as of a time',
  arguments: '<path>',
  options: [
    ['--at <time>', TIME_HELP],
    ['--version <number>', 'a number that coffre versions shows'],
    ['--to <path>', 'beside the present one, at this place in the account'],
  ],
  input: z
    .object({
      path: z.string(),
      at: timeInput(() => Date.now()).optional(),
      version: wholeText.optional(),
      to: z.string().optional(),
    })
    .refine(
      ({ at, version }) => at === undefined || version === undefined,
      'give --at or --version, not both',
    ),
  examples: [
    'coffre restore report.odt',
    'coffre restore Files:/work --at 3d --to Files:/work-before',
    'coffre restore report.odt --version 4',
  ],
  run: async (context, { path, at, version, to }) => {
    const result = await context.call('restore', {
      path,
      ...(at === undefined ? {} : { atMs: at }),
      ...(version === undefined ? {} : { version }),
      ...(to === undefined ? {} : { to }),
    });
    const what = `${countText(result.files, 'file')}, ${bytesText(result.bytes)}`;
    return { json: result, text: [`Restored ${result.path} (${what}).`] };
  },
});

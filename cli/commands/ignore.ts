import { z } from 'zod';
import { command } from '../command.ts';

export const ignoreTest = command({
  name: 'ignore test',
  about: 'says whether a file is left out, and by which rule',
  arguments: '<path>',
  input: z.object({ path: z.string() }),
  examples: ['coffre ignore test ~/Coffre/build/out.o'],
  run: async (context, { path }) => {
    const result = await context.call('ignore.test', { path: context.local(path) });
    const { rule } = result;
    const by = rule === null ? '' : `: ${rule.pattern} (${rule.file ?? 'built in'})`;
    return { json: result, text: [`${result.ignored ? 'Left out' : 'Kept'}${by}`] };
  },
});

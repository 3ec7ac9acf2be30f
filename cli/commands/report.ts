import { z } from 'zod';
import { command } from '../command.ts';
import { bytesText, countText } from '../output.ts';

export const report = command({
  name: 'report',
  about: 'writes a bug report without names, contents, addresses, keys or ids; look at it before you send it',
  options: [['--output <file>', 'where to; without it, a new file coffre-report-TIME.json here']],
  input: z.object({ output: z.string().optional() }),
  examples: ['coffre report', 'coffre report --output report.json'],
  run: async (context, { output }) => {
    const file = context.local(output ?? `coffre-report-${stamp(new Date())}.json`);
    const result = await context.call('report', { file });
    const nodes = countText(result.nodes, 'file or folder', 'files and folders');
    const rest = result.leftOut === 0 ? '' : ` (${result.leftOut} more are left out)`;
    return {
      json: result,
      text: [
        `Wrote ${result.file} (${bytesText(result.bytes)}). It went nowhere else.`,
        `In it: ${countText(result.pairs, 'linked folder')} with ${nodes}${rest}, ` +
          `${countText(result.issues, 'issue')}, the last ${countText(result.plans, 'plan')}, counters, ` +
          'the version, and what the disk can do.',
        'Names, contents and ids are numbers, sizes and times are rounded. Not in it: names, contents, e-mail,',
        'server address, keys, paths. What it does show: the shape of the tree, which files are equal, what kind',
        'of file each is, its permissions and about how old and large it is.',
        'Look at it before you send it to anyone. docs/report.md tells every field.',
      ],
    };
  },
});

function stamp(at: Date): string {
  return at.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
}

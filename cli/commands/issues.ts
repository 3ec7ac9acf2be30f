import { z } from 'zod';
import { command, wholeText } from '../command.ts';
import { allPages } from '../pages.ts';

export const issues = command({
  name: 'issues',
  about: 'what is not in sync, why, and the ways out',
  input: z.object({}),
  examples: ['coffre issues', 'coffre issues --json'],
  run: async (context) => {
    const found = await allPages(async (cursor) => {
      const page = await context.call('issues.list', { cursor });
      return { items: page.issues, nextCursor: page.nextCursor };
    });
    const text = found.flatMap((issue) => [
      `${issue.id}  ${issue.path === '' ? issue.code : issue.path}`,
      `   ${issue.reason}`,
      ...(issue.ways.length > 0
        ? [`   coffre issues resolve ${issue.id} --choose ${issue.ways.join(' | ')}`]
        : []),
    ]);
    return { json: { issues: found }, text: found.length === 0 ? ['No issues.'] : text };
  },
});

export const issuesResolve = command({
  name: 'issues resolve',
  about: 'takes one of the ways out',
  arguments: '<id>',
  options: [['--choose <way>', 'one of the ways that coffre issues shows']],
  input: z.object({ id: wholeText, choose: z.string() }),
  examples: ['coffre issues resolve 4 --choose keep'],
  run: async (context, { id, choose }) => ({
    json: await context.call('issues.resolve', { id, way: choose }),
    text: [`Issue ${id}: ${choose}.`],
  }),
});

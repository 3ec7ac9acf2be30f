import { z } from 'zod';
import type { ControlResult } from '../../protocol/control.ts';
import { PersonError } from '../../protocol/errors.ts';
import { command, wholeText } from '../command.ts';
import type { CommandContext } from '../context.ts';
import { countText } from '../output.ts';
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
    const listed: Listed[] = await Promise.all(
      found.map(async (issue) =>
        issue.code === 'mass-deletion' ? { ...issue, ...(await removalsOf(context, issue.id)) } : issue,
      ),
    );
    const text = listed.flatMap((issue) => [
      `${issue.id}  ${issue.path === '' ? issue.code : issue.path}`,
      `   ${issue.reason}`,
      ...(issue.removals === undefined ? [] : removalsText(issue.removals)),
      ...(issue.ways.length > 0
        ? [`   coffre issues resolve ${issue.id} --choose ${issue.ways.join(' | ')}`]
        : []),
    ]);
    return { json: { issues: listed }, text: listed.length === 0 ? ['No issues.'] : text };
  },
});

type Removals = ControlResult<'issues.removals'>;
type Listed = ControlResult<'issues.list'>['issues'][number] & { readonly removals?: Removals };
const FIRST_PATHS = 5;
const WHERE = { here: 'here', elsewhere: 'elsewhere', both: 'here and elsewhere' } as const;

/** Nothing when the issue ended between the two questions. */
async function removalsOf(context: CommandContext, id: number): Promise<{ removals?: Removals }> {
  try {
    return { removals: await context.call('issues.removals', { id, limit: FIRST_PATHS }) };
  } catch (error) {
    if (error instanceof PersonError && error.code === 'not-found') return {};
    throw error;
  }
}

function removalsText({ files, paths, deleted }: Removals): string[] {
  const rest = files - paths.length;
  return [
    `   ${countText(files, 'file')}, deleted ${WHERE[deleted]}:`,
    ...paths.map((path) => `     ${path}`),
    ...(rest > 0 ? [`     and ${rest} more`] : []),
  ];
}

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

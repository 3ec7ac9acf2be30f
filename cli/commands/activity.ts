import { once } from 'node:events';
import { z } from 'zod';
import type { ControlResult } from '../../protocol/control.ts';
import type { ActivityRow } from '../../protocol/control-shapes.ts';
import { command, flag, wholeText } from '../command.ts';
import type { CommandContext } from '../context.ts';
import { bytesText, timeText, writeLines } from '../output.ts';

export const activity = command({
  name: 'activity',
  about: 'what was done, and why',
  options: [
    ['--follow', 'go on with what is done from now on'],
    ['--limit <count>', 'rows of the past, 50 unless given'],
  ],
  input: z.object({ follow: flag, limit: wholeText.default(50) }),
  examples: ['coffre activity', 'coffre activity --follow --json'],
  run: async (context, { follow, limit }) => {
    if (follow) return followActivity(context, limit);
    const rows = await past(context, limit);
    return { json: { activity: rows }, text: rows.toReversed().map(rowText) };
  },
});

/** Newest first. */
async function past(context: CommandContext, limit: number): Promise<ActivityRow[]> {
  const rows: ActivityRow[] = [];
  let cursor: string | null = null;
  while (rows.length < limit) {
    const page: ControlResult<'activity.list'> = await context.call('activity.list', {
      cursor,
      limit: Math.min(limit - rows.length, 500),
    });
    rows.push(...page.rows);
    cursor = page.nextCursor;
    if (cursor === null) break;
  }
  return rows;
}

/** One row a line: text, or with `--json` an object. */
async function followActivity(context: CommandContext, limit: number): Promise<null> {
  const { stdout, signal } = context.terminal;
  const engine = await context.engine();
  let shownId = -1;
  let waiting: ActivityRow[] | null = [];
  const show = (rows: readonly ActivityRow[]) => {
    for (const row of rows) {
      if (row.id <= shownId) continue;
      shownId = row.id;
      if (context.json) stdout.write(`${JSON.stringify(row)}\n`);
      else writeLines(stdout, [rowText(row)]);
    }
  };
  // Subscribed before the past is read, so that nothing falls between.
  await engine.subscribe(['activity'], (event) => {
    if (event.event !== 'activity') return;
    if (waiting === null) show(event.data.rows);
    else waiting.push(...event.data.rows);
  });
  show((await past(context, limit)).toReversed());
  show(waiting.splice(0));
  waiting = null;
  const stopped = signal.aborted ? Promise.resolve() : once(signal, 'abort');
  await Promise.race([stopped, engine.closed]);
  return null;
}

function rowText(row: ActivityRow): string {
  const size = row.bytes > 0 ? ` (${bytesText(row.bytes)})` : '';
  return `${timeText(row.atMs)}  ${row.action.padEnd(10)}  ${row.path}${size}  ${row.reason}`;
}

import { z } from 'zod';
import { command, flag, PASSWORD_STDIN } from '../command.ts';
import { bytesText, countText, table, timeText } from '../output.ts';
import { allPages } from '../pages.ts';

export const trashList = command({
  name: 'trash list',
  about: 'lists what was deleted',
  input: z.object({}),
  examples: ['coffre trash list'],
  run: async (context) => {
    const entries = await allPages(async (cursor) => {
      const page = await context.call('trash.list', { cursor });
      return { items: page.entries, nextCursor: page.nextCursor };
    });
    const rows = entries.map((entry) => [
      entry.id,
      entry.deletedAtMs === null ? '' : timeText(entry.deletedAtMs),
      entry.type === 'folder' ? '' : bytesText(entry.size),
      `${entry.vault}:${entry.path ?? entry.name}${entry.type === 'folder' ? '/' : ''}`,
    ]);
    const text =
      rows.length === 0 ? ['The trash is empty.'] : table(['ID', 'DELETED', 'SIZE', 'WAS AT'], rows);
    return { json: { entries }, text };
  },
});

export const trashRestore = command({
  name: 'trash restore',
  about: 'brings something back from the trash',
  arguments: '<item>',
  options: [['--to <path>', 'to this place in the account']],
  input: z.object({ item: z.string(), to: z.string().optional() }),
  examples: [
    'coffre trash restore Files:/old/report.odt',
    'coffre trash restore 4be1... --to Files:/report.odt',
  ],
  run: async (context, { item, to }) => {
    const result = await context.call('trash.restore', { item, ...(to === undefined ? {} : { to }) });
    return { json: result, text: [`Restored ${result.path} (${countText(result.files, 'file')}).`] };
  },
});

export const trashEmpty = command({
  name: 'trash empty',
  about: 'empties the trash; versions stay for 30 days unless --now',
  options: [['--now', 'forget the stored bytes at once; asks for the password'], PASSWORD_STDIN],
  input: z.object({ now: flag, passwordStdin: flag }),
  examples: ['coffre trash empty', 'coffre trash empty --now'],
  run: async (context, { now, passwordStdin }) => {
    const question = { prompt: 'Password: ', variable: 'COFFRE_PASSWORD', fromStdin: passwordStdin } as const;
    const proof = now ? { password: await context.secrets.password(question) } : {};
    const result = await context.call('trash.empty', { now, ...proof });
    return {
      json: result,
      text: [`Removed ${countText(result.items, 'item')}, ${bytesText(result.bytes)}.`],
    };
  },
});

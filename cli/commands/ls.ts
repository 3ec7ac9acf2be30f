import { z } from 'zod';
import type { ListingEntry } from '../../protocol/control-tree.ts';
import { command, flag } from '../command.ts';
import { bytesText, table, timeText } from '../output.ts';
import { allPages } from '../pages.ts';
import { TIME_HELP, timeInput } from '../time-input.ts';

export const ls = command({
  name: 'ls',
  about: 'lists a folder of the account',
  arguments: '[path]',
  options: [
    ['--at <time>', TIME_HELP],
    ['--totals', 'each folder with what lies beneath it'],
  ],
  input: z.object({
    path: z.string().default('/'),
    at: timeInput(() => Date.now()).optional(),
    totals: flag,
  }),
  examples: ['coffre ls', 'coffre ls Photos:/2026 --totals', 'coffre ls work --at 3d'],
  run: async (context, { path, at, totals }) => {
    let place = { path, vaults: [] as string[] };
    const entries = await allPages(async (cursor) => {
      const page = await context.call('ls', {
        path,
        cursor,
        totals,
        ...(at === undefined ? {} : { atMs: at }),
      });
      place = { path: page.path, vaults: page.vaults };
      return { items: page.entries, nextCursor: page.nextCursor };
    });
    const rows = entries.map((entry) => [
      entry.type === 'folder'
        ? entry.bytes === undefined
          ? ''
          : bytesText(entry.bytes)
        : bytesText(entry.size),
      entry.type === 'folder' ? '' : timeText(entry.mtimeMs),
      `${entry.name}${entry.type === 'folder' ? '/' : entry.type === 'symlink' ? '@' : ''}${placeNote(entry)}`,
    ]);
    return {
      json: { ...place, entries },
      text: rows.length === 0 ? ['Empty.'] : table(['SIZE', 'CHANGED', 'NAME'], rows),
    };
  },
});

function placeNote({ selected, partly }: ListingEntry): string {
  return partly ? ' (partly on this device)' : selected ? '' : ' (not on this device)';
}

import { z } from 'zod';
import { command } from '../command.ts';
import { bytesText, table, timeText } from '../output.ts';
import { allPages } from '../pages.ts';

export const ls = command({
  name: 'ls',
  about: 'lists a folder of the account',
  arguments: '[path]',
  input: z.object({ path: z.string().default('/') }),
  examples: ['coffre ls', 'coffre ls Photos:/2026', 'coffre ls work --json'],
  run: async (context, input) => {
    let place = { path: input.path, vaults: [] as string[] };
    const entries = await allPages(async (cursor) => {
      const page = await context.call('ls', { path: input.path, cursor });
      place = { path: page.path, vaults: page.vaults };
      return { items: page.entries, nextCursor: page.nextCursor };
    });
    const rows = entries.map((entry) => [
      entry.type === 'folder' ? '' : bytesText(entry.size),
      entry.type === 'folder' ? '' : timeText(entry.mtimeMs),
      `${entry.name}${entry.type === 'folder' ? '/' : entry.type === 'symlink' ? '@' : ''}${entry.selected ? '' : ' (not on this device)'}`,
    ]);
    return {
      json: { ...place, entries },
      text: rows.length === 0 ? ['Empty.'] : table(['SIZE', 'CHANGED', 'NAME'], rows),
    };
  },
});

import { z } from 'zod';
import { command } from '../command.ts';
import { bytesText, table, timeText } from '../output.ts';
import { allPages } from '../pages.ts';

export const versions = command({
  name: 'versions',
  about: 'lists what a file or folder was before',
  arguments: '<path>',
  input: z.object({ path: z.string() }),
  examples: ['coffre versions Files:/report.odt'],
  run: async (context, input) => {
    let place = input.path;
    const found = await allPages(async (cursor) => {
      const page = await context.call('versions', { path: input.path, cursor });
      place = page.path;
      return { items: page.versions, nextCursor: page.nextCursor };
    });
    const rows = found.map((version) => [
      `${version.version}${version.current ? ' (now)' : ''}`,
      timeText(version.receivedAtMs),
      version.size === null ? 'deleted' : bytesText(version.size),
      version.deviceName,
      version.path,
    ]);
    const text = table(['VERSION', 'WHEN', 'SIZE', 'DEVICE', 'PATH'], rows);
    return { json: { path: place, versions: found }, text };
  },
});

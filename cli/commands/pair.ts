import { z } from 'zod';
import { command } from '../command.ts';
import { table } from '../output.ts';

export const pairAdd = command({
  name: 'pair add',
  about: 'keeps another folder the same; a new vault is made for it, or it joins one',
  arguments: '<folder>',
  options: [['--into <place>', 'a folder of the account, VAULT:/path']],
  input: z.object({ folder: z.string(), into: z.string().optional() }),
  examples: ['coffre pair add ~/Photos', 'coffre pair add ~/Work --into Files:/work'],
  run: async (context, input) => {
    const folder = context.local(input.folder);
    const { pair } = await context.call('pairs.add', { folder, into: input.into ?? null });
    return {
      json: { pair },
      text: [`${pair.folder} is kept the same as ${pair.vault}:${pair.path} (pair ${pair.id}).`],
    };
  },
});

export const pairList = command({
  name: 'pair list',
  about: 'lists the folders',
  input: z.object({}),
  examples: ['coffre pair list'],
  run: async (context) => {
    const { pairs } = await context.call('pairs.list', {});
    const rows = pairs.map((pair) => [pair.id, `${pair.vault}:${pair.path}`, pair.paused ?? '', pair.folder]);
    return { json: { pairs }, text: table(['ID', 'ACCOUNT', 'PAUSED', 'FOLDER'], rows) };
  },
});

export const pairRemove = command({
  name: 'pair remove',
  about: 'stops keeping a folder the same; no file is deleted here or there',
  arguments: '<id>',
  input: z.object({ id: z.string() }),
  examples: ['coffre pair remove 3f9a0c51d2e4b687'],
  run: async (context, { id }) => ({
    json: await context.call('pairs.remove', { id }),
    text: ['Removed. The files stay where they are.'],
  }),
});

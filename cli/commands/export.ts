import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { controlEndpoint } from '../../protocol/control-endpoint.ts';
import { stopEngine } from '../../sync-engine/client/client.ts';
import { command, flag, PHRASE_STDIN } from '../command.ts';
import { bytesText, countText } from '../output.ts';

/** On an engine of its own with a home that is thrown away: it owes nothing to what this machine holds. */
export const exportTree = command({
  name: 'export',
  about: 'writes everything decrypted, with a list of hashes, from the 24 words and the server alone',
  arguments: '<dir>',
  options: [
    ['--server <url>', 'address of the account server'],
    ['--email <address>', 'e-mail address of the account'],
    ['--ca <file>', 'PEM file of a private authority to trust for this server'],
    PHRASE_STDIN,
  ],
  input: z.object({
    dir: z.string(),
    server: z.string(),
    email: z.string(),
    ca: z.string().optional(),
    phraseStdin: flag,
  }),
  examples: [
    'coffre export ./everything --server https://files.example.org --email ann@example.org --phrase-stdin < words',
  ],
  run: async (context, input) => {
    const phrase = await context.secrets.phrase(input.phraseStdin);
    const authority = await context.authority(input.ca);
    const home = await mkdtemp(path.join(tmpdir(), 'coffre-export-'));
    try {
      const engine = await context.connect(home);
      const result = await context.callOn(engine, 'export', {
        server: input.server,
        ...authority,
        email: input.email.trim().toLowerCase(),
        phrase,
        folder: context.local(input.dir),
      });
      const what = `${countText(result.files, 'file')}, ${bytesText(result.bytes)}`;
      return { json: result, text: [`Exported ${what} to ${result.folder}.`, `Hashes: ${result.hashList}`] };
    } finally {
      await stopEngine(controlEndpoint(home));
      await rm(home, { recursive: true, force: true });
    }
  },
});

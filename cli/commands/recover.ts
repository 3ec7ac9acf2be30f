import { z } from 'zod';
import { command, PHRASE_STDIN, flag } from '../command.ts';
import { ENROL_OPTIONS, enrolInput, stopUnless } from './enrol.ts';

export const recover = command({
  name: 'recover',
  about: 'sets a new password with the 24 words; on a new device also signs it in',
  options: [...ENROL_OPTIONS, PHRASE_STDIN],
  input: z
    .object({
      ...enrolInput,
      server: z.string().optional(),
      email: z.string().optional(),
      folder: z.string().optional(),
      phraseStdin: flag,
    })
    .refine(
      ({ server, email, folder }) =>
        new Set([server, email, folder].map((one) => one === undefined)).size === 1,
      'give --server, --email and --folder on a new device, and none of them on a device of the account',
    ),
  examples: [
    'coffre recover',
    'coffre recover --server https://files.example.org --email ann@example.org --folder ~/Coffre',
  ],
  run: async (context, input) => {
    const phrase = await context.secrets.phrase(input.phraseStdin);
    const newPassword = await context.secrets.password({
      prompt: 'New password: ',
      variable: 'COFFRE_PASSWORD',
      fromStdin: input.passwordStdin,
      twice: true,
    });
    const { server, email, folder } = input;
    const result = await context.call('recover', {
      phrase,
      newPassword,
      ...(await context.authority(input.ca)),
      ...(server === undefined ? {} : { server }),
      ...(email === undefined ? {} : { email: email.trim().toLowerCase() }),
      ...(folder === undefined ? {} : { folder: context.local(folder) }),
      deviceName: input.device ?? null,
    });
    await stopUnless(input.start, context);
    const text = ['The new password is set.'];
    if (result.pair !== null)
      text.push(`${result.pair.folder} is kept the same as ${result.pair.vault}:${result.pair.path}.`);
    return { json: result, text };
  },
});

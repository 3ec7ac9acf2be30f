import { z } from 'zod';
import { command } from '../command.ts';
import { ENROL_OPTIONS, enrolInput, enrolledText, enrolParams, stopUnless } from './enrol.ts';

export const signup = command({
  name: 'signup',
  about: 'makes an account, makes this its first device, and links a folder',
  options: [...ENROL_OPTIONS, ['--invite <code>', 'invitation, where the server asks for one']],
  input: z.object({ ...enrolInput, invite: z.string().optional() }),
  examples: [
    'coffre signup --server https://files.example.org --email ann@example.org --folder ~/Coffre',
    'COFFRE_PASSWORD=... coffre signup --server http://127.0.0.1:7070 --email a@b.c --folder ./a --json',
  ],
  run: async (context, input) => {
    const params = await enrolParams(context, input);
    const password = await context.secrets.password({
      prompt: `New password for ${input.email}: `,
      variable: 'COFFRE_PASSWORD',
      fromStdin: input.passwordStdin,
      twice: true,
    });
    const invite = input.invite === undefined ? {} : { invite: input.invite };
    const result = await context.call('signup', { ...params, ...invite, password });
    await stopUnless(input.start, context);
    const text = [
      'Your account is made.',
      ...enrolledText(result, input.start),
      '',
      ...phraseText(result.recoveryPhrase),
    ];
    return { json: result, text };
  },
});

/** A numbered grid, read down the columns as people copy it. */
export function phraseText(phrase: string): string[] {
  const words = phrase.split(' ');
  const rows = Math.ceil(words.length / 4);
  const grid = Array.from({ length: rows }, (_, row) =>
    [0, 1, 2, 3]
      .map((column) => column * rows + row)
      .filter((index) => index < words.length)
      .map((index) => `${String(index + 1).padStart(4)}. ${(words[index] ?? '').padEnd(10)}`)
      .join('')
      .trimEnd(),
  );
  return [
    'Write down these 24 words and keep them somewhere safe. They open your files when the password is lost,',
    'nobody can give them to you again, and whoever has them has your files. They are shown this once.',
    '',
    ...grid,
  ];
}

import { z } from 'zod';
import { command, flag } from '../command.ts';
import { writeLines } from '../output.ts';
import { ENROL_OPTIONS, enrolInput, enrolledText, enrolParams, stopUnless } from './enrol.ts';
import { phraseText } from './signup.ts';

export const claim = command({
  name: 'claim',
  about: 'makes the account you are owed from an older service; files that were there do not come back',
  options: [
    ...ENROL_OPTIONS,
    ['--old-password-stdin', 'read the password you had there from stdin, on a line before the new one'],
    ['--code <code>', 'the one-time code you were sent, in place of that password'],
  ],
  input: z
    .object({ ...enrolInput, oldPasswordStdin: flag, code: z.string().min(1).max(100).optional() })
    .refine(
      ({ oldPasswordStdin, code }) => !oldPasswordStdin || code === undefined,
      'give the old password or --code, not both',
    ),
  examples: [
    'coffre claim --server https://files.example.org --email ann@example.org --folder ~/Coffre',
    'coffre claim --server https://files.example.org --email ann@example.org --folder ~/Coffre --code 7K3Q-...',
  ],
  run: async (context, input) => {
    const params = await enrolParams(context, input);
    const { folder: _folder, deviceName: _deviceName, ...where } = params;
    const { service } = await context.call('claim.offer', { server: where.server, ...caOf(where) });
    const there = service ?? 'the older service';
    if (!context.json) writeLines(context.terminal.stderr, [...lostText(there), '']);
    const proof =
      input.code === undefined
        ? {
            oldPassword: await context.secrets.password({
              prompt: `Password of ${params.email} at ${there}: `,
              variable: 'COFFRE_OLD_PASSWORD',
              fromStdin: input.oldPasswordStdin,
            }),
          }
        : { code: input.code };
    // A wrong one is told before anybody thinks of a new password.
    await context.call('claim.prove', { ...where, ...proof });
    const password = await context.secrets.password({
      prompt: 'New password, another than that one: ',
      variable: 'COFFRE_PASSWORD',
      fromStdin: input.passwordStdin,
      twice: true,
    });
    const result = await context.call('claim', { ...params, ...proof, password });
    await stopUnless(input.start, context);
    const text = [
      'Your account is made anew.',
      ...enrolledText(result, input.start),
      `It is empty: nothing came from ${there}. What you still have of your files, put into that folder.`,
      '',
      ...phraseText(result.recoveryPhrase),
    ];
    return { json: result, text };
  },
});

function caOf({ caPem }: { readonly caPem?: string }): { caPem?: string } {
  return caPem === undefined ? {} : { caPem };
}

function lostText(there: string): string[] {
  return [
    `You get an account with your address and the space you had. Files that were at ${there} do not come back:`,
    'they were never here, and nobody can bring them. The account begins empty, with new keys.',
  ];
}

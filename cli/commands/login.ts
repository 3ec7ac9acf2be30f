import { z } from 'zod';
import { command } from '../command.ts';
import { ENROL_OPTIONS, enrolInput, enrolledText, enrolParams, stopUnless } from './enrol.ts';

export const login = command({
  name: 'login',
  about: 'makes this a device of your account; a folder that has files is merged, nothing is deleted',
  options: ENROL_OPTIONS,
  input: z.object(enrolInput),
  examples: ['coffre login --server https://files.example.org --email ann@example.org --folder ~/Coffre'],
  run: async (context, input) => {
    const params = await enrolParams(context, input);
    const password = await context.secrets.password({
      prompt: `Password of ${input.email}: `,
      variable: 'COFFRE_PASSWORD',
      fromStdin: input.passwordStdin,
    });
    const result = await context.call('login', { ...params, password });
    await stopUnless(input.start, context);
    return { json: result, text: ['Signed in.', ...enrolledText(result, input.start)] };
  },
});

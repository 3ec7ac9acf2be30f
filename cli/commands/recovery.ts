import { z } from 'zod';
import { command, flag, PASSWORD_STDIN } from '../command.ts';
import type { CommandContext } from '../context.ts';

const input = z.object({ passwordStdin: flag });

function passwordOf(context: CommandContext, fromStdin: boolean): Promise<string> {
  return context.secrets.password({ prompt: 'Password: ', variable: 'COFFRE_PASSWORD', fromStdin });
}

export const recoveryShow = command({
  name: 'recovery show',
  about: 'shows the 24 words again',
  options: [PASSWORD_STDIN],
  input,
  examples: ['coffre recovery show'],
  run: async (context, { passwordStdin }) => {
    const password = await passwordOf(context, passwordStdin);
    const json = await context.call('phrase.show', { password });
    return { json, text: [json.recoveryPhrase] };
  },
});

export const recoveryRenew = command({
  name: 'recovery renew',
  about: 'makes new 24 words; the ones before open nothing any more',
  options: [PASSWORD_STDIN],
  input,
  examples: ['coffre recovery renew'],
  run: async (context, { passwordStdin }) => {
    const password = await passwordOf(context, passwordStdin);
    const json = await context.call('phrase.renew', { password });
    return { json, text: ['These words replace the ones before:', '', json.recoveryPhrase] };
  },
});

/** What `signup`, `login` and `recover` share: their options, and what they say of the new device. */
import { z } from 'zod';
import type { ControlResult } from '../../protocol/control.ts';
import { stopEngine } from '../../sync-engine/client/client.ts';
import { PASSWORD_STDIN, flag } from '../command.ts';
import type { CommandContext } from '../context.ts';

export const ENROL_OPTIONS = [
  ['--server <url>', 'address of the account server'],
  ['--email <address>', 'e-mail address of the account'],
  ['--folder <folder>', 'the first folder to keep the same'],
  ['--device <name>', 'name of this device; the name of the machine when left out'],
  ['--ca <file>', 'PEM file of a private authority to trust for this server'],
  PASSWORD_STDIN,
  ['--no-start', 'leave the engine stopped'],
] as const;

export const enrolInput = {
  server: z.string(),
  email: z.string(),
  folder: z.string(),
  device: z.string().optional(),
  ca: z.string().optional(),
  passwordStdin: flag,
  start: z.boolean().default(true),
};
type EnrolInput = z.infer<z.ZodObject<typeof enrolInput>>;

export async function enrolParams(context: CommandContext, input: EnrolInput) {
  return {
    server: input.server,
    ...(await context.authority(input.ca)),
    email: input.email.trim().toLowerCase(),
    folder: context.local(input.folder),
    deviceName: input.device ?? null,
  };
}

export async function stopUnless(start: boolean, context: CommandContext): Promise<void> {
  if (!start) await stopEngine(context.endpoint);
}

export function enrolledText(result: ControlResult<'login'>, start: boolean): string[] {
  // A vault's name is in its log, which a device that just signed in may not have read yet.
  const place = result.pair.vault === '' ? 'your account' : `${result.pair.vault}:${result.pair.path}`;
  return [
    `This device is "${result.deviceName}".`,
    `${result.pair.folder} is kept the same as ${place}.`,
    start ? 'The engine is running; see coffre status.' : 'The engine is stopped; coffre start runs it.',
  ];
}

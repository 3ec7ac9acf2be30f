/** How a command is written down: its name, its options, a schema for both, examples, and what it does. */
import { z } from 'zod';
import type { ExitCode } from '../protocol/errors.ts';
import { PersonError } from '../protocol/errors.ts';
import type { CommandContext } from './context.ts';

export interface CommandResult {
  /** Printed with `--json`. */
  readonly json: object;
  /** Printed without it. */
  readonly text: readonly string[];
  readonly exit?: ExitCode;
}

export interface CommandSpec<Input> {
  /** `pair add`: a command of the group `pair`. */
  readonly name: string;
  readonly about: string;
  /** As commander writes them: `<folder> [other]`. */
  readonly arguments?: string;
  readonly options?: readonly (readonly [flags: string, about: string])[];
  /** Arguments and options by their names, as strings and booleans. */
  readonly input: z.ZodType<Input>;
  readonly examples: readonly string[];
  /** Null: it has printed for itself. */
  run(context: CommandContext, input: Input): Promise<CommandResult | null>;
}

export interface Command {
  readonly name: string;
  readonly about: string;
  readonly arguments: string;
  readonly options: readonly (readonly [flags: string, about: string])[];
  readonly examples: readonly string[];
  /** @throws PersonError */
  run(context: CommandContext, raw: unknown): Promise<CommandResult | null>;
}

export function command<Input>(spec: CommandSpec<Input>): Command {
  return {
    name: spec.name,
    about: spec.about,
    arguments: spec.arguments ?? '',
    options: spec.options ?? [],
    examples: spec.examples,
    run: async (context, raw) => {
      const input = spec.input.safeParse(raw);
      if (!input.success) {
        throw new PersonError('bad-input', usageFault(input.error, raw), `See coffre ${spec.name} --help.`);
      }
      return spec.run(context, input.data);
    },
  };
}

/** Arguments that are missing are refused before, so what is missing here is an option. */
function usageFault(error: z.ZodError, raw: unknown): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'bad usage';
  const name = issue.path.map(String).join('.');
  if (name === '') return issue.message;
  const option = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  const given = z.record(z.string(), z.unknown()).parse(raw)[name];
  return given === undefined ? `${option} is missing` : `${name}: ${issue.message}`;
}

/** A number written by a person. */
export const numberText = z
  .string()
  .regex(/^\d+(\.\d+)?$/, 'not a number')
  .transform(Number);
export const wholeText = z.string().regex(/^\d+$/, 'not a whole number').transform(Number);
export const flag = z.boolean().default(false);

export const PASSWORD_STDIN = ['--password-stdin', 'read the password from stdin'] as const;
export const PHRASE_STDIN = ['--phrase-stdin', 'read the 24 words from stdin'] as const;

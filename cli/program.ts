/** The tree of commands, made for commander from cli/commands. */
import { Command as Commander } from 'commander';
import type { Command, CommandResult } from './command.ts';
import { COMMANDS } from './commands/all.ts';
import { completionScript, isShell, SHELLS } from './completion.ts';
import { PersonError } from '../protocol/errors.ts';

/** Words that only hold other commands. */
const GROUPS: Readonly<Record<string, string>> = {
  pair: 'folders that are kept the same',
  trash: 'what was deleted',
  vault: 'the log of a vault',
  account: 'the account as a whole',
  server: 'where the account is',
  service: 'the engine at login',
  config: 'settings of this device',
  ignore: 'what is left out',
};

type Runner = (command: Command, input: unknown, json: boolean) => Promise<void>;

export interface ProgramOptions {
  readonly version: string;
  readonly out: (text: string) => void;
  readonly run: Runner;
}

/** Throws CommanderError instead of ending the process. */
export function buildProgram(options: ProgramOptions): Commander {
  const program = new Commander('coffre');
  program
    .description('Keeps a folder the same on all your devices, encrypted before it leaves them.')
    .version(options.version, '--version', 'print the version')
    // Options of `coffre` itself come first: `restore --version N` is not `--version`.
    .enablePositionalOptions()
    .option('--json', 'print one JSON object')
    .exitOverride()
    .configureOutput({ writeOut: options.out, writeErr: () => undefined })
    .addHelpText('after', HELP_END);
  const groups = new Map<string, Commander>();
  for (const entry of [...COMMANDS, completion(() => program)]) {
    const words = entry.name.split(' ');
    const last = words.pop() ?? '';
    const group = words[0];
    const parent = group === undefined ? program : groupOf(program, groups, group);
    groups.set(entry.name, addCommand(parent, last, entry, options.run));
  }
  return program;
}

const HELP_END = `
Paths in the account are VAULT:/path; without a vault, the first.
Exit codes: 0 done, 1 failed, 2 bad usage, 3 out of sync, 4 time-out, 5 signed out or refused, 6 quota,
7 the server or the stored data failed verification.
COFFRE_HOME names the state of one device, COFFRE_PASSWORD answers for the prompt.`;

function groupOf(program: Commander, groups: Map<string, Commander>, name: string): Commander {
  const known = groups.get(name);
  if (known !== undefined) return known;
  const group = program.command(name).description(GROUPS[name] ?? '');
  groups.set(name, group);
  return group;
}

function addCommand(parent: Commander, name: string, entry: Command, run: Runner): Commander {
  const made = parent.command(name).description(entry.about).option('--json', 'print one JSON object');
  if (entry.arguments !== '') made.arguments(entry.arguments);
  for (const [flags, about] of entry.options) made.option(flags, about);
  made.addHelpText('after', `\nExamples:\n${entry.examples.map((line) => `  $ ${line}`).join('\n')}`);
  made.action(async () => {
    const input: Record<string, unknown> = { ...made.opts() };
    made.registeredArguments.forEach((argument, index) => {
      const value: unknown = made.processedArgs[index];
      if (value !== undefined) input[argument.name()] = value;
    });
    await run(entry, input, made.optsWithGlobals()['json'] === true);
  });
  return made;
}

function completion(program: () => Commander): Command {
  return {
    name: 'completion',
    about: `completes commands in a shell: ${SHELLS.join(', ')}`,
    arguments: '<shell>',
    options: [],
    examples: [
      'source <(coffre completion bash)',
      'coffre completion fish > ~/.config/fish/completions/coffre.fish',
    ],
    run: async (_context, raw): Promise<CommandResult> => {
      const { shell } = raw as { shell: string };
      if (!isShell(shell)) {
        throw new PersonError('bad-input', `no shell is called ${shell}`, `Choose ${SHELLS.join(', ')}.`);
      }
      const script = completionScript(shell, program());
      return { json: { shell, script }, text: script.split('\n') };
    },
  };
}

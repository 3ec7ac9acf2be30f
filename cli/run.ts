/** From the words of a command line to its output and its exit code. */
import { CommanderError } from 'commander';
import { EXIT, PERSON_ERROR_EXIT, PersonError, type ExitCode } from '../protocol/errors.ts';
import { CommandContext } from './context.ts';
import { printable, writeLines } from './output.ts';
import { buildProgram } from './program.ts';
import type { Terminal } from './terminal.ts';

/** The shell's own code for what Ctrl-C ended. */
const INTERRUPTED = 130;

/** Never throws. */
export async function runCommandLine(
  words: readonly string[],
  terminal: Terminal,
  version: string,
): Promise<number> {
  let exit: ExitCode = EXIT.done;
  const program = buildProgram({
    version,
    out: (text) => void terminal.stdout.write(text),
    run: async (command, input, json) => {
      const context = new CommandContext(terminal, json);
      try {
        const result = await command.run(context, input);
        exit = result?.exit ?? EXIT.done;
        if (result === null) return;
        if (json) terminal.stdout.write(`${JSON.stringify(result.json)}\n`);
        else writeLines(terminal.stdout, result.text);
      } finally {
        await context.close();
      }
    },
  });
  try {
    await program.parseAsync([...words], { from: 'user' });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done; // --help, --version
    if (terminal.signal.aborted) return INTERRUPTED;
    return report(told(error), words, terminal);
  }
}

function told(error: unknown): PersonError {
  if (error instanceof PersonError) return error;
  if (error instanceof CommanderError) {
    const isBare = error.code === 'commander.help';
    const what = isBare ? 'a command is missing' : error.message.replace(/^error: /, '').replace(/\n/g, ' ');
    return new PersonError('bad-input', what, 'See coffre --help.');
  }
  const what = error instanceof Error ? error.message : String(error);
  return new PersonError('failed', `something unexpected happened: ${what}`, 'Try again.', { cause: error });
}

function report(error: PersonError, words: readonly string[], terminal: Terminal): ExitCode {
  const { code, message, hint } = error;
  // The words may not even parse, so `--json` is looked for as it stands.
  const options = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
  if (options.includes('--json')) {
    terminal.stdout.write(`${JSON.stringify({ error: { code, message, hint } })}\n`);
  } else {
    const sentence = /[.!?]$/.test(message) ? message : `${message}.`;
    terminal.stderr.write(`${printable(`coffre: ${sentence} ${hint}`.trimEnd())}\n`);
  }
  return PERSON_ERROR_EXIT[code];
}

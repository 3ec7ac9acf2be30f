/** How the commands speak: a result on stdout, one line on stderr when something is wrong. */
import { EXIT, type ExitCode } from '../../protocol/errors.ts';
import { StartError } from '../data-dir.ts';
import { StoreDamaged, StoreUnavailable } from '../store/store-errors.ts';

export interface Output {
  readonly json: boolean;
}

/** An error for the person at the terminal. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exit: ExitCode;
  readonly code: string;
  readonly hint: string;

  constructor(exit: ExitCode, code: string, message: string, hint: string) {
    super(message);
    this.exit = exit;
    this.code = code;
    this.hint = hint;
  }
}

/** Prints `value` as one JSON object, or `lines` for people. */
export function printResult(output: Output, value: object, lines: readonly string[]): void {
  const text = output.json ? JSON.stringify(value) : lines.join('\n');
  if (text !== '') process.stdout.write(`${text}\n`);
}

/** Prints one line for what went wrong and returns how to exit. */
export function printError(json: boolean, error: unknown): ExitCode {
  const { code, exit, message, hint } = describe(error);
  const line = json
    ? JSON.stringify({ error: { code, message, hint } })
    : `coffre-cloud: ${message}${hint === '' ? '' : `: ${hint}`}`;
  process.stderr.write(`${line}\n`);
  return exit;
}

function describe(error: unknown): { code: string; exit: ExitCode; message: string; hint: string } {
  if (error instanceof CommandError) return error;
  if (error instanceof StartError)
    return { code: 'failed', exit: EXIT.failed, message: error.message, hint: '' };
  if (error instanceof StoreDamaged) {
    return { code: 'verification', exit: EXIT.verification, message: error.message, hint: '' };
  }
  if (error instanceof StoreUnavailable) {
    const hint = 'see that there is room on the disk and that the database answers, then start again';
    return { code: 'disk-full', exit: EXIT.failed, message: error.message, hint };
  }
  const code = error instanceof Error && 'code' in error ? error.code : '';
  const message = error instanceof Error ? error.message : String(error);
  const hints: Readonly<Record<string, string>> = {
    EADDRINUSE: 'the port is taken: choose another with --listen',
    EACCES: 'not permitted: check the rights on the data directory, and use a port above 1023',
    ENOENT: 'a file is missing: check the paths given',
  };
  const hint = (typeof code === 'string' ? hints[code] : undefined) ?? '';
  return { code: 'failed', exit: EXIT.failed, message, hint };
}

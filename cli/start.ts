/** What `npm start` runs, once everything is installed and built. */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { EXIT, PERSON_ERROR_EXIT, PersonError } from '../protocol/errors.ts';
import { engineProgram } from '../sync-engine/client/engine-program.ts';
import { runDemo } from './demo.ts';
import { guidedStart } from './guided-start.ts';
import { printable, writeLines } from './output.ts';
import type { Terminal } from './terminal.ts';

const HELP = [
  'Usage: npm start',
  '       npm start -- --terminal [--folder DIR] [--email ADDRESS]',
  '       npm start -- --demo',
  '',
  'Opens the app where there is a display. Without one, or with --terminal, it starts an account server and the',
  'sync engine on this machine, asks for what it does not know (a folder, an e-mail address, a password;',
  'COFFRE_PASSWORD answers for the last) and keeps the folder in sync until Ctrl-C. --demo asks nothing:',
  'two devices, a few files, and a look at what the server holds.',
];

/** Ending in good order may take so long at most. */
const ENDING_MS = 30_000;

const stopping = new AbortController();
function stop(): void {
  if (stopping.signal.aborted) return;
  stopping.abort();
  setTimeout(() => process.exit(130), ENDING_MS).unref();
}
// Ctrl-C comes from the terminal and once more from npm: the second is the same wish.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);

const terminal: Terminal = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.env['INIT_CWD'] ?? process.cwd(),
  engine: engineProgram(process.env),
  entry: fileURLToPath(import.meta.url),
  signal: stopping.signal,
};

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const { values } = parseArgs({
      options: {
        demo: { type: 'boolean', default: false },
        // Understood by build/start.mjs, which would open the app otherwise.
        terminal: { type: 'boolean', default: false },
        folder: { type: 'string' },
        email: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      writeLines(terminal.stdout, HELP);
      return EXIT.done;
    }
    if (!values.demo) {
      await guidedStart(terminal, { folder: values.folder, email: values.email });
      return EXIT.done;
    }
    const say = (line: string) => writeLines(terminal.stdout, [line]);
    const { engine: program, env, signal } = terminal;
    return (await runDemo({ program, env, say, signal })) ? EXIT.done : EXIT.outOfSync;
  } catch (error) {
    return report(error);
  }
}

function report(error: unknown): number {
  if (stopping.signal.aborted) return 130;
  if (error instanceof PersonError) {
    terminal.stderr.write(`coffre: ${printable(`${error.message}. ${error.hint}`)}\n`);
    return PERSON_ERROR_EXIT[error.code];
  }
  const isUsage =
    error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  if (!isUsage) throw error;
  terminal.stderr.write(`coffre: ${printable(error.message)}. See npm start -- --help.\n`);
  return EXIT.usage;
}

/** `coffre`: the command line. */
import { fileURLToPath } from 'node:url';
import { engineProgram } from '../sync-engine/client/engine-program.ts';
import { PROGRAM_VERSION } from '../protocol/version.ts';
import { runCommandLine } from './run.ts';

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stopping.signal.aborted) process.exit(130);
    stopping.abort();
  });
}
// A reader that has had enough (`| head`) is no error.
process.stdout.on('error', () => process.exit(0));

process.exitCode = await runCommandLine(
  process.argv.slice(2),
  {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    engine: engineProgram(process.env),
    entry: fileURLToPath(import.meta.url),
    signal: stopping.signal,
  },
  PROGRAM_VERSION,
);

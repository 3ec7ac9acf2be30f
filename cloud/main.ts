/** `coffre-cloud`: the account server and the commands beside it. */
import { runCommandLine } from './commands/command-line.ts';

process.exitCode = await runCommandLine(process.argv);

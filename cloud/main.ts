/** `coffre-cloud`: the account server and the commands beside it. */
import { setFlagsFromString } from 'node:v8';
import { runCommandLine } from './commands/command-line.ts';

// Packs pass through as buffers outside the heap, and V8 collects a small heap for each 10 MB of them: a fifth of
// all CPU time of a transfer. At three times the live heap instead of one and a bit it does so a quarter as often.
setFlagsFromString('--heap-growing-percent=200');

process.exitCode = await runCommandLine(process.argv);

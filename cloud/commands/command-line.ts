/** The command line of `coffre-cloud`. */
import { Command, CommanderError, Option } from 'commander';
import { EXIT, type ExitCode } from '../../protocol/errors.ts';
import { PROGRAM_VERSION } from '../../protocol/version.ts';
import { addAuditCommand } from './audit-command.ts';
import { addCheckCommands } from './check-commands.ts';
import { addLegacyCommands } from './legacy-commands.ts';
import { addMoveCommands } from './move-commands.ts';
import { printError } from './output.ts';
import { serve, type ServeOptions } from './serve.ts';
import { addStorageOptions } from './storage-options.ts';
import { addUpkeepCommands } from './upkeep-commands.ts';

/** Runs one command; `argv` as in process.argv. Returns the exit code. */
export async function runCommandLine(argv: readonly string[]): Promise<ExitCode> {
  const json = argv.includes('--json');
  try {
    await buildProgram().parseAsync(argv);
    return EXIT.done;
  } catch (error) {
    // commander has printed what it did not understand, or the help.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    return printError(json, error);
  }
}

function buildProgram(): Command {
  const program = new Command('coffre-cloud')
    .description('The account server of Coffre: it stores what it cannot read.')
    .version(PROGRAM_VERSION)
    .showHelpAfterError('(coffre-cloud --help tells more)')
    .exitOverride();
  addServe(program);
  addCheckCommands(program);
  addMoveCommands(program);
  addUpkeepCommands(program);
  addLegacyCommands(program);
  addAuditCommand(program);
  return program;
}

function addServe(program: Command): void {
  addStorageOptions(program.command('serve'), 'where everything is kept')
    .description('run the server')
    .requiredOption('--listen <host:port>', 'where to listen; port 0 picks one')
    .option('--quota <size>', 'of an account that has none of its own', '100GB')
    .option('--signup <mode>', 'open, invite or closed (default: open on loopback, else invite)')
    .option('--tls-cert <file>', 'certificate chain, PEM')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--plain-http', 'no TLS beyond loopback either: behind a proxy that ends it')
    .option('--trust-proxy', 'believe X-Forwarded-For: only behind such a proxy')
    .option('--metrics-token <token>', 'opens /metrics to others than this machine')
    .option('--max-connections <number>', 'at a time; each takes a file descriptor', '4096')
    .option(
      '--drain-grace <seconds>',
      'when stopping, how long to go on while not ready (default: 10, alone 0)',
    )
    .option('--drain-requests <seconds>', 'and then, how long requests under way may take (default: 15)')
    .option('--audit-days <days>', 'how long entries of the audit log are kept (default: 400)')
    .option('--log-level <level>', 'fatal, error, warn, info, debug or silent', 'warn')
    .addOption(new Option('--retention-days <days>', 'for tests').hideHelp())
    .action(async (options: ServeOptions) => serve(options));
}

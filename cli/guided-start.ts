/**
 * `npm start`: the account server and the engine on this machine, a folder linked, and one line that says how
 * it stands until Ctrl-C. Later runs go on where the first one ended.
 */
import { homedir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { controlEndpoint, homeFolder } from '../protocol/control-endpoint.ts';
import type { Status } from '../protocol/control-shapes.ts';
import { PersonError } from '../protocol/errors.ts';
import { connectIfRunning, stopEngine, type ControlClient } from '../sync-engine/client/client.ts';
import { connectEngine } from '../sync-engine/client/connect.ts';
import { phraseText } from './commands/signup.ts';
import { isServerOf, startServerOf, type LocalServer } from '../programs/local-server.ts';
import { serverProgram } from './server-program.ts';
import { statusLine, statusLineView } from './status-line.ts';
import { writeLines } from './output.ts';
import { Secrets } from './secrets.ts';
import type { Terminal } from './terminal.ts';

export interface GuidedOptions {
  readonly folder: string | undefined;
  readonly email: string | undefined;
}

/** Resolves after Ctrl-C, when all that it started has ended. @throws PersonError */
export async function guidedStart(terminal: Terminal, options: GuidedOptions): Promise<void> {
  const home = homeFolder(terminal.env);
  const endpoint = controlEndpoint(home);
  const found = await connectIfRunning(endpoint);
  const engine = found ?? (await connectEngine({ home, program: terminal.engine, env: terminal.env }));
  let server: LocalServer | null = null;
  try {
    await unlockWhenLocked(terminal, engine); // before that it does not say whose it is
    const { account } = await engine.call('status', {});
    server = await serverFor(terminal, home, account, engine);
    if (account === null && server !== null) await setUp(terminal, engine, server.url, options);
    else if (options.folder !== undefined || options.email !== undefined) {
      writeLines(terminal.stdout, ['This device has an account already: --folder and --email are left out.']);
    }
    await follow(terminal, engine, server);
  } finally {
    await engine.close();
    // An engine that ran before goes on: it is not of this program's making.
    if (found === null) await stopEngine(endpoint);
    await server?.stop();
  }
}

/** The embedded server, unless the account of this device is elsewhere. Its address stays when it can. */
async function serverFor(
  terminal: Terminal,
  home: string,
  account: Status['account'],
  engine: ControlClient,
): Promise<LocalServer | null> {
  if (account !== null && !(await isServerOf(home, account.server))) return null;
  const server = await startServerOf(serverProgram(terminal.engine, terminal.env), home);
  if (account !== null && new URL(account.server).port !== new URL(server.url).port) {
    await engine.call('server.set', { server: server.url }); // the port was taken
  }
  return server;
}

async function setUp(
  terminal: Terminal,
  engine: ControlClient,
  server: string,
  options: GuidedOptions,
): Promise<void> {
  const { stdout, cwd } = terminal;
  writeLines(stdout, [
    'Coffre keeps a folder the same on your devices, encrypted before anything leaves them.',
    'This sets up an account on a server of your own, on this machine.',
    '',
  ]);
  const answers = {
    folder: options.folder ?? (await ask(terminal, 'Folder', path.join(homedir(), 'Coffre'))),
    email: options.email ?? (await ask(terminal, 'E-mail', 'me@localhost')),
  };
  const secrets = new Secrets(terminal);
  const password = await secrets.password({
    prompt: 'Password: ',
    variable: 'COFFRE_PASSWORD',
    fromStdin: false,
    twice: true,
  });
  const folder = path.resolve(cwd, answers.folder.replace(/^~(?=$|[/\\])/, homedir()));
  const made = await engine.call(
    'signup',
    { server, email: answers.email.trim().toLowerCase(), password, folder },
    { signal: terminal.signal },
  );
  writeLines(stdout, ['', ...phraseText(made.recoveryPhrase), '']);
}

async function ask(terminal: Terminal, question: string, usual: string): Promise<string> {
  const { stdin, stdout, signal } = terminal;
  if (stdin.isTTY !== true) {
    throw new PersonError(
      'bad-input',
      'there is no terminal to ask for the folder, the e-mail address and the password',
      'Use npm start -- --folder DIR --email E with COFFRE_PASSWORD set, or npm start -- --demo.',
    );
  }
  const reader = createInterface({ input: stdin, output: stdout });
  try {
    const answer = await reader.question(`${question} [${usual}]: `, { signal });
    return answer.trim() === '' ? usual : answer.trim();
  } finally {
    reader.close();
  }
}

async function unlockWhenLocked(terminal: Terminal, engine: ControlClient): Promise<void> {
  const { state } = await engine.call('status', {});
  if (state !== 'locked') return;
  const secrets = new Secrets(terminal);
  const question = { prompt: 'Password: ', variable: 'COFFRE_PASSWORD', fromStdin: false } as const;
  await engine.call('unlock', { password: await secrets.password(question) });
}

async function follow(terminal: Terminal, engine: ControlClient, server: LocalServer | null): Promise<void> {
  const { stdout, signal } = terminal;
  const status = await engine.call('status', {});
  writeLines(stdout, [
    ...status.pairs.map((pair) => `${pair.folder} is kept the same as ${pair.vault}:${pair.path}.`),
    ...(status.account === null ? [] : [`Account ${status.account.email} at ${status.account.server}.`]),
    'For another device on this machine, in another terminal:',
    `  COFFRE_HOME=DIR bin/coffre login --server ${server?.url ?? status.account?.server ?? 'URL'} --email ${status.account?.email ?? 'E'} --folder OTHER`,
    'Ctrl-C ends it; npm start goes on.',
  ]);
  const view = statusLineView(stdout);
  view.show(statusLine(status));
  await engine.subscribe(['status'], (event) => {
    if (event.event === 'status') view.show(statusLine(event.data));
  });
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const gone = engine.closed.then(() => {
    throw new PersonError('engine-not-running', 'the engine ended', 'Run npm start again.');
  });
  gone.catch(() => undefined); // ends after Ctrl-C too
  try {
    const failed = server === null ? [] : [server.ended.then(serverEnded)];
    await Promise.race([stopped, gone, ...failed]);
  } finally {
    view.end();
  }
  writeLines(stdout, ['Ending ...']);
}

function serverEnded({ lastWords }: { readonly lastWords: string }): never {
  throw new PersonError('failed', `the server ended: ${lastWords}`, 'Run npm start again.');
}

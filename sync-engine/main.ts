/**
 * The engine: one process a device. Takes no arguments; `COFFRE_HOME` says which device, `COFFRE_PASSWORD` or a
 * systemd credential opens its key file. Its last words are one line on stderr, JSON when it could not start.
 */
import { setFlagsFromString } from 'node:v8';
import { PersonError } from '../protocol/errors.ts';
import { homeFolder } from '../protocol/control-endpoint.ts';
import { PROGRAM_VERSION } from '../protocol/version.ts';
import { lockEngine } from './account/engine-lock.ts';
import { Home } from './account/home.ts';
import { serveControl } from './control/server.ts';
import { treeHandlers } from './control/tree-handlers.ts';
import { accountHandlers } from './host/account-handlers.ts';
import { engineHandlers } from './host/engine-handlers.ts';
import { ignoreHandlers } from './host/ignore-handlers.ts';
import { Host } from './host/host.ts';
import { inTurn } from './host/in-turn.ts';
import { reportHandlers } from './host/report-handlers.ts';

// Packs pass through as buffers outside the heap, and V8 collects a small heap for each 10 MB of them: a fifth of
// all CPU time of a transfer. At three times the live heap instead of one and a bit it does so a quarter as often.
setFlagsFromString('--heap-growing-percent=200');

async function main(): Promise<void> {
  const home = await Home.open(homeFolder(process.env));
  const unlock = lockEngine(home);
  const defect = (error: unknown): void => {
    // A broken invariant: better stopped than wrong. Whoever started the engine starts it again.
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
    host.requestStop();
  };
  const host = await Host.open(home, process.env, defect);
  delete process.env['COFFRE_PASSWORD'];
  const control = await serveControl({
    home: home.path,
    engineVersion: PROGRAM_VERSION,
    onDefect: defect,
    // An engine without an account has nothing to do once nobody asks it anything.
    onEmpty: () => {
      if (!host.hasAccount) host.requestStop();
    },
    facade: {
      handlers: inTurn({
        ...engineHandlers(host),
        ...accountHandlers(host),
        ...treeHandlers(host),
        ...ignoreHandlers(host),
        ...reportHandlers(host),
      }),
      onEvent: (listener) => host.onEvent(listener),
    },
  });
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => host.requestStop());
  await host.stopped;
  await control.close();
  await host.close();
  unlock();
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    const told =
      error instanceof PersonError
        ? JSON.stringify({ error: { code: error.code, message: error.message, hint: error.hint } })
        : error instanceof Error
          ? (error.stack ?? error.message)
          : String(error);
    process.stderr.write(`${told}\n`);
    process.exit(1);
  },
);

/** Runs a command on a throw-away desktop, to look at something by hand: node build/run.mjs test/desktop/run.ts COMMAND... */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Desktop } from './session.ts';

const [command = 'true', ...args] = process.argv.slice(2);
const desktop = await Desktop.begin({ keyring: true });
const child = spawn(command, args, { env: desktop.env, stdio: 'inherit' });
const [code] = (await once(child, 'exit')) as [number | null];
await desktop.end();
process.exitCode = code ?? 1;

import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { PersonError } from '../../protocol/errors.ts';
import { command } from '../command.ts';
import type { Terminal } from '../terminal.ts';

const UNIT = 'coffre.service';

export const serviceInstall = command({
  name: 'service install',
  about: 'runs the engine at every login (systemd)',
  input: z.object({}),
  examples: ['coffre service install'],
  run: async (context) => {
    if (process.platform !== 'linux') {
      throw new PersonError(
        'failed',
        'a service is installed on Linux with systemd only',
        'docs/cli.md says how to have launchd or the Task Scheduler run coffre start --foreground.',
      );
    }
    const { terminal } = context;
    const config = terminal.env['XDG_CONFIG_HOME'] ?? path.join(homedir(), '.config');
    const unit = path.join(config, 'systemd', 'user', UNIT);
    await mkdir(path.dirname(unit), { recursive: true });
    await writeFile(
      unit,
      unitText(terminal, terminal.env['COFFRE_HOME'] === undefined ? null : context.home),
    );
    const done = [`Wrote ${unit}.`];
    const enabled = await enable(terminal);
    done.push(
      enabled
        ? `Enabled and started it (systemctl --user enable --now ${UNIT}).`
        : `The user manager of systemd cannot be reached: run systemctl --user enable --now ${UNIT} in your session.`,
      `A device without a keychain waits, locked, until coffre unlock; docs/cli.md shows a credential for it.`,
      `To have it run while you are not logged in: loginctl enable-linger.`,
    );
    return { json: { unit, enabled }, text: done };
  },
});

/** systemd's own quoting; a per cent sign begins a specifier there and a dollar a variable. */
function quoted(text: string): string {
  const escaped = text.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return `"${escaped}"`;
}

function unitText(terminal: Terminal, home: string | null): string {
  return [
    '[Unit]',
    'Description=Coffre, end-to-end encrypted file sync',
    '',
    '[Service]',
    `ExecStart=${[terminal.engine.node, terminal.entry].map(quoted).join(' ')} start --foreground`,
    ...(home === null ? [] : [`Environment=${quoted(`COFFRE_HOME=${home}`)}`]),
    'Restart=on-failure',
    'RestartSec=5',
    '',
    '[Install]',
    'WantedBy=default.target',
    '',
  ].join('\n');
}

async function enable(terminal: Terminal): Promise<boolean> {
  const run = promisify(execFile);
  try {
    await run('systemctl', ['--user', 'daemon-reload'], { env: terminal.env });
    await run('systemctl', ['--user', 'enable', '--now', UNIT], { env: terminal.env });
    return true;
  } catch {
    return false; // no systemd, or no session of it: the text says what to do
  }
}

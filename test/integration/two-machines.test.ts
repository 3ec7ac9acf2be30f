/**
 * Two machines, each a network namespace of its own, joined by one cable: the server on the first makes its own
 * certificate, and the second joins with the address that carries its fingerprint. Needs root and iproute2;
 * without them the suite says so and is left out (run it as root with `ip` installed).
 */
import { execFileSync, spawn, type ChildProcess, type ExecFileSyncOptions } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PROJECT = join(import.meta.dirname, '../..');
const PASSWORD = 'a password of two machines';
const COMMAND_MS = 60_000;

function hasNamespaces(): boolean {
  const name = `coffre-probe-${process.pid}`;
  try {
    execFileSync('ip', ['netns', 'add', name], { stdio: 'ignore' });
    execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
    return true;
  } catch {
    process.stderr.write('left out: two machines (needs root and iproute2 for network namespaces)\n');
    return false;
  }
}

/** One machine: a namespace, a home and a folder. */
class Machine {
  readonly namespace: string;
  readonly home: string;
  readonly folder: string;

  constructor(name: string, place: string) {
    this.namespace = `coffre-${name}-${process.pid}`;
    this.home = join(place, `home-${name}`);
    this.folder = join(place, name);
    mkdirSync(this.folder);
  }

  command(program: string, ...args: string[]): [string, string[]] {
    return ['ip', ['netns', 'exec', this.namespace, process.execPath, join(PROJECT, program), ...args]];
  }

  /** Exit code and what was printed as JSON. */
  coffre(...args: string[]): { code: number; json: Record<string, unknown> } {
    const [file, all] = this.command('cli/main.ts', ...args, '--json');
    const options: ExecFileSyncOptions = {
      env: { ...process.env, COFFRE_HOME: this.home, COFFRE_PASSWORD: PASSWORD },
      timeout: COMMAND_MS,
      killSignal: 'SIGKILL',
      encoding: 'utf8',
    } as const;
    try {
      return { code: 0, json: parsed(String(execFileSync(file, all, options))) };
    } catch (error) {
      const { status, stdout } = error as { status: number | null; stdout: string };
      return { code: status ?? -1, json: parsed(stdout) };
    }
  }
}

function parsed(text: string): Record<string, unknown> {
  return text.trim() === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

describe.skipIf(!hasNamespaces())('two machines', () => {
  const place = mkdtempSync(join(tmpdir(), 'coffre-machines-'));
  const first = new Machine('first', place);
  const second = new Machine('second', place);
  let server: ChildProcess | null = null;
  let address = '';

  const ip = (...args: string[]): void => {
    execFileSync('ip', args, { stdio: 'ignore' });
  };

  beforeAll(async () => {
    for (const machine of [first, second]) {
      ip('netns', 'add', machine.namespace);
      ip('-n', machine.namespace, 'link', 'set', 'lo', 'up');
    }
    const ends = [`cf1-${process.pid}`, `cf2-${process.pid}`] as const;
    ip('link', 'add', ends[0], 'type', 'veth', 'peer', 'name', ends[1]);
    for (const [index, machine] of [first, second].entries()) {
      const end = ends[index] ?? '';
      ip('link', 'set', end, 'netns', machine.namespace);
      ip('-n', machine.namespace, 'addr', 'add', `10.77.0.${index + 1}/24`, 'dev', end);
      ip('-n', machine.namespace, 'link', 'set', end, 'up');
    }
    const [file, args] = first.command(
      'cloud/main.ts',
      ...['serve', '--data', join(place, 'cloud'), '--listen', '10.77.0.1:0', '--signup', 'open'],
    );
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    server = child;
    address = await new Promise<string>((resolve, reject) => {
      let said = '';
      child.stdout.on('data', (text: Buffer) => {
        said += text.toString();
        const found = /listening on (https:\/\/\S+)/.exec(said)?.[1];
        if (found !== undefined) resolve(found);
      });
      child.once('exit', () => {
        reject(new Error('the server ended'));
      });
    });
  });

  afterAll(() => {
    for (const machine of [first, second]) machine.coffre('stop');
    server?.kill('SIGKILL');
    for (const machine of [first, second]) ip('netns', 'del', machine.namespace);
    rmSync(place, { recursive: true, force: true });
  });

  it('carries a fingerprint in the address of a self-made certificate', () => {
    expect(address).toMatch(/^https:\/\/10\.77\.0\.1:\d+\/#[0-9a-f]{64}$/);
  });

  it('joins and syncs across the cable', () => {
    writeFileSync(join(first.folder, 'thesis.txt'), 'chapter one\n');
    const enrol = ['--server', address, '--email', 'two@machines.example'];
    expect(first.coffre('signup', ...enrol, '--folder', first.folder, '--device', 'first')).toMatchObject({
      code: 0,
    });
    expect(second.coffre('login', ...enrol, '--folder', second.folder, '--device', 'second')).toMatchObject({
      code: 0,
    });
    expect(first.coffre('wait', '--timeout', '40')).toMatchObject({ code: 0 });
    expect(second.coffre('wait', '--timeout', '40')).toMatchObject({ code: 0 });
    expect(readFileSync(join(second.folder, 'thesis.txt'), 'utf8')).toBe('chapter one\n');

    writeFileSync(join(second.folder, 'answer.txt'), 'from the other machine\n');
    expect(second.coffre('wait', '--timeout', '40')).toMatchObject({ code: 0 });
    expect(first.coffre('wait', '--timeout', '40')).toMatchObject({ code: 0 });
    expect(readFileSync(join(first.folder, 'answer.txt'), 'utf8')).toBe('from the other machine\n');
  });

  it('refuses a wrong fingerprint before anything of the account is sent', () => {
    const third = new Machine('third', place);
    Object.assign(third, { namespace: second.namespace });
    const digit = address.at(-1) === '0' ? '1' : '0';
    const wrong = `${address.slice(0, -1)}${digit}`;
    const answer = third.coffre(
      'login',
      ...['--server', wrong, '--email', 'two@machines.example', '--folder', third.folder],
    );
    expect(answer.code).toBe(7);
    expect(answer.json).toMatchObject({ error: { code: 'server-certificate' } });
    third.coffre('stop');
  });
});

import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { confirm } from './confirm.ts';
import type { Terminal } from './terminal.ts';

function terminal(typed: string, isTTY = true): { terminal: Terminal; asked: () => string } {
  const stdin = Object.assign(new PassThrough(), { isTTY });
  const stderr = new PassThrough();
  stdin.write(typed);
  const { signal } = new AbortController();
  return {
    terminal: { stdin, stderr, signal } as unknown as Terminal,
    asked: () => String(stderr.read() ?? ''),
  };
}

it.each(['y\n', 'Yes\n', ' y \n'])('goes on after %j', async (typed) => {
  const { terminal: at, asked } = terminal(typed);
  await confirm(at, 'Go back?');
  expect(asked()).toContain('Go back? [y/N]');
});

it.each(['n\n', '\n', 'yesterday\n'])('does nothing after %j', async (typed) => {
  await expect(confirm(terminal(typed).terminal, 'Go back?')).rejects.toMatchObject({ code: 'bad-input' });
});

it('does nothing when the input ends, or the command is stopped', async () => {
  const { terminal: at } = terminal('');
  at.stdin.push(null);
  await expect(confirm(at, 'Go back?')).rejects.toMatchObject({ code: 'bad-input' });
  const stop = { ...terminal('').terminal, signal: AbortSignal.abort() };
  await expect(confirm(stop, 'Go back?')).rejects.toMatchObject({ code: 'bad-input' });
});

it('asks nobody where there is no terminal', async () => {
  const { terminal: at, asked } = terminal('y\n', false);
  await expect(confirm(at, 'Go back?')).rejects.toMatchObject({ hint: expect.stringContaining('--yes') });
  expect(asked()).toBe('');
});

/** A question before something that reaches every device. */
import { createInterface } from 'node:readline/promises';
import { PersonError } from '../protocol/errors.ts';
import type { Terminal } from './terminal.ts';

/** Goes on only after `y` or `yes`. @throws PersonError('bad-input') when nobody can be asked, or the answer is no */
export async function confirm(terminal: Terminal, question: string): Promise<void> {
  const { stdin, stderr, signal } = terminal;
  if (stdin.isTTY !== true) {
    const what = 'this has to be confirmed, and there is no terminal to ask';
    throw new PersonError('bad-input', what, 'Look with --dry-run, then add --yes.');
  }
  const reader = createInterface({ input: stdin, output: stderr, terminal: false });
  // Ctrl-D ends the input, and no answer comes.
  const ended = new AbortController();
  reader.once('close', () => ended.abort());
  const stopped = AbortSignal.any([signal, ended.signal]);
  try {
    const answer = await reader.question(`${question} [y/N] `, { signal: stopped });
    if (/^y(es)?$/i.test(answer.trim())) return;
  } catch (error) {
    if (!stopped.aborted) throw error;
  } finally {
    reader.close();
  }
  throw new PersonError('bad-input', 'nothing was done', 'Answer y to go on.');
}

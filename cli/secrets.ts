/**
 * Where passwords and phrases come from: lines of stdin when the option asks for it, the environment, or the
 * prompt, which shows nothing of what is typed. Never an argument: every user of the machine can read those.
 */
import { createInterface, type Interface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { PersonError } from '../protocol/errors.ts';
import type { Terminal } from './terminal.ts';

export interface PasswordQuestion {
  readonly prompt: string;
  /** The environment variable that answers it. */
  readonly variable: 'COFFRE_PASSWORD' | 'COFFRE_NEW_PASSWORD' | 'COFFRE_OLD_PASSWORD';
  readonly fromStdin: boolean;
  /** Typed twice, when it is typed. */
  readonly twice?: boolean;
}

const PHRASE_WORDS = 24;

export class Secrets {
  readonly #terminal: Terminal;
  #reader: Interface | null = null;
  #lines: AsyncIterator<string> | null = null;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** @throws PersonError('bad-input') when there is none to be had, or the two do not agree */
  async password(question: PasswordQuestion): Promise<string> {
    if (question.fromStdin) {
      const line = await this.#line();
      if (line === null || line === '') throw missing('no password came on stdin');
      return line;
    }
    const given = this.#terminal.env[question.variable];
    if (given !== undefined && given !== '') return given;
    const typed = await this.#ask(question.prompt, question.variable);
    if (question.twice === true && (await this.#ask('The same again: ', question.variable)) !== typed) {
      throw new PersonError('bad-input', 'the two passwords are not the same', 'Try again.');
    }
    return typed;
  }

  /** Lets go of stdin, so that the process can end. */
  close(): void {
    this.#reader?.close();
  }

  /** The 24 words, on one line or on several, with or without their numbers. @throws PersonError('bad-input') */
  async phrase(fromStdin: boolean): Promise<string> {
    if (!fromStdin) {
      const typed = wordsOf(await this.#ask('Recovery phrase (24 words): ', null));
      return checkedPhrase(typed);
    }
    const words: string[] = [];
    while (words.length < PHRASE_WORDS) {
      const line = await this.#line();
      if (line === null) break;
      words.push(...wordsOf(line));
    }
    return checkedPhrase(words);
  }

  async #line(): Promise<string | null> {
    // Read line by line: a phrase and a password may come one after the other.
    this.#reader ??= createInterface({ input: this.#terminal.stdin, crlfDelay: Infinity });
    this.#lines ??= this.#reader[Symbol.asyncIterator]();
    const next = await this.#lines.next();
    return next.done === true ? null : next.value;
  }

  async #ask(prompt: string, variable: string | null): Promise<string> {
    const { stdin, stderr, signal } = this.#terminal;
    if (stdin.isTTY !== true) {
      const other = variable === null ? '--phrase-stdin' : `${variable} or --password-stdin`;
      throw missing('a secret is needed, and there is no terminal to ask for it', `Give it with ${other}.`);
    }
    stderr.write(prompt);
    const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
    const reader = createInterface({ input: stdin, output: silent, terminal: true });
    const stopped = new AbortController();
    reader.once('SIGINT', () => stopped.abort());
    try {
      const answer = await reader.question('', { signal: AbortSignal.any([stopped.signal, signal]) });
      if (answer === '') throw missing('nothing was typed');
      return answer;
    } catch (error) {
      if (error instanceof PersonError) throw error;
      throw new PersonError('failed', 'stopped', '', { cause: error });
    } finally {
      reader.close();
      stderr.write('\n');
    }
  }
}

function wordsOf(line: string): string[] {
  return line
    .trim()
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '' && !/^\d+[.)]?$/.test(word));
}

function checkedPhrase(words: readonly string[]): string {
  if (words.length === PHRASE_WORDS) return words.join(' ');
  throw new PersonError(
    'bad-input',
    `a recovery phrase has ${PHRASE_WORDS} words, this one has ${words.length}`,
    'Give all of them, in order.',
  );
}

function missing(what: string, hint = 'Set COFFRE_PASSWORD, use --password-stdin, or answer the prompt.') {
  return new PersonError('bad-input', what, hint);
}

/** An endpoint as the client uses it, up to the verification that stands above it. */
import type { Answer } from './answer.ts';
import type { GenuineLife } from './genuine.ts';
import type { Outcome } from './judge.ts';
import type { Lane } from './lane.ts';
import type { Heard } from './line.ts';

export interface Asker {
  /** Asks once; what the client makes of the answer, without what only the server can know. */
  ask(): Promise<unknown>;
  /** What it may hold besides: as before, or a part of the genuine. */
  readonly also?: readonly string[];
  /** What it holds after `ask`, however that ended; null for what holds nothing. */
  holds?(): string;
  /** Makes it as it was before, where it took something. */
  renew?(): Promise<void>;
  /** @throws where the outcome is one that must not be */
  check?(outcome: Outcome): void;
  close?(): Promise<void> | void;
}

export interface Endpoint {
  readonly name: string;
  readonly on: (heard: Heard) => boolean;
  /**
   * `truth`: what is taken has to be what a genuine answer gives. `word`: only the server knows (quota, times, tokens,
   * that it did something); it has to be of the agreed shape.
   */
  readonly rests: 'truth' | 'word';
  /** For what was not recorded. */
  readonly answer?: (life: GenuineLife, heard: Heard) => Answer;
  /** Answered by the real server, since each request wants an answer of its own. */
  readonly live?: true;
  readonly client: (lane: Lane) => Promise<Asker>;
}

/** `:x` stands for one part of a path. */
export function route(method: string, path: string): (heard: Heard) => boolean {
  const pattern = new RegExp(`^${path.replace(/:[a-z]+/g, '[^/?]+')}(\\?|$)`);
  return (heard) => heard.method === method && pattern.test(heard.path);
}

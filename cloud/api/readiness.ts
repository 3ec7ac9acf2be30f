/**
 * Whether requests should come to this node: what a load balancer asks, often and from several places. So the parts
 * are looked at once a second at most, and one that does not answer in time is out of reach.
 */
import { setTimeout as delay } from 'node:timers/promises';

const FRESH_MS = 1000;
const PATIENCE_MS = 5000;

/** What a node needs to be of use. */
export type NeededPart = 'database' | 'packs';

export type ReadinessState =
  | { readonly status: 'ready' }
  /** It is about to stop: whoever has another node goes there. */
  | { readonly status: 'draining' }
  | { readonly status: 'unreachable'; readonly parts: readonly NeededPart[] };

/** Rejects when the part cannot be reached. */
export type ReachPart = () => Promise<void>;

export class Readiness {
  readonly #looks: readonly { readonly part: NeededPart; readonly look: () => Promise<boolean> }[];
  #isDraining = false;

  constructor(parts: Readonly<Record<NeededPart, ReachPart>>, patienceMs = PATIENCE_MS) {
    const names = ['database', 'packs'] as const;
    this.#looks = names.map((part) => ({ part, look: shared(parts[part], patienceMs) }));
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** From now on it is not ready, for good. */
  beginDraining(): void {
    this.#isDraining = true;
  }

  async state(): Promise<ReadinessState> {
    const answers = await Promise.all(this.#looks.map(({ look }) => look()));
    // Asked last: draining may have begun meanwhile.
    if (this.#isDraining) return { status: 'draining' };
    const parts = this.#looks.filter((_, index) => answers[index] !== true).map(({ part }) => part);
    return parts.length === 0 ? { status: 'ready' } : { status: 'unreachable', parts };
  }
}

/** Whoever asks while it is looked at, or within a second after, gets the same answer. */
function shared(reach: ReachPart, patienceMs: number): () => Promise<boolean> {
  let answer: Promise<boolean> | null = null;
  /** A part that hangs is asked once, not again and again. */
  let asked: Promise<boolean> | null = null;
  const ask = (): Promise<boolean> => {
    asked ??= reach()
      .then(
        () => true,
        () => false,
      )
      .finally(() => {
        asked = null;
      });
    return asked;
  };
  const forget = (): void => {
    answer = null;
  };
  return () => {
    answer ??= within(patienceMs, ask()).finally(() => {
      setTimeout(forget, FRESH_MS).unref();
    });
    return answer;
  };
}

/** False when it takes longer. */
async function within(ms: number, work: Promise<boolean>): Promise<boolean> {
  const over = new AbortController();
  const late = delay(ms, false, { signal: over.signal, ref: false }).catch(() => false);
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
  }
}

/**
 * The few events of a failing world that matter: leaves out more and more of them as long as a promise still
 * breaks (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002). What is left may
 * break another promise than the whole did; both want mending.
 */
import { simulate, type Outcome, type SimulationOptions } from './simulation.ts';

/** Worlds lived through at most. */
const MOST_TRIES = 40;

export async function minimal(
  failing: Outcome,
  options: Omit<SimulationOptions, 'without'>,
): Promise<Outcome> {
  let best = failing;
  const without = new Set<number>();
  let tries = 0;
  for (let size = Math.ceil(failing.events / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let first = 0; first < failing.events && tries < MOST_TRIES; first += size) {
      const part = range(first, Math.min(first + size, failing.events)).filter(
        (event) => !without.has(event),
      );
      if (part.length === 0) continue;
      tries += 1;
      const outcome = await simulate(failing.seed, { ...options, without: new Set([...without, ...part]) });
      if (outcome.broken.length === 0) continue;
      for (const event of part) without.add(event);
      best = outcome;
    }
  }
  return best;
}

function range(from: number, end: number): number[] {
  return Array.from({ length: end - from }, (_, index) => from + index);
}

/**
 * The last plans of a pair and what came of them, in memory and bounded: for a bug report. Nothing reads it to
 * decide anything.
 */
import type { NodeId } from '../../protocol/ids.ts';
import type { Operation } from '../plan/operation.ts';
import type { Clock } from './ports.ts';

const MAX_PLANS = 50;
const MAX_OPERATIONS_A_PLAN = 200;
const MAX_OPERATIONS = 2000;

/** A lane let go of it; both sides agree. */
const WEAK: ReadonlySet<string> = new Set(['ended', 'settled']);

export interface TracedOperation {
  readonly operation: Operation;
  /** It waits for room or for a person. */
  readonly held: boolean;
  outcome: string | null;
  outcomeMs: number;
}

export interface TracedPlan {
  readonly atMs: number;
  /** Dirty nodes it was made for. */
  readonly asked: number;
  readonly clean: number;
  readonly operations: readonly TracedOperation[];
  /** Operations that were not kept. */
  readonly more: number;
}

export class PlanTrace {
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #plans: TracedPlan[] = [];
  /** The latest operation of each node. */
  readonly #latest = new Map<NodeId, TracedOperation>();
  #operations = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Newest first. */
  get plans(): readonly TracedPlan[] {
    return this.#plans.toReversed();
  }

  planned(plan: {
    readonly asked: number;
    readonly clean: number;
    readonly operations: readonly Operation[];
    /** Those of them that do not have to wait for room or for a person. */
    readonly allowed: readonly Operation[];
  }): void {
    const { asked, clean } = plan;
    if (plan.operations.length === 0 && clean === 0) return;
    const allowed = new Set(plan.allowed);
    const operations = plan.operations
      .slice(0, MAX_OPERATIONS_A_PLAN)
      .map((operation) => ({ operation, held: !allowed.has(operation), outcome: null, outcomeMs: 0 }));
    for (const traced of operations) this.#latest.set(traced.operation.id, traced);
    const more = plan.operations.length - operations.length;
    this.#plans.push({ atMs: this.#clock.nowMs(), asked, clean, operations, more });
    this.#operations += operations.length;
    while (this.#plans.length > MAX_PLANS || this.#operations > MAX_OPERATIONS) this.#dropOldest();
  }

  /** The last that is heard counts, but for what follows from everything. */
  heard(id: NodeId, outcome: string): void {
    const traced = this.#latest.get(id);
    if (traced === undefined || (WEAK.has(outcome) && traced.outcome !== null)) return;
    traced.outcome = outcome;
    traced.outcomeMs = this.#clock.nowMs();
  }

  #dropOldest(): void {
    const oldest = this.#plans.shift();
    for (const traced of oldest?.operations ?? []) {
      this.#operations -= 1;
      if (this.#latest.get(traced.operation.id) === traced) this.#latest.delete(traced.operation.id);
    }
  }
}

/**
 * The planner: three trees and the ids of what may differ in, operations out. Pure and synchronous. What a
 * node is to become is judged from the trees alone (`verdict.ts`); a batch only says which nodes to look at,
 * so batches may be any part of what is dirty, in any order.
 */
import type { NodeId } from '../../protocol/ids.ts';
import { Downward } from './downward.ts';
import { Draft } from './draft.ts';
import type { Plan, PlanOptions } from './operation.ts';
import type { Trees } from './tree.ts';
import { Upward } from './upward.ts';
import { Judge } from './verdict.ts';

/**
 * Plans the dirty nodes, and whatever else they need first. The operations come in this order: contents to
 * read; one run of puts and trashes that fits one commit (`fitting`); steps on the disk; removals nothing
 * waits for; entries in the books. A node that is in neither list needs something that this plan does not
 * give, and stays dirty.
 */
export function plan(trees: Trees, dirty: Iterable<NodeId>, options: PlanOptions): Plan {
  const judge = new Judge(trees);
  const draft = new Draft(judge, options);
  const upward = new Upward(draft);
  const downward = new Downward(draft);
  const batch = new Set(dirty);
  for (const id of batch) upward.visit(id);
  for (const id of batch) downward.visit(id);
  downward.finish();
  return draft.finish();
}

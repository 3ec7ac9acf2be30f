/** One pair's part of a bug report: its three trees, its marks and its last plans, as numbers. */
import { ROOT_NODE, type NodeId, type VaultId } from '../../protocol/ids.ts';
import type {
  ReportedNode,
  ReportedOperation,
  ReportedPair,
  ReportedPlan,
  ReportedState,
} from '../../protocol/report.ts';
import type { Capabilities } from '../local-fs/capabilities.ts';
import type { IgnoreRules } from '../local-fs/ignore-rules.ts';
import type { PairStore, VaultCursor } from '../manifest/manifest.ts';
import { sameState } from '../plan/base.ts';
import type { Operation } from '../plan/operation.ts';
import type { NodeState, Trees } from '../plan/tree.ts';
import type { Books } from './books.ts';
import { UNTIL_ROOM } from './held-additions.ts';
import { EVICTED } from './observe.ts';
import { pairTrees } from './pair-trees.ts';
import type { TracedOperation, TracedPlan } from './plan-trace.ts';
import type { RandomSource } from './ports.ts';
import { modeText, Redaction } from './redaction.ts';
import { chooseNodes } from './reported-nodes.ts';

/** What is read of a PairSync. */
export interface ReportedSync {
  readonly pair: PairStore;
  readonly books: Books;
  readonly vault: {
    readonly vault: VaultId;
    readonly log: { cursor(): Pick<VaultCursor, 'seq' | 'highSeq'> };
    readonly commits: { readonly size: number; has(id: NodeId): boolean };
    readonly stopped: unknown;
  };
  readonly disk: { readonly capabilities: Capabilities };
  readonly observer: { readonly rules: IgnoreRules; readonly hasHints: boolean };
  readonly trace: { readonly plans: readonly TracedPlan[] };
  readonly ingest: { has(id: NodeId): boolean };
  readonly fetch: { has(id: NodeId): boolean };
  readonly paused: string | null;
  readonly isSettled: boolean;
  readonly busy: boolean;
  readonly isHolding: boolean;
}

export interface PairReportRequest {
  readonly sync: ReportedSync;
  /** Numbers of the pair and of its vault in the report. */
  readonly id: number;
  readonly vault: number;
  /** Nodes that issues are about. */
  readonly named: readonly NodeId[];
  readonly nowMs: number;
  readonly maxNodes: number;
  readonly random: RandomSource;
  readonly signal: AbortSignal;
}

export interface ReportedWith {
  readonly pair: ReportedPair;
  /** Of a node, in this pair's part. */
  readonly number: (id: NodeId) => number;
}

export async function reportPair(request: PairReportRequest): Promise<ReportedWith> {
  const { sync, named, nowMs, maxNodes, signal } = request;
  const { pair, books, vault, disk, observer, trace } = sync;
  const { bound } = pair.config;
  const trees = pairTrees(pair, books.vault, observer.rules);
  const planned = trace.plans.flatMap(({ operations }) => operations.map(({ operation }) => operation.id));
  const { ids, leftOut } = await chooseNodes(sync, trees, [...named, ...planned], maxNodes, signal);
  // From here on nothing is awaited: all rows are of one moment.
  const redaction = new Redaction(disk.capabilities, bound, nowMs);
  const marks = {
    unsettled: new Set(pair.unsettled(maxNodes).map(({ id }) => id)),
    deselected: pair.deselected(),
  };
  const nodes = shuffled(ids, request.random).map((id) =>
    reportNode({ sync, trees, redaction, marks, nowMs }, id),
  );
  const plans = trace.plans.map((plan) => reportPlan(plan, redaction, nowMs));
  const cursor = vault.log.cursor();
  const { capabilities } = disk;
  return {
    number: (id) => redaction.node(id),
    pair: {
      id: request.id,
      vault: request.vault,
      isBoundWithin: bound !== ROOT_NODE,
      paused: sync.paused,
      isSettled: sync.isSettled,
      isBusy: sync.busy,
      isHolding: sync.isHolding,
      hasHints: observer.hasHints,
      hasIgnoreRules: books.hasRules,
      vaultStopped: vault.stopped !== null,
      commitsWaiting: vault.commits.size,
      commitsBehind: Math.max(0, cursor.highSeq - cursor.seq),
      capabilities,
      counts: {
        local: pair.localCount(),
        syncedFiles: pair.syncedFileCount(),
        dirty: pair.dirtyCount(),
      },
      names: redaction.names,
      nodes,
      leftOut,
      plans,
    },
  };
}

interface NodeScope {
  readonly sync: ReportedSync;
  readonly trees: Trees;
  readonly redaction: Redaction;
  readonly marks: { readonly unsettled: ReadonlySet<NodeId>; readonly deselected: ReadonlySet<NodeId> };
  readonly nowMs: number;
}

function reportNode({ sync, trees, redaction, marks, nowMs }: NodeScope, id: NodeId): ReportedNode {
  const { pair, books } = sync;
  const rows = [books.vault.remote.get(id), pair.local.get(id), pair.synced.get(id)] as const;
  const [remote, local, synced] = rows;
  const [remoteState = null, localState = null, syncedState = null] = redaction.states(rows);
  const { localName = null, parked = false } = local ?? {};
  const evicted = localName?.startsWith(EVICTED) === true;
  const { fault = null } = remote ?? {};
  const excluded = trees.excluded(id);
  const waits = waitOf(sync, id, nowMs);
  const underWay = underWayOf(sync, id);
  return {
    id: redaction.node(id),
    remote: remoteState,
    local: same(local, remote) ? 'remote' : localState,
    synced: same(synced, remote) ? 'remote' : same(synced, local) ? 'local' : syncedState,
    ...(localName === null || evicted ? {} : { diskName: redaction.name(localName) }),
    ...(evicted ? { evicted } : {}),
    ...(parked ? { parked } : {}),
    ...(fault === null ? {} : { fault }),
    ...(pair.isDirty(id) ? { dirty: true } : {}),
    ...(waits === null ? {} : { waits }),
    ...(marks.unsettled.has(id) ? { unsettled: true } : {}),
    ...(marks.deselected.has(id) ? { deselected: true } : {}),
    ...(excluded === null ? {} : { excluded }),
    ...(underWay === null ? {} : { underWay }),
  };
}

function same(one: NodeState | undefined, other: NodeState | undefined): boolean {
  return one !== undefined && other !== undefined && sameState(one, other);
}

function waitOf({ pair }: ReportedSync, id: NodeId, nowMs: number): ReportedNode['waits'] | null {
  const untilMs = pair.quarantinedUntil(id);
  if (untilMs === null) return null;
  const attempts = pair.attempts(id);
  if (untilMs === UNTIL_ROOM) return { attempts, forS: 'room' };
  if (untilMs > UNTIL_ROOM) return { attempts, forS: 'person' };
  return { attempts, forS: Math.ceil((untilMs - nowMs) / 1000) };
}

function underWayOf({ ingest, fetch, vault }: ReportedSync, id: NodeId): ReportedNode['underWay'] | null {
  if (ingest.has(id)) return 'reading';
  if (fetch.has(id)) return 'fetching';
  return vault.commits.has(id) ? 'committing' : null;
}

function reportPlan(plan: TracedPlan, redaction: Redaction, nowMs: number): ReportedPlan {
  return {
    agoMs: Math.round(nowMs - plan.atMs),
    asked: plan.asked,
    clean: plan.clean,
    operations: plan.operations.map((traced) => reportOperation(traced, plan.atMs, redaction)),
    more: plan.more,
  };
}

function reportOperation(traced: TracedOperation, atMs: number, redaction: Redaction): ReportedOperation {
  const { operation, held, outcome, outcomeMs } = traced;
  return {
    kind: operation.kind,
    node: redaction.node(operation.id),
    reason: operation.reason,
    ...detailsOf(operation, redaction),
    ...(held ? { held } : {}),
    outcome,
    ...(outcome === null ? {} : { afterMs: Math.max(0, Math.round(outcomeMs - atMs)) }),
  };
}

type Details = Pick<ReportedOperation, 'state' | 'parent' | 'name' | 'mode' | 'remote'>;

function detailsOf(operation: Operation, redaction: Redaction): Details {
  switch (operation.kind) {
    case 'put':
    case 'make-folder':
    case 'fetch':
      return stateOf(operation.state, redaction);
    case 'move':
      return { parent: redaction.place(operation.parent), name: redaction.name(operation.name) };
    case 'conflict':
      return { name: redaction.name(operation.name) };
    case 'set':
      return { mode: modeText(operation.mode) };
    case 'adopt':
      return { remote: redaction.node(operation.remote) };
    case 'ingest':
    case 'trash':
    case 'park':
    case 'remove':
    case 'settle':
    case 'forget':
    case 'renew':
      return {};
  }
}

function stateOf(state: NodeState, redaction: Redaction): { state?: ReportedState } {
  const [reported] = redaction.states([state]);
  return reported === null || reported === undefined ? {} : { state: reported };
}

/** So that not even the order of the numbers is that of the ids. */
function shuffled(ids: readonly NodeId[], random: RandomSource): NodeId[] {
  const mixed = [...ids];
  for (let index = mixed.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random.fraction() * (index + 1));
    const [mine, theirs] = [mixed[index], mixed[other]];
    if (mine === undefined || theirs === undefined) continue;
    mixed[index] = theirs;
    mixed[other] = mine;
  }
  return mixed;
}

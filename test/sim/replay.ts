/**
 * Lives on from a bug report (docs/report.md): a simulated account and a simulated device whose three trees are
 * those of a reported pair, with the real planner and executor, until nothing moves; then the promises are checked.
 * What a report does not have is made up: contents are short texts, rules are built-in ones, the log is new.
 */
import type { Report, ReportedNode, ReportedPair, ReportedState } from '../../protocol/report.ts';
import type { ContentId } from '../../protocol/ids.ts';
import { localNameFor, nameKey } from '../../sync-engine/local-fs/path-rules.ts';
import type { NodeState } from '../../sync-engine/plan/tree.ts';
import { commitTree, idOf, placeOf } from './replay-account.ts';
import { diskOf, isCommittable, notSimulated, putDevice, type ReplayedNode } from './replay-device.ts';
import { ReplayNames } from './replay-names.ts';
import type { SimDevice } from './sim-device.ts';
import { BEGIN_MS, REST_MS, TwoDevices } from './two-devices.ts';

export interface Replayed {
  readonly pair: number;
  /** Broken promises, in words. */
  readonly broken: readonly string[];
  /** What happened, in words. */
  readonly story: readonly string[];
}

/** The device of the report, and one that only follows the account. */
const REPORTED = 'Reported';
const OTHER = 'Other';
/** Times of one node that the report tells apart stay apart on every disk. */
const TIME_STEP_S = 64;
const VARIANT_S = 2;

export async function replay(report: Report, pair: ReportedPair): Promise<Replayed> {
  const world = await TwoDevices.start('replay', [OTHER, REPORTED]);
  try {
    return await new Replay(report, pair, world).run();
  } finally {
    await world.close();
  }
}

class Replay {
  readonly #report: Report;
  readonly #pair: ReportedPair;
  readonly #world: TwoDevices;
  readonly #names: ReplayNames;
  readonly #byId: ReadonlyMap<number, ReportedNode>;
  readonly #story: string[] = [];
  #contentOf: (text: string) => ContentId = () => {
    throw new Error('the vault is begun first');
  };

  constructor(report: Report, pair: ReportedPair, world: TwoDevices) {
    this.#report = report;
    this.#pair = pair;
    this.#world = world;
    this.#names = new ReplayNames(pair);
    this.#byId = new Map(pair.nodes.map((node) => [node.id, node]));
  }

  async run(): Promise<Replayed> {
    const { nodes, capabilities, leftOut, id } = this.#pair;
    const world = this.#world;
    this.#tell(`pair ${id}: ${nodes.length} nodes, ${leftOut} left out by the report`);
    for (const what of notSimulated(capabilities)) this.#tell(`not simulated: ${what}`);
    const other = await world.boot(OTHER);
    this.#contentOf = await world.contentIds();
    await this.#putAccount(other);
    const device = await world.make(REPORTED, { disk: diskOf(capabilities) });
    await device.boot(false, false);
    const { manifest } = device.running;
    const replayed = this.#nodes(device);
    const diskName = this.#diskNames(replayed);
    const plan = { report: this.#report, pair: this.#pair, nodes: replayed, diskName, nowMs: world.nowMs };
    for (const what of putDevice(device, manifest, plan)) this.#tell(`left out: ${what}`);
    for (const { text } of replayed) device.ledger.written.add(text);
    for (const { remote } of nodes) if (remote !== null) device.ledger.written.add(this.#text(remote));
    device.kill();
    await device.boot();
    this.#tell(`${REPORTED} starts`);
    const isAtRest = await world.rest();
    this.#tellActivity(device);
    this.#tell(isAtRest ? 'everything is at rest' : 'no rest was found');
    const isAlone = nodes.some(({ excluded, deselected }) => excluded !== undefined || deselected === true);
    const head = await world.head();
    const broken = await world.broken(head, isAlone ? [device] : world.devices);
    await world.time.pass(REST_MS);
    if ((await world.head()) !== head) broken.push('the account changed while nobody did anything');
    return { pair: id, broken, story: this.#story };
  }

  #tell(what: string): void {
    this.#story.push(`${(this.#world.time.nowMs / 1000).toFixed(3).padStart(9)} s  ${what}`);
  }

  #tellActivity({ running }: SimDevice): void {
    for (const { atMs, path, action, reason } of running.manifest.activity(10_000).toReversed()) {
      const at = ((atMs - BEGIN_MS) / 1000).toFixed(3).padStart(9);
      this.#story.push(`${at} s  ${REPORTED}: ${action} ${path} (${reason})`);
    }
    for (const { code, path } of running.engine.issues())
      this.#tell(`${REPORTED} has the issue ${code} at '${path}'`);
    this.#tell(`${REPORTED} is ${running.engine.state()}`);
  }

  // The account.

  async #putAccount(other: SimDevice): Promise<void> {
    const world = this.#world;
    const sync = await world.during(other.running.engine.followVault(world.vault));
    const known = new Set(this.#pair.nodes.flatMap(({ id, remote }) => (remote === null ? [] : [id])));
    const nodes = [...this.#pair.nodes].flatMap((node) => {
      const { remote, fault } = node;
      if (remote === null) return [];
      if (fault !== undefined) this.#tell(`left out: the fault ${fault} of node ${node.id}`);
      if (isCommittable(remote, known)) return [{ node, state: remote }];
      this.#tell(`left out: node ${node.id} of the account, whose folder is not in the report`);
      return [];
    });
    nodes.sort((one, two) => this.#depth(one.state) - this.#depth(two.state));
    const tree = {
      nodes,
      name: (node: ReportedNode, state: ReportedState) => this.#name(node, state),
      text: (_: ReportedNode, state: ReportedState) => this.#text(state),
      mtimeUs: (_: ReportedNode, state: ReportedState) => this.#mtimeUs(state),
    };
    await world.during(commitTree(other, sync, tree));
  }

  #depth(state: ReportedState): number {
    let depth = 0;
    for (let at = state.parent; typeof at === 'number' && depth < 200; depth += 1)
      at = this.#byId.get(at)?.remote?.parent ?? 'root';
    return depth;
  }

  // The device.

  #nodes(device: SimDevice): ReplayedNode[] {
    const { remote: rows } = device.running.manifest.vault(this.#world.vault);
    return this.#pair.nodes.map((node) => {
      const row = rows.get(idOf(node.id)) ?? null;
      const local = this.#local(node, row);
      const synced =
        node.synced === 'remote' ? row : node.synced === 'local' ? local : this.#state(node, node.synced);
      const state = node.local === 'remote' ? node.remote : node.local;
      const text =
        state === null ? '' : state.content === null ? `not read of node ${node.id}` : this.#text(state);
      return { node, local, synced, text: state?.type === 'folder' ? '' : text };
    });
  }

  #local(node: ReportedNode, row: NodeState | null): NodeState | null {
    if (node.local === 'remote') return row;
    const state = this.#state(node, node.local);
    if (state?.content !== null || state.type === 'folder') return state;
    return { ...state, size: `not read of node ${node.id}`.length };
  }

  #state(node: ReportedNode, state: ReportedState | null): NodeState | null {
    if (state === null) return null;
    const isFolder = state.type === 'folder';
    const text = isFolder || state.content === null ? '' : this.#text(state);
    const sizeBase =
      node.remote?.content === state.content ? (node.remote.sizeVariant ?? 0) : (state.sizeVariant ?? 0);
    return {
      id: idOf(node.id),
      parent: placeOf(state.parent),
      name: this.#name(node, state),
      type: state.type,
      mode: state.type === 'symlink' ? 0o777 : Number.parseInt(state.mode, 8),
      mtimeUs: this.#mtimeUs(state),
      size: isFolder ? 0 : text.length + (state.sizeVariant ?? 0) - sizeBase,
      content: isFolder || state.content === null ? null : this.#contentOf(text),
    };
  }

  // Names, contents and times.

  #name(node: ReportedNode, state: ReportedState): string {
    return this.#names.name(state.name, this.#isIgnoredItself(node));
  }

  /** Not only by a folder above it. */
  #isIgnoredItself(node: ReportedNode): boolean {
    if (node.excluded !== 'ignored') return false;
    const place = node.remote?.parent ?? (typeof node.synced === 'object' ? node.synced?.parent : undefined);
    return typeof place !== 'number' || this.#byId.get(place)?.excluded !== 'ignored';
  }

  #text(state: ReportedState): string {
    return state.content === null || state.size === 0 ? '' : this.#names.content(state.content);
  }

  #mtimeUs({ type, modifiedAgoS, modifiedVariant = 0 }: ReportedState): number {
    if (type !== 'file' || modifiedAgoS === null) return 0;
    const atS = Math.floor((BEGIN_MS / 1000 - modifiedAgoS) / TIME_STEP_S) * TIME_STEP_S;
    return (atS + modifiedVariant * VARIANT_S) * 1_000_000;
  }

  /** Names on the disk: the account's, or the alias the engine would give. */
  #diskNames(nodes: readonly ReplayedNode[]): (node: ReplayedNode) => string {
    const { capabilities } = this.#pair;
    const taken = new Map<string, Set<string>>();
    const names = new Map<ReplayedNode, string>();
    // Those that have their own name first: an alias is given around them.
    const ordered = [...nodes].sort(
      (one, other) => Number(one.node.diskName !== undefined) - Number(other.node.diskName !== undefined),
    );
    for (const one of ordered) {
      const { local } = one;
      if (local === null || one.node.evicted === true) continue;
      const there = taken.get(local.parent) ?? new Set();
      taken.set(local.parent, there);
      const chosen = localNameFor(local.name, capabilities, there);
      const name = 'name' in chosen ? chosen.name : local.name;
      there.add(nameKey(name, capabilities));
      names.set(one, name);
    }
    return (node) => names.get(node) ?? node.local?.name ?? '';
  }
}

/** For a person to read. */
export function toldReplay({ pair, broken, story }: Replayed): string {
  const verdict =
    broken.length === 0 ? ['No promise broke.'] : ['Broken:', ...broken.map((line) => `- ${line}`)];
  return [`Pair ${pair}:`, ...story, ...verdict].join('\n');
}

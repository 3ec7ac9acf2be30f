/** Nodes of one account server behind a load balancer, each a process: they can be killed and replaced. */
import { startBalancer, type Balancer } from '../fakes/balancer.ts';
import { startCloudProcess, type CloudProcess } from '../fakes/cloud-process.ts';

export interface NodeStorage {
  readonly options: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Where their standard error goes; this process's own where none is given. */
  readonly log?: string;
}

export class NodeGroup {
  readonly balancer: Balancer;
  readonly #storage: NodeStorage;
  readonly #size: number;
  readonly #nodes: (CloudProcess | null)[];

  private constructor(storage: NodeStorage, nodes: (CloudProcess | null)[], balancer: Balancer) {
    this.#storage = storage;
    this.#size = nodes.length;
    this.#nodes = nodes;
    this.balancer = balancer;
  }

  /** None of them runs yet. */
  static async make(storage: NodeStorage, size = 3): Promise<NodeGroup> {
    const nodes: (CloudProcess | null)[] = Array.from({ length: size }, () => null);
    const ports = (): number[] => nodes.flatMap((node) => (node === null ? [] : [portOf(node)]));
    return new NodeGroup(storage, nodes, await startBalancer(ports));
  }

  static async start(storage: NodeStorage, size = 3): Promise<NodeGroup> {
    const group = await NodeGroup.make(storage, size);
    try {
      await group.startAll();
      return group;
    } catch (error) {
      await group.stop();
      throw error;
    }
  }

  /** What devices are given. */
  get url(): string {
    return this.balancer.url;
  }

  get size(): number {
    return this.#size;
  }

  /** The address of one of them. */
  at(index: number): string {
    return this.#node(index).address;
  }

  async startAll(): Promise<void> {
    const missing = [...this.#nodes.keys()].filter((index) => this.#nodes[index] === null);
    const starts = missing.map((index) => this.#start(index));
    // Whatever becomes of the others: one that starts later would be left behind.
    const failed = (await Promise.allSettled(starts)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
    await this.balancer.ready(this.#size);
  }

  /** As a crash would, and another one in its place. */
  async replace(index: number): Promise<void> {
    await this.#node(index).kill();
    this.#nodes[index] = null;
    await this.#start(index);
  }

  /** In good order. The code it ended with. */
  async restart(index: number): Promise<number | NodeJS.Signals> {
    const node = this.#node(index);
    node.signal('SIGTERM');
    const ended = await node.ended;
    await this.#start(index);
    await this.balancer.ready(this.#size);
    return ended;
  }

  signal(name: NodeJS.Signals): void {
    for (const node of this.#nodes) node?.signal(name);
  }

  async killAll(): Promise<void> {
    const running = this.#nodes.filter((node) => node !== null);
    this.#nodes.fill(null);
    await Promise.all(running.map((node) => node.kill()));
  }

  async stop(): Promise<void> {
    await this.killAll();
    await this.balancer.close();
  }

  async #start(index: number): Promise<void> {
    this.#nodes[index] = await startCloudProcess(null, this.#storage);
  }

  #node(index: number): CloudProcess {
    const node = this.#nodes[index];
    if (node === null || node === undefined) throw new Error(`node ${index} does not run`);
    return node;
  }
}

const portOf = ({ address }: CloudProcess): number => Number(new URL(address).port);

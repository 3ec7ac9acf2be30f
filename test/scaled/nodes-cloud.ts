/** Three nodes behind a load balancer, of which one is killed and replaced every few seconds, as one account server. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Balancer } from '../fakes/balancer.ts';
import type { OutsideStorage, TestCloud } from '../integration/cloud-kinds.ts';
import { NodeGroup, type NodeStorage } from './node-group.ts';

const KILL_EVERY_MS = 5000;

export class NodesCloud implements TestCloud {
  readonly log: string;
  /** Nodes killed in the middle of work so far. */
  killed = 0;
  readonly #group: NodeGroup;
  readonly #outside: OutsideStorage;
  #killer: { readonly over: AbortController; readonly work: Promise<void> } | null = null;

  private constructor(group: NodeGroup, outside: OutsideStorage, log: string) {
    this.#group = group;
    this.#outside = outside;
    this.log = log;
  }

  static async make(place: string, storage: NodeStorage, outside: OutsideStorage): Promise<NodesCloud> {
    const log = join(place, 'server.log');
    return new NodesCloud(await NodeGroup.make({ ...storage, log }), outside, log);
  }

  get balancer(): Balancer {
    return this.#group.balancer;
  }

  get port(): number {
    return this.#group.balancer.port;
  }

  get data(): string {
    throw new Error('these servers keep nothing in a directory');
  }

  async start(): Promise<void> {
    await this.#group.startAll();
    const over = new AbortController();
    this.#killer = { over, work: this.#kill(over.signal) };
  }

  async kill9(): Promise<void> {
    await this.#stopKilling();
    await this.#group.killAll();
  }

  signal(name: NodeJS.Signals): void {
    this.#group.signal(name);
  }

  killNow(): void {
    this.signal('SIGKILL');
  }

  async end(): Promise<void> {
    await this.kill9();
    await this.#group.stop();
  }

  operate(...words: readonly string[]): Promise<string> {
    return this.#outside.operate(...words);
  }

  kept(): Promise<Buffer> {
    return this.#outside.kept();
  }

  packSizes(): Promise<readonly number[]> {
    return this.#outside.packSizes();
  }

  async backup(): Promise<() => Promise<void>> {
    const restore = await this.#outside.backup();
    return async () => {
      await this.kill9();
      await restore();
      await this.start();
    };
  }

  async #kill(over: AbortSignal): Promise<void> {
    const rest = (): Promise<unknown> =>
      delay(KILL_EVERY_MS, undefined, { signal: over }).catch(() => undefined);
    for (let node = 0; ; node = (node + 1) % this.#group.size) {
      await rest();
      if (over.aborted) return;
      await this.#group.replace(node);
      this.killed += 1;
    }
  }

  async #stopKilling(): Promise<void> {
    this.#killer?.over.abort();
    await this.#killer?.work;
    this.#killer = null;
  }
}

/**
 * A device that commits again and again to a server that dies: a commit whose answer was lost is sent again as it is,
 * until it is known what became of it. It remembers what it was told, to be held against the log.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { commitHash } from '../../protocol/commit.ts';
import { ZERO_HASH, type Hash, type NodeId, type VaultId } from '../../protocol/ids.ts';
import { decodeChangesPage, type ChangesPage } from '../../protocol/pages.ts';
import { randomId, type Answer, type TestDevice, type VaultView } from '../../test/fakes/hand-made-client.ts';

const RECORD_BYTES = 512;
const AGAIN_MS = 50;
/** A server that does not come back within a minute never will. */
const MOST_TRIES = 1200;

export class StubbornWriter {
  readonly device: TestDevice;
  readonly view: VaultView;
  /** Sequence numbers by the hash of the commit, as they were acknowledged. */
  readonly acknowledged = new Map<Hash, number>();
  /** Of each commit until it was acknowledged. */
  readonly ms: number[] = [];
  /** Requests that got no answer, or one that says to come again. */
  retried = 0;
  /** Commits that came second. */
  refused = 0;

  constructor(device: TestDevice, view: VaultView) {
    this.device = device;
    this.view = view;
  }

  async work(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      const began = performance.now();
      const nodes = [[randomId<NodeId>(16), randomBytes(RECORD_BYTES)]] as const;
      while (!(await this.#commit(nodes))) this.refused += 1;
      this.ms.push(performance.now() - began);
    }
  }

  async #commit(nodes: readonly (readonly [NodeId, Uint8Array])[]): Promise<boolean> {
    const { view } = this;
    const built = this.device.build(view, { nodes });
    const answer = await this.#until(() => this.device.send(view, built));
    if (answer.status === 200) {
      const { seq } = answer.json as { seq: number };
      this.acknowledged.set(built.hash, seq);
      view.head = { seq, hash: built.hash };
      return true;
    }
    if (answer.json.error.code !== 'stale-head')
      throw new Error(`a commit was refused: ${JSON.stringify(answer.json)}`);
    const { headSeq, headHash } = await this.changes(view.head.seq);
    view.head = { seq: headSeq, hash: headHash };
    return false;
  }

  async changes(after: number): Promise<ChangesPage> {
    const path = `/v1/vaults/${this.view.vault}/changes?after=${after}`;
    return decodeChangesPage((await this.#until(() => this.device.ask('GET', path))).bytes);
  }

  /** The first answer of a server that lives. @throws when there is none for a minute */
  async #until(request: () => Promise<Answer>): Promise<Answer> {
    for (let tried = 0; tried < MOST_TRIES; tried += 1) {
      const answer = await request().catch(() => null);
      if (answer !== null && answer.status < 500 && answer.status !== 429) return answer;
      this.retried += 1;
      await delay(AGAIN_MS);
    }
    throw new Error('the server does not come back');
  }
}

/** What the logs say against what was acknowledged, in words. */
export async function lostOrDoubled(writers: readonly StubbornWriter[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const [vault, its] of Map.groupBy(writers, ({ view }) => view.vault)) {
    const log = await readLog(its[0]);
    wrong.push(...brokenChain(vault, log));
    const acknowledged = new Map(its.flatMap((writer) => [...writer.acknowledged]));
    const seqs = Map.groupBy(log, ({ hash }) => hash);
    for (const [hash, seq] of acknowledged) {
      const found = seqs.get(hash)?.map((commit) => commit.seq) ?? [];
      if (found.length !== 1 || found[0] !== seq)
        wrong.push(`${vault}: commit ${seq} was acknowledged and is at [${found.join(', ')}]`);
    }
    // The first one made the vault.
    for (const { seq, hash } of log.slice(1))
      if (!acknowledged.has(hash)) wrong.push(`${vault}: nobody was told of commit ${seq}`);
  }
  return wrong;
}

export interface LoggedCommit {
  readonly seq: number;
  readonly hash: Hash;
  readonly previous: Hash;
}

/** Numbers without a gap from 1 on, each on top of the one before. */
export function brokenChain(vault: VaultId, log: readonly LoggedCommit[]): string[] {
  return log.flatMap(({ seq, previous }, index) => {
    const before = log[index - 1]?.hash ?? ZERO_HASH;
    return seq === index + 1 && previous === before
      ? []
      : [`${vault}: commit ${seq} does not follow ${index}`];
  });
}

async function readLog(writer: StubbornWriter | undefined): Promise<LoggedCommit[]> {
  const log: LoggedCommit[] = [];
  for (;;) {
    const page = await writer?.changes(log.length);
    if (page === undefined || page.commits.length === 0) return log;
    for (const { frame } of page.commits) {
      const { seq, previous } = frame.header;
      log.push({ seq, previous, hash: commitHash(frame.signed.bytes) });
    }
  }
}

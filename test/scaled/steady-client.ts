/** A device that never rests: it commits, brings and fetches packs and reads, and every answer must be a good one. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { directUploadHeaders } from '../../protocol/cloud.ts';
import { listen } from '../fakes/event-listener.ts';
import { packed, randomId, type Answer, type TestDevice, type VaultView } from '../fakes/hand-made-client.ts';

const PACK_BYTES = 4000;

export class SteadyClient {
  readonly device: TestDevice;
  readonly view: VaultView;
  /** Answers, all of them good. */
  requests = 0;
  /** By their close codes. */
  readonly closed: number[] = [];
  readonly #over = new AbortController();
  #working: Promise<unknown> | null = null;

  constructor(device: TestDevice, view: VaultView) {
    this.device = device;
    this.view = view;
  }

  begin(): void {
    this.#working = Promise.all([this.#work(), this.#hear()]);
    this.#working.catch(() => undefined);
  }

  /** @throws for the first answer that was no good one */
  async end(): Promise<void> {
    this.#over.abort();
    await this.#working;
  }

  async #work(): Promise<void> {
    const { view, device } = this;
    const vault = `/v1/vaults/${view.vault}`;
    while (!this.#over.signal.aborted) {
      const bytes = randomBytes(PACK_BYTES);
      const added = packed(bytes);
      const { upload, url } = this.#good(
        await device.ask('POST', `${vault}/packs/${added.pack.name}/upload`, { size: bytes.length }),
      ).json as { upload: number; url: string };
      const put = await fetch(url, {
        method: 'PUT',
        headers: directUploadHeaders(added.pack.name),
        body: bytes,
      });
      if (!put.ok) throw new Error(`the bucket answers ${put.status}`);
      this.#good(await device.ask('POST', `${vault}/packs/${added.pack.name}/complete`, { upload }));
      this.#good(await device.commit(view, { nodes: [[randomId(16), randomBytes(50)]], added: [added] }));
      this.#good(await device.ask('GET', `${vault}/changes?after=${view.head.seq - 1}`));
      this.#good(await device.ask('GET', '/v1/account'));
      // Its bytes are elsewhere: the server names the place, and fetch goes there.
      this.#good(await device.ask('GET', `${vault}/packs/${added.pack.name}`));
    }
  }

  async #hear(): Promise<void> {
    const { signal } = this.#over;
    const isOver = (): boolean => signal.aborted;
    while (!isOver()) {
      const { socket } = await listen(this.device);
      const closed = once(socket, 'close') as Promise<[number]>;
      const stop = (): void => {
        socket.terminate();
      };
      if (isOver()) stop();
      signal.addEventListener('abort', stop);
      const [code] = await closed;
      signal.removeEventListener('abort', stop);
      if (!isOver()) this.closed.push(code);
    }
  }

  #good(answer: Answer): Answer {
    if (answer.status >= 300) {
      throw new Error(`request ${this.requests + 1} failed: ${answer.status} ${JSON.stringify(answer.json)}`);
    }
    this.requests += 1;
    return answer;
  }
}

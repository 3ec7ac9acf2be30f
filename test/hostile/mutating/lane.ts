/**
 * A client on a line of its own: the requests of one endpoint are answered with what a mutator makes of the recorded
 * answer, all others as they were recorded.
 */
import { HttpAccountApi } from '../../../sync-engine/remote/account-api.ts';
import { HttpClient } from '../../../sync-engine/remote/http-client.ts';
import { HttpCloud } from '../../../sync-engine/remote/http-cloud.ts';
import { parseServerAddress } from '../../../sync-engine/remote/server-address.ts';
import { refusal, wireOf, type Answer, type Wire } from './answer.ts';
import { keyOf, type GenuineLife, type Recording } from './genuine.ts';
import { Line, type Heard } from './line.ts';

export const TIMEOUTS = { connectMs: 2000, headersMs: 300, bodyMs: 300 };
const LIVENESS = { pingEveryMs: 100, deadAfterMs: 500 };

/** Which requests are answered otherwise, and how. */
export interface Lie {
  readonly on: (heard: Heard) => boolean;
  readonly make: (answer: Answer, heard: Heard) => Wire;
}

const MISSING = refusal(404, { error: { code: 'not-found', message: 'no such thing' } });

export class Lane {
  readonly life: GenuineLife;
  readonly line: Line;
  readonly client: HttpClient;
  readonly api: HttpAccountApi;
  readonly cloud: HttpCloud;
  recording: Recording;
  lie: Lie | null = null;
  /** Answers made on the spot, which are no recordings; null for what is one. */
  live: ((heard: Heard) => Promise<Answer | null>) | null = null;

  private constructor(life: GenuineLife, line: Line) {
    this.life = life;
    this.line = line;
    this.recording = life.whole;
    this.client = new HttpClient(parseServerAddress(line.address), TIMEOUTS);
    this.api = new HttpAccountApi(this.client);
    this.cloud = new HttpCloud(this.client, { authorized: (work) => work('a-token') }, LIVENESS);
    line.respond = (heard) => this.#respond(heard);
  }

  static async start(life: GenuineLife): Promise<Lane> {
    return new Lane(
      life,
      await Line.start(() => {
        throw new Error('asked too early');
      }),
    );
  }

  async #respond(heard: Heard): Promise<Wire> {
    const { lie } = this;
    const answer = (await this.live?.(heard)) ?? this.recorded(heard);
    if (lie?.on(heard) !== true) return wireOf(answer);
    return lie.make(answer, heard);
  }

  /** What was answered last. */
  recorded(heard: Heard): Answer {
    return this.recording.get(keyOf(heard))?.at(-1) ?? MISSING;
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.line.close();
  }
}

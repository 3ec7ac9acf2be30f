/** The embedded account server while the app runs: started when the account is on it, again when it crashes. */
import { isServerOf, startServerOf, type LocalServer, type ServerProgram } from '../programs/local-server.ts';
import { PersonError } from '../protocol/errors.ts';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;
/** One that held so long did not crash because of how it was started. */
const STEADY_MS = 60_000;
const STOPPING_MS = 10_000;

export interface ServerKeeperParts {
  readonly home: string;
  readonly program: ServerProgram;
  /** It runs at that address now. */
  readonly onAddress: (url: string) => void;
}

export class ServerKeeper {
  readonly #parts: ServerKeeperParts;
  #server: Promise<LocalServer> | null = null;
  #pauseMs = FIRST_PAUSE_MS;
  #retry: NodeJS.Timeout | null = null;
  #isStopping = false;
  /** Address of the account, when it is on this server. */
  #kept: string | null = null;
  #url: string | null = null;

  constructor(parts: ServerKeeperParts) {
    this.#parts = parts;
  }

  /** Starts it unless it runs; answers with its address. @throws PersonError('failed') */
  async ensure(): Promise<string> {
    if (this.#isStopping) throw new PersonError('failed', 'the app is quitting', '');
    this.#server ??= this.#start();
    return (await this.#server).url;
  }

  /** Starts it when that address is its own. */
  async keepFor(address: string): Promise<void> {
    if (!(await isServerOf(this.#parts.home, address))) return;
    this.#kept = address;
    await this.ensure().catch((error: unknown) => {
      if (!(error instanceof PersonError)) throw error;
      this.#startLater(); // the engine says `offline` meanwhile
    });
  }

  /** Whether it runs at another address than that one, which is of this home. */
  isMovedFrom(address: string): boolean {
    const port = (url: string): string => new URL(url).port;
    return this.#kept === address && this.#url !== null && port(this.#url) !== port(address);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    const server = await this.#server?.catch(() => null);
    if (server === null || server === undefined) return;
    let late: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => (late = setTimeout(resolve, STOPPING_MS)));
    await Promise.race([server.stop(), patience]);
    clearTimeout(late);
  }

  async #start(): Promise<LocalServer> {
    try {
      const server = await startServerOf(this.#parts.program, this.#parts.home);
      const startedMs = performance.now();
      void server.ended.then(() => {
        this.#server = null;
        if (performance.now() - startedMs > STEADY_MS) this.#pauseMs = FIRST_PAUSE_MS;
        this.#startLater();
      });
      this.#url = server.url;
      this.#parts.onAddress(server.url);
      return server;
    } catch (error) {
      this.#server = null;
      throw error;
    }
  }

  #startLater(): void {
    if (this.#isStopping || this.#retry !== null) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.ensure().catch(() => this.#startLater());
    }, this.#pauseMs);
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
  }
}

/**
 * The window of a package. Its fuses keep Playwright's way through Node's debugger out, so a script in its window is
 * run by Chromium's own protocol, which the person who starts a program can always open.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';
import { until } from '../integration/harness.ts';

const STARTS_MS = 60_000;
const WINDOW = 'app://coffre/';

export class PackagedWindow {
  readonly #socket: WebSocket;
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** Of a program started with `--remote-debugging-port=0` and stderr as a pipe. */
  static async of(child: ChildProcess): Promise<PackagedWindow> {
    const port = await portOf(child);
    const address = await until('the package shows its window', STARTS_MS, async () => {
      const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
        readonly url: string;
        readonly webSocketDebuggerUrl: string;
      }[];
      return targets.find(({ url }) => url.startsWith(WINDOW))?.webSocketDebuggerUrl ?? null;
    });
    const socket = new WebSocket(address);
    await once(socket, 'open');
    return new PackagedWindow(socket);
  }

  /** The value of an expression, once it has one; undefined while the page is still being loaded. */
  async evaluate(expression: string): Promise<unknown> {
    const id = ++this.#lastId;
    const params = { expression, awaitPromise: true, returnByValue: true };
    this.#socket.send(JSON.stringify({ id, method: 'Runtime.evaluate', params }));
    for (;;) {
      const [text] = (await once(this.#socket, 'message')) as [Buffer];
      const said = JSON.parse(text.toString()) as {
        readonly id?: number;
        readonly error?: { readonly message: string };
        readonly result?: {
          readonly result: { readonly value?: unknown };
          readonly exceptionDetails?: object;
        };
      };
      if (said.id !== id) continue;
      if (said.error?.message === 'Cannot find default execution context') return undefined;
      if (said.result === undefined || said.result.exceptionDetails !== undefined) {
        throw new Error(`the window could not evaluate: ${text.toString()}`);
      }
      return said.result.result.value;
    }
  }

  close(): void {
    this.#socket.terminate();
  }
}

async function portOf(child: ChildProcess): Promise<string> {
  if (child.stderr === null) throw new Error('its stderr is a pipe');
  for await (const line of createInterface({ input: child.stderr })) {
    const [, port] = /^DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)\//.exec(line) ?? [];
    if (port === undefined) continue;
    // Whatever it says later must not fill the pipe.
    child.stderr.resume();
    return port;
  }
  throw new Error('the package ended before it had a window');
}

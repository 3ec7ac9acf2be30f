/**
 * The events of an account over a WebSocket: pushes of the server, decoded. A connection that is silent for
 * `deadAfterMs` despite pings is dead: a laptop that slept keeps half-open connections for hours otherwise.
 */
import { WebSocket } from 'ws';
import { MAX_EVENT_BYTES } from '../../protocol/limits.ts';
import { decodeEvent, type CloudEvent } from '../../protocol/pages.ts';
import { PROTOCOL_HEADER, PROTOCOL_VERSION } from '../../protocol/version.ts';
import { CloudError, type CloudFault } from './cloud.ts';
import { openSocket, type Connector } from './connector.ts';
import { toCloudError } from './fault.ts';

export interface EventHandlers {
  event(event: CloudEvent): void;
  opened(): void;
  lost(fault: CloudFault): void;
}

export interface Liveness {
  readonly pingEveryMs: number;
  readonly deadAfterMs: number;
}

export const LIVENESS: Liveness = { pingEveryMs: 25_000, deadAfterMs: 60_000 };
/** WebSocket close codes: going away, service restart. */
const RESTARTING: ReadonlySet<number> = new Set([1001, 1012]);
/** What an event adds to the commit frame it carries. */
const ENVELOPE_BYTES = 64;

/** Runs until the connection ends. @throws CloudError saying how; returns when `signal` aborts */
export async function runEventSocket(options: {
  readonly connector: Connector;
  readonly origin: string;
  readonly token: string;
  readonly handlers: Pick<EventHandlers, 'event' | 'opened'>;
  readonly signal: AbortSignal;
  readonly liveness?: Liveness;
}): Promise<void> {
  const { connector, origin, token, handlers, signal, liveness = LIVENESS } = options;
  let raw;
  try {
    raw = await openSocket(connector, origin);
  } catch (error) {
    throw toCloudError(error);
  }
  if (signal.aborted) {
    raw.destroy();
    return;
  }
  const verified = raw;
  const socket = new WebSocket(`${origin.replace(/^http/, 'ws')}/v1/events`, {
    createConnection: () => verified,
    perMessageDeflate: false,
    followRedirects: false,
    maxPayload: MAX_EVENT_BYTES + ENVELOPE_BYTES,
    handshakeTimeout: 30_000,
    headers: { authorization: `Bearer ${token}`, [PROTOCOL_HEADER]: String(PROTOCOL_VERSION) },
  });
  await live(socket, handlers, signal, liveness);
}

function live(
  socket: WebSocket,
  handlers: Pick<EventHandlers, 'event' | 'opened'>,
  signal: AbortSignal,
  liveness: Liveness,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let fault: CloudError | null = null;
    const fail = (error: unknown): void => {
      fault ??= toCloudError(error);
      socket.terminate();
    };
    const deadline = setTimeout(() => {
      fail(new CloudError('offline', 'the connection went silent'));
    }, liveness.deadAfterMs);
    const pings = setInterval(() => {
      if (socket.readyState === WebSocket.OPEN) socket.ping();
    }, liveness.pingEveryMs);
    const heard = (): void => void deadline.refresh();
    const stop = (): void => socket.terminate();
    signal.addEventListener('abort', stop);

    socket.on('open', () => {
      heard();
      handlers.opened();
    });
    socket.on('ping', heard);
    socket.on('pong', heard);
    socket.on('message', (data, isBinary) => {
      heard();
      try {
        if (!isBinary || !(data instanceof Buffer))
          throw new CloudError('malformed', 'an event that is text');
        handlers.event(decodeEvent(data));
      } catch (error) {
        fail(error);
      }
    });
    socket.on('unexpected-response', (_request, response) => {
      fail(refusal(response.statusCode ?? 0));
    });
    socket.on('error', fail);
    socket.on('close', (code) => {
      clearTimeout(deadline);
      clearInterval(pings);
      signal.removeEventListener('abort', stop);
      if (signal.aborted) resolve();
      else reject(fault ?? closed(code));
    });
  });
}

function closed(code: number): CloudError {
  if (RESTARTING.has(code)) return new CloudError('restarting', 'the server asks to come again');
  return new CloudError('offline', 'the server closed the connection');
}

function refusal(status: number): CloudError {
  if (status === 401) return new CloudError('unauthorized', 'the token is no longer good');
  if (status === 403) return new CloudError('refused', 'the server refuses events');
  if (status === 426) return new CloudError('version', 'the server speaks another version of the protocol');
  if (status === 429) return new CloudError('rate-limited', 'too many connections');
  if (status >= 500) return new CloudError('unavailable', `an answer with status ${status}`);
  return new CloudError('stranger', `no event stream but status ${status}`);
}

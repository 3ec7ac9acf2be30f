/** Serves the control API of one home. */
import { createServer } from 'node:net';
import { controlEndpoint, type ControlEndpoint } from '../../protocol/control-endpoint.ts';
import type { OnDefect } from './answer.ts';
import { Connection } from './connection.ts';
import type { EngineFacade } from './facade.ts';
import { listenPrivately } from './listen.ts';

/** How long `close` waits for answers that are under way. */
const CLOSING_MS = 2000;

export interface ControlServerOptions {
  /** Absolute. The caller holds its lock. */
  readonly home: string;
  readonly facade: EngineFacade;
  readonly engineVersion: string;
  readonly onDefect: OnDefect;
  /** The last client has gone. */
  readonly onEmpty?: () => void;
}

export interface ControlServer {
  readonly endpoint: ControlEndpoint;
  /** Clients connected now. */
  clients(): number;
  /** Takes no more clients, aborts what runs, sends the answers, closes. A `stop` handler must not wait for it. */
  close(): Promise<void>;
}

/** Resolves once clients can connect. @throws PersonError('engine-running', 'home-damaged') */
export async function serveControl(options: ControlServerOptions): Promise<ControlServer> {
  const { facade, engineVersion, onDefect } = options;
  const endpoint = controlEndpoint(options.home);
  const connections = new Set<Connection>();
  let token: string | null = null;

  const server = createServer((socket) => {
    const connection = new Connection(socket, { facade, engineVersion, token, onDefect });
    connections.add(connection);
    void connection.closed.then(() => {
      connections.delete(connection);
      if (connections.size === 0) options.onEmpty?.();
    });
  });
  token = await listenPrivately(server, endpoint);
  const unsubscribe = facade.onEvent((event) => {
    for (const connection of connections) connection.push(event);
  });

  return {
    endpoint,
    clients: () => connections.size,
    close: async () => {
      unsubscribe();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const late = setTimeout(() => connections.forEach((connection) => connection.destroy()), CLOSING_MS);
      await Promise.all([...connections].map((connection) => connection.close()));
      clearTimeout(late);
      await closed;
    },
  };
}

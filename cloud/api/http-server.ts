/** The HTTP face of the server: limits, hooks, routes. Knows no storage but through its context. */
import type { Duplex } from 'node:stream';
import websocket from '@fastify/websocket';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { PACKS_HEADER, PROGRAM_VERSION, PROTOCOL_HEADER, PROTOCOL_VERSION } from '../../protocol/version.ts';
import type { ServerInfo } from '../../protocol/cloud.ts';
import { isLoopback } from '../config.ts';
import { Refusal } from '../refusal.ts';
import { accountRoutes } from './account-routes.ts';
import { sessionOf } from './authenticate.ts';
import { watchBodies } from './body-watch.ts';
import { limitConnections } from './connection-limit.ts';
import type { CloudContext } from './context.ts';
import { asRefusal, notFound, sendError } from './errors.ts';
import { directRoutes } from './direct-routes.ts';
import { logRoutes } from './log-routes.ts';
import type { CutOff } from './metrics.ts';
import { packRoutes, purgeRoute } from './pack-routes.ts';

const MAX_JSON_BYTES = 6 * 1024 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;

export interface Route {
  readonly method: string;
  /** With its parameters by name: `/v1/vaults/:vault/changes`. */
  readonly path: string;
}

/** `tls`: PEM certificate and key; null for plain HTTP. */
export async function createHttpServer(
  context: CloudContext,
  log: Logger,
  tls: { readonly cert: string; readonly key: string } | null,
): Promise<{ readonly app: FastifyInstance; readonly routes: readonly Route[] }> {
  const { config } = context;
  const http = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: config.http.headersTimeoutMs,
    connectionsCheckingInterval: Math.min(5000, config.http.headersTimeoutMs),
  };
  const options = {
    bodyLimit: MAX_JSON_BYTES,
    requestTimeout: config.http.requestTimeoutMs,
    keepAliveTimeout: 75_000,
    trustProxy: config.trustProxy,
    routerOptions: { maxParamLength: 128 },
    forceCloseConnections: 'idle' as const,
    return503OnClosing: false,
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      sendError(request, reply, error),
    clientErrorHandler: (error: BrokenRequest, socket: Duplex) => {
      context.metrics.cutOff(answerBrokenRequest(error, socket));
    },
  };
  const app: FastifyInstance =
    tls === null
      ? fastify({ ...options, http })
      : fastify({ ...options, https: { ...http, ...tls, minVersion: 'TLSv1.2' } });
  app.server.maxConnections = config.http.maxConnections;
  app.server.maxRequestsPerSocket = 0;
  // Behind a proxy all come from it; it has limits of its own.
  if (!config.trustProxy) {
    limitConnections(app.server, {
      most: config.http.maxConnectionsPerNetwork,
      isFree: (ip) => isLoopback(ip.replace(/^::ffff:/, '')),
      refused: () => {
        context.metrics.cutOff('too-many');
      },
    });
  }

  const routes: Route[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) routes.push({ method: one, path: url });
  });
  app.decorateRequest('session', null);
  app.decorateRequest('grantedAccount', null);
  app.decorateRequest('errorCode', null);
  addParsers(app);
  watchBodies(app, config.http, () => {
    context.metrics.cutOff('slow-body');
  });
  addHooks(app, context, log);
  await app.register(websocket, {
    options: { maxPayload: 1024, perMessageDeflate: false },
    // Nobody is taken any more before devices are told to come again: they are not to come back here.
    preClose(done) {
      app.server.close();
      void context.events.leave().then(() => app.websocketServer.close(done));
    },
  });

  commonRoutes(app, context);
  accountRoutes(app, context);
  logRoutes(app, context);
  purgeRoute(app, context);
  directRoutes(app, context);
  await app.register(async (scope) => packRoutes(scope, context));
  await app.register(async (scope) => {
    scope.route({
      method: 'GET',
      url: '/v1/events',
      onRequest: context.auth.device,
      handler: () => {
        throw notFound();
      },
      wsHandler: (socket, request) => {
        context.events.add(socket, sessionOf(request));
      },
    });
  });
  return { app, routes };
}

type BrokenRequest = Error & { readonly code?: string };

const BROKEN: Readonly<Record<string, { readonly line: string; readonly why: CutOff }>> = {
  HPE_HEADER_OVERFLOW: { line: '431 Request Header Fields Too Large', why: 'large-headers' },
  ERR_HTTP_REQUEST_TIMEOUT: { line: '408 Request Timeout', why: 'slow-headers' },
};

/** What is no HTTP, too large or too slow to become a request: the same shape, and the connection ends. */
function answerBrokenRequest(error: BrokenRequest, socket: Duplex): CutOff {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return 'went-away';
  }
  const { line, why } = BROKEN[error.code ?? ''] ?? { line: '400 Bad Request', why: 'malformed' };
  const body = JSON.stringify({
    error: { code: 'bad-request', message: 'the request is not one this server understands' },
  });
  const head = `content-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close`;
  socket.end(`HTTP/1.1 ${line}\r\n${head}\r\n\r\n${body}`);
  return why;
}

function addParsers(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? undefined : (JSON.parse(body as string) as unknown));
    } catch {
      done(new Refusal('bad-request', 'the body is not JSON'));
    }
  });
}

function addHooks(app: FastifyInstance, { blobs, metrics, readiness }: CloudContext, log: Logger): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header(PROTOCOL_HEADER, String(PROTOCOL_VERSION)).header('cache-control', 'no-store');
    if (blobs.direct !== null) reply.header(PACKS_HEADER, 'elsewhere');
    const spoken = request.headers[PROTOCOL_HEADER];
    if (spoken !== undefined && spoken !== String(PROTOCOL_VERSION) && request.url !== '/v1/server') {
      throw new Refusal('version', `this server speaks version ${PROTOCOL_VERSION} of the protocol`);
    }
  });
  // The next request on this connection goes to another node.
  app.addHook('onSend', async (_request, reply) => {
    if (readiness.isDraining) reply.header('connection', 'close');
  });
  app.setErrorHandler((error, request, reply) => {
    const refusal = asRefusal(error);
    if (refusal.code === 'internal' || refusal.code === 'unavailable') {
      // The stack's first line may quote a value; the frames below it hold places in this program only.
      const where =
        error instanceof Error ? error.stack?.split('\n').filter((line) => /^\s+at /.test(line)) : [];
      log.error(
        { route: routeOf(request), code: refusal.code, cause: nameOf(error), where },
        'request failed',
      );
    }
    return sendError(request, reply, error);
  });
  app.setNotFoundHandler((request, reply) => sendError(request, reply, notFound()));
  app.addHook('onResponse', async (request, reply) => {
    const ms = Math.round(reply.elapsedTime);
    metrics.request(request.method, routeOf(request), reply.statusCode, reply.elapsedTime / 1000);
    log.info(
      {
        method: request.method,
        route: routeOf(request),
        status: reply.statusCode,
        ms,
        code: request.errorCode,
      },
      'request',
    );
  });
}

/** The pattern, never the address that was asked for: that holds ids. */
function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'none';
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const code = 'code' in error && typeof error.code === 'string' ? ` ${error.code}` : '';
  const cause = error.cause === undefined ? '' : ` (${nameOf(error.cause)})`;
  return `${error.name}${code}${cause}`;
}

function commonRoutes(app: FastifyInstance, { claims, config, metrics, readiness }: CloudContext): void {
  app.get('/v1/server', async (): Promise<ServerInfo> => {
    const legacy = await claims.offer();
    return {
      name: 'coffre-cloud',
      version: PROGRAM_VERSION,
      protocol: PROTOCOL_VERSION,
      signup: config.signup,
      ...(legacy === null ? {} : { legacy }),
    };
  });
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const state = await readiness.state();
    return reply.code(state.status === 'ready' ? 200 : 503).send(state);
  });
  app.get('/metrics', async (request, reply) => {
    const { metricsToken } = config;
    const shown = metricsToken !== null && request.headers.authorization === `Bearer ${metricsToken}`;
    if (!shown && !isLoopback(request.ip.replace(/^::ffff:/, ''))) throw notFound();
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
}

import type { FastifyInstance, FastifyReply } from 'fastify';
import type { CommitFrame } from '../../protocol/commit.ts';
import type { AccountId } from '../../protocol/ids.ts';
import { MAX_COMMIT_BYTES, PAGE_BYTES } from '../../protocol/limits.ts';
import {
  encodeChangesPage,
  encodeHeadersPage,
  encodeHistoryPage,
  encodeStatePage,
} from '../../protocol/pages.ts';
import { commitHash } from '../../protocol/commit.ts';
import { eventFrame, receiveCommit, type Committed } from '../log/log-service.ts';
import { Refusal } from '../refusal.ts';
import { readableAccountOf, sessionOf } from './authenticate.ts';
import type { CloudContext } from './context.ts';
import { notFound } from './errors.ts';
import { bytesOf, nodeOf, queryNumber, queryText, vaultOf } from './parse.ts';

const MAX_HEADERS_PAGE = 1000;
const LEASE_MS = 10 * 60_000;

const gone = (): Refusal => new Refusal('gone', 'no longer kept: take the live state');

function sendBytes(reply: FastifyReply, bytes: Uint8Array): FastifyReply {
  return reply.type('application/octet-stream').send(bytes);
}

export function logRoutes(app: FastifyInstance, context: CloudContext): void {
  const { auth, store, events, news, config, metrics } = context;
  const byDevice = { onRequest: auth.device };
  const byReader = { onRequest: auth.reader };

  const announce = (account: AccountId, { seq, receivedAtMs, announce: fresh }: Committed): void => {
    if (fresh === null) return;
    metrics.commit();
    const { frame, bytes, created } = fresh;
    if (created) {
      events.push(account, { kind: 'vaults' });
      news.tell({ kind: 'vaults', account });
    }
    pushCommit(account, frame, bytes, seq, receivedAtMs);
  };
  const pushCommit = (
    account: AccountId,
    frame: CommitFrame,
    bytes: Uint8Array,
    seq: number,
    receivedAtMs: number,
  ): void => {
    const { vault } = frame.header;
    news.tell({ kind: 'commit', account, vault, seq });
    const pushed = eventFrame(frame, bytes);
    if (pushed !== null) events.commit(account, vault, seq, receivedAtMs, pushed);
    else events.push(account, { kind: 'head', vault, seq, hash: commitHash(frame.signed.bytes) });
  };

  app.get('/v1/vaults', byReader, async (request) => ({
    vaults: await store.log.vaults(readableAccountOf(request)),
  }));

  app.post('/v1/vaults/:vault/commits', { ...byDevice, bodyLimit: MAX_COMMIT_BYTES }, async (request) => {
    const session = sessionOf(request);
    const parts = { store, chains: context.chains, now: config.now };
    const committed = await receiveCommit(parts, session, vaultOf(request), bytesOf(request));
    announce(session.account, committed);
    return { seq: committed.seq, receivedAtMs: committed.receivedAtMs };
  });

  app.get('/v1/vaults/:vault/changes', byDevice, async (request, reply) => {
    const { account } = sessionOf(request);
    const page = await store.log.changes(
      account,
      vaultOf(request),
      queryNumber(request, 'after'),
      PAGE_BYTES,
    );
    if (page === null) throw notFound();
    if (page === 'gone') throw gone();
    return sendBytes(reply, encodeChangesPage(page.head.seq, page.head.hash, page.commits));
  });

  app.get('/v1/vaults/:vault/state', byReader, async (request, reply) => {
    const account = readableAccountOf(request);
    const at = queryNumber(request, 'at');
    const cursor = queryText(request, 'cursor');
    const page = await store.log.state(account, vaultOf(request), at, cursor, PAGE_BYTES);
    if (page === null) throw notFound();
    if (page === 'gone') throw gone();
    if (page === 'bad-cursor') throw new Refusal('bad-request', 'the cursor is not one of this server');
    return sendBytes(reply, encodeStatePage(page));
  });

  app.get('/v1/vaults/:vault/headers', byReader, async (request, reply) => {
    const account = readableAccountOf(request);
    const from = queryNumber(request, 'from');
    const to = Math.min(queryNumber(request, 'to'), from + MAX_HEADERS_PAGE - 1);
    const headers = await store.log.headers(account, vaultOf(request), from, to);
    if (headers === null) throw notFound();
    return sendBytes(reply, encodeHeadersPage(headers));
  });

  app.get('/v1/vaults/:vault/nodes/:node/history', byDevice, async (request, reply) => {
    const { account } = sessionOf(request);
    const items = await store.log.history(account, vaultOf(request), nodeOf(request), PAGE_BYTES);
    if (items === null) throw notFound();
    return sendBytes(reply, encodeHistoryPage(items));
  });

  app.get('/v1/vaults/:vault/time', byDevice, async (request) => {
    const { account } = sessionOf(request);
    const answer = await store.log.headAt(account, vaultOf(request), queryNumber(request, 'at'));
    if (answer === null) throw notFound();
    return answer;
  });

  app.get('/v1/vaults/:vault/epochs', byReader, async (request) => {
    const account = readableAccountOf(request);
    const epochs = await store.log.epochs(account, vaultOf(request));
    if (epochs === null) throw notFound();
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
    return {
      epochs: epochs.map((epoch) => ({
        epoch: epoch.epoch,
        header: text(epoch.header),
        signature: text(epoch.signature),
        opening: text(epoch.opening),
        wraps: text(epoch.wraps),
      })),
    };
  });

  app.post('/v1/vaults/:vault/lease', byDevice, async (request) => {
    const { account, device } = sessionOf(request);
    const nowMs = config.now();
    const lease = await store.log.lease(account, vaultOf(request), device, nowMs, LEASE_MS);
    if (lease === null) throw notFound();
    return { granted: lease.granted, seconds: Math.max(0, Math.ceil((lease.untilMs - nowMs) / 1000)) };
  });
}

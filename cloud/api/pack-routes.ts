import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { purgeSchema } from '../../protocol/cloud.ts';
import type { PackName, VaultId } from '../../protocol/ids.ts';
import { MAX_PACK_BYTES } from '../../protocol/limits.ts';
import { Refusal } from '../refusal.ts';
import { callerOf, grantedAccountOf, readableAccountOf, sessionOf } from './authenticate.ts';
import { parseRange } from './byte-range.ts';
import type { CloudContext } from './context.ts';
import { notFound } from './errors.ts';
import { deleting, refuseUnreserved } from './pack-refusals.ts';
import { packOf, parseBody, vaultOf } from './parse.ts';

/** Runs in its own scope: here a body of bytes is a stream nobody has read. */
export async function packRoutes(app: FastifyInstance, context: CloudContext): Promise<void> {
  const { auth, store, blobs, config, metrics } = context;
  const byDevice = { onRequest: auth.device };
  const byReader = { onRequest: auth.reader };
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request: FastifyRequest, payload: IncomingMessage, done) => {
    done(null, payload);
  });

  app.put(
    '/v1/vaults/:vault/packs/:pack',
    { ...byDevice, bodyLimit: MAX_PACK_BYTES },
    async (request, reply) => {
      const size = declaredSize(request);
      const session = sessionOf(request);
      const vault = vaultOf(request);
      const pack = packOf(request);
      const { account, device } = session;
      const reservation = await store.packs.reserve({
        account,
        vault,
        name: pack,
        size,
        device,
        nowMs: config.now(),
        resume: false,
      });
      if (reservation?.kind !== 'reserved') {
        await drain(request.raw);
        refuseUnreserved(reservation);
        return reply.code(200).send();
      }
      const stored = await receive(request, { account, vault, pack }, size, reservation.upload);
      metrics.packBytes('in', size);
      if (stored === 'deleting') throw deleting();
      if (stored === 'gone') {
        await blobs.remove({ account, vault, pack }); // the account went away meanwhile
        throw notFound();
      }
      return reply.code(201).send();
    },
  );

  const receive = async (
    request: FastifyRequest,
    name: Parameters<typeof blobs.put>[0],
    size: number,
    upload: number,
  ): Promise<'stored' | 'deleting' | 'gone'> => {
    try {
      const outcome = await blobs.put(name, size, request.raw as AsyncIterable<Uint8Array>);
      if (outcome === 'mismatch') {
        throw new Refusal('bad-request', 'the bytes are not those the name and the length promise');
      }
      return await store.packs.complete(upload, config.now());
    } catch (error) {
      await store.packs.release(upload);
      if (request.raw.destroyed && !request.raw.complete) {
        throw new Refusal('bad-request', 'the body ended too early');
      }
      throw error;
    }
  };

  const send = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const account = readableAccountOf(request);
    const { vault, pack } = { vault: vaultOf(request), pack: packOf(request) };
    const row = await store.packs.find(account, vault, pack);
    if (row === null) throw notFound();
    if (row.state === 'deleting' || row.state === 'purged')
      throw new Refusal('gone', 'the pack is no longer kept');
    reply.header('accept-ranges', 'bytes').type('application/octet-stream');
    const range = parseRange(request.headers.range, row.size);
    if (range === 'unsatisfiable') {
      reply.header('content-range', `bytes */${row.size}`);
      throw new Refusal('bad-request', 'the range is not within the pack', {}, 416);
    }
    const { start, end } = range ?? { start: 0, end: row.size };
    if (range !== null) reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${row.size}`);
    reply.header('content-length', end - start);
    if (request.method === 'HEAD') return reply.send();
    if (row.inline === null && blobs.direct !== null) {
      metrics.packBytes('out', end - start);
      const url = await blobs.direct.readUrl({ account, vault, pack });
      return reply.removeHeader('content-range').header('content-length', 0).redirect(url, 307);
    }
    const body =
      row.inline === null
        ? await blobs.get({ account, vault, pack }, start, end)
        : Readable.from([row.inline.subarray(start, end)]);
    // The row says it is there: the disk lost it. `coffre-cloud check` tells which.
    if (body === null) throw new Error('the bytes of a pack are missing');
    metrics.packBytes('out', end - start);
    return reply.send(body);
  };
  app.get('/v1/vaults/:vault/packs/:pack', { ...byReader, exposeHeadRoute: false }, send);
  app.head('/v1/vaults/:vault/packs/:pack', byReader, send);
}

/** Purging reads JSON, so it lives in the common scope. */
export function purgeRoute(app: FastifyInstance, context: CloudContext): void {
  const { audit, auth, store, upkeep } = context;
  app.post('/v1/vaults/:vault/purge', { onRequest: auth.grant }, async (request, reply) => {
    const { packs } = parseBody(purgeSchema, request);
    const account = grantedAccountOf(request);
    const vault: VaultId = vaultOf(request);
    const names: readonly PackName[] = packs;
    const entry = audit.entry('packs-purged', callerOf(request), { account });
    if ((await store.packs.purge(account, vault, names, entry)) === null) throw notFound();
    void upkeep.run();
    return reply.code(204).send();
  });
}

/** @throws Refusal bad-request without a length, too-large above a pack's */
function declaredSize(request: FastifyRequest): number {
  const text = request.headers['content-length'];
  const size = Number(text);
  if (text === undefined || !Number.isSafeInteger(size) || size <= 0) {
    throw new Refusal(
      'bad-request',
      'a pack is sent with its content-length',
      {},
      text === undefined ? 411 : 400,
    );
  }
  if (size > MAX_PACK_BYTES) throw new Refusal('too-large', 'a pack has 16 MiB at most');
  return size;
}

/** An answer sent while the client still writes may never be read: take the rest first. It is one pack at most. */
async function drain(body: IncomingMessage): Promise<void> {
  body.resume();
  if (body.complete) return;
  await new Promise<void>((resolve) => {
    body.once('end', resolve);
    body.once('close', resolve);
  });
}

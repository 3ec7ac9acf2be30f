/**
 * Uploads that do not pass through this server: it charges the bytes and names the place, the device sends them there,
 * and says when it has. That they are the right ones is seen to by the store, which was asked at the start whether it
 * does.
 */
import type { FastifyInstance } from 'fastify';
import { completeSchema, uploadSchema, type UploadAnswer } from '../../protocol/cloud.ts';
import { judgeStored } from '../quota/judge-reservation.ts';
import { Refusal } from '../refusal.ts';
import type { BlobName, DirectAccess } from '../store/blob-store.ts';
import { sessionOf } from './authenticate.ts';
import type { CloudContext } from './context.ts';
import { notFound } from './errors.ts';
import { deleting, refuseUnreserved } from './pack-refusals.ts';
import { packOf, parseBody, vaultOf } from './parse.ts';

export function directRoutes(app: FastifyInstance, context: CloudContext): void {
  const { auth, store, blobs, config, metrics } = context;
  const byDevice = { onRequest: auth.device };

  app.post('/v1/vaults/:vault/packs/:pack/upload', byDevice, async (request): Promise<UploadAnswer> => {
    const { account, device } = sessionOf(request);
    const vault = vaultOf(request);
    const pack = packOf(request);
    const { size } = parseBody(uploadSchema, request);
    if (blobs.direct === null) return { to: 'here' };
    const reservation = await store.packs.reserve({
      account,
      vault,
      name: pack,
      size,
      device,
      nowMs: config.now(),
      resume: true,
    });
    if (reservation?.kind !== 'reserved') {
      refuseUnreserved(reservation);
      return { to: 'none' };
    }
    const url = await blobs.direct.uploadUrl({ account, vault, pack }, size);
    return { to: 'elsewhere', upload: reservation.upload, url };
  });

  app.post('/v1/vaults/:vault/packs/:pack/complete', byDevice, async (request, reply) => {
    const { account } = sessionOf(request);
    const name = { account, vault: vaultOf(request), pack: packOf(request) };
    const { upload } = parseBody(completeSchema, request);
    if (blobs.direct === null) throw notFound();
    await complete(name, upload, blobs.direct);
    return reply.code(204).send();
  });

  const complete = async (name: BlobName, upload: number, direct: DirectAccess): Promise<void> => {
    const begun = await store.packs.findUpload(name.account, name.vault, name.pack, upload);
    if (begun === null) return requireStored(name);
    if ((await direct.sizeOf(name)) !== begun.size) {
      throw new Refusal('bad-request', 'the bytes of the pack have not arrived');
    }
    const outcome = await store.packs.complete(upload, config.now());
    if (outcome === 'deleting') throw deleting();
    if (outcome === 'gone') return requireStored(name);
    metrics.packBytes('in', begun.size);
  };

  /** It was completed before, and the answer was lost. @throws Refusal not-found, pack-deleting */
  const requireStored = async ({ account, vault, pack }: BlobName): Promise<void> => {
    const row = await store.packs.find(account, vault, pack);
    if (row === null) throw notFound();
    if (judgeStored(row.state).kind === 'deleting') throw deleting();
  };
}

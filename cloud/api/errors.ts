/** Every error leaves in one shape, and nothing of the inside with it. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { MalformedError } from '../../protocol/bytes.ts';
import type { CloudErrorBody } from '../../protocol/cloud.ts';
import { CLOUD_ERROR_STATUS, type CloudErrorCode } from '../../protocol/errors.ts';
import { Refusal } from '../refusal.ts';
import { BlobStoreUnavailable } from '../store/blob-store.ts';
import { StoreUnavailable } from '../store/store-errors.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The code the request was answered with, for the log; null when it succeeded. */
    errorCode: CloudErrorCode | null;
  }
}

export function sendError(request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply {
  const refusal = asRefusal(error);
  request.errorCode = refusal.code;
  const body: CloudErrorBody = {
    error: { code: refusal.code, message: refusal.message },
    ...refusal.details,
  };
  if (refusal.details.retryAfterS !== undefined)
    reply.header('retry-after', Math.ceil(refusal.details.retryAfterS));
  // What is left of a body nobody reads must not hold the connection.
  if (!request.raw.complete) reply.header('connection', 'close');
  return reply.code(refusal.status ?? CLOUD_ERROR_STATUS[refusal.code]).send(body);
}

export function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof MalformedError) return new Refusal('bad-request', error.message);
  if (error instanceof StoreUnavailable || error instanceof BlobStoreUnavailable) {
    return new Refusal(
      'unavailable',
      'the server cannot write now: what it stores on is full, failing or out of reach',
      {
        retryAfterS: 30,
      },
    );
  }
  const { code, statusCode } = httpFault(error);
  if (statusCode === 413 || code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new Refusal('too-large', 'the body is too large');
  if (statusCode !== null && statusCode >= 400 && statusCode < 500) {
    return new Refusal('bad-request', 'the request is not one this server understands');
  }
  return new Refusal('internal', 'something broke on the server');
}

function httpFault(error: unknown): { code: string; statusCode: number | null } {
  if (!(error instanceof Error)) return { code: '', statusCode: null };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const statusCode = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : null;
  return { code, statusCode };
}

export const notFound = (): Refusal => new Refusal('not-found', 'there is nothing here');
export const unauthorized = (): Refusal =>
  new Refusal('unauthorized', 'the token is missing, wrong or expired');

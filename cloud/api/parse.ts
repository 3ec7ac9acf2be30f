/** Reading what a request carries; what does not parse is a Refusal. */
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { isId16, isId32, type NodeId, type PackName, type VaultId } from '../../protocol/ids.ts';
import { Refusal } from '../refusal.ts';
import { notFound } from './errors.ts';

/** @throws Refusal bad-request naming the field, never its value */
export function parseBody<T>(schema: z.ZodType<T>, request: FastifyRequest): T {
  const result = schema.safeParse(request.body);
  if (result.success) return result.data;
  const where = result.error.issues[0]?.path.map(String).join('.') ?? '';
  throw new Refusal('bad-request', `the request is not valid${where === '' ? '' : ` at ${where}`}`);
}

function param(request: FastifyRequest, name: string): string {
  const params = request.params as Readonly<Record<string, string | undefined>>;
  return params[name] ?? '';
}

/** An id that is none leads nowhere, like one nobody has. */
export function vaultOf(request: FastifyRequest): VaultId {
  const id = param(request, 'vault');
  if (!isId16(id)) throw notFound();
  return id as VaultId;
}

export function nodeOf(request: FastifyRequest): NodeId {
  const id = param(request, 'node');
  if (!isId16(id)) throw notFound();
  return id as NodeId;
}

export function packOf(request: FastifyRequest): PackName {
  const id = param(request, 'pack');
  if (!isId32(id)) throw notFound();
  return id as PackName;
}

/** A whole number from the query. @throws Refusal bad-request */
export function queryNumber(request: FastifyRequest, name: string, fallback: number | null = null): number {
  const text = queryText(request, name);
  if (text === null && fallback !== null) return fallback;
  const value = text !== null && /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value))
    throw new Refusal('bad-request', `the query wants a whole number at ${name}`);
  return value;
}

export function queryText(request: FastifyRequest, name: string): string | null {
  const query = request.query as Readonly<Record<string, unknown>>;
  const value = query[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The body of an application/octet-stream request. @throws Refusal bad-request */
export function bytesOf(request: FastifyRequest): Uint8Array {
  if (request.body instanceof Uint8Array) return request.body;
  throw new Refusal('bad-request', 'the body must be application/octet-stream');
}

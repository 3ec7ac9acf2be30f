/** The account server over HTTP and one WebSocket. Routes: docs/cloud-api.md. */
import type { z } from 'zod';
import {
  accountAnswerSchema,
  chainAnswerSchema,
  commitAnswerSchema,
  epochsAnswerSchema,
  leaseAnswerSchema,
  timeAnswerSchema,
  uploadAnswerSchema,
  vaultsAnswerSchema,
  type AccountAnswer,
  type CloudErrorBody,
  type Head,
} from '../../protocol/cloud.ts';
import { decodeSignedEntry, type SignedChainEntry } from '../../protocol/device-chain.ts';
import type { NodeId, PackName, VaultId } from '../../protocol/ids.ts';
import { MAX_COMMIT_BYTES, MIB, PAGE_BYTES } from '../../protocol/limits.ts';
import {
  decodeChangesPage,
  decodeHeadersPage,
  decodeHistoryPage,
  decodeStatePage,
  type ChangesPage,
  type HistoryItem,
  type ReceivedHeader,
  type StatePage,
} from '../../protocol/pages.ts';
import {
  CloudError,
  type Cloud,
  type CloudEvents,
  type CommitOutcome,
  type PackBody,
  type PutPackOutcome,
} from './cloud.ts';
import { LIVENESS, runEventSocket, type EventHandlers, type Liveness } from './event-socket.ts';
import { toCloudError } from './fault.ts';
import {
  bytesBody,
  errorOf,
  jsonBody,
  parseJson,
  type CloudAnswer,
  type CloudRequest,
  type HttpClient,
} from './http-client.ts';
import type { CloudSession } from './session.ts';

/** Whose requests these are: a device's session, or a grant that reads. */
export type Authorizer = Pick<CloudSession, 'authorized'>;

/** A page ends after the item that fills it, and one commit may be larger than a page. */
const MAX_PAGE_BYTES = PAGE_BYTES + MAX_COMMIT_BYTES + MIB;

function unbase64(text: string): Uint8Array {
  return Buffer.from(text, 'base64');
}

export class HttpCloud implements Cloud {
  readonly #client: HttpClient;
  readonly #session: Authorizer;
  readonly #liveness: Liveness;

  constructor(client: HttpClient, session: Authorizer, liveness: Liveness = LIVENESS) {
    this.#client = client;
    this.#session = session;
    this.#liveness = liveness;
  }

  #request(request: CloudRequest): Promise<CloudAnswer> {
    return this.#session.authorized(async (token) => {
      const answer = await this.#client.request({ ...request, token });
      if (!answer.ok && answer.error.error.code === 'unauthorized') throw errorOf(answer.error);
      return answer;
    });
  }

  async #bytes(path: string, maxBytes?: number): Promise<Uint8Array> {
    const limit = maxBytes === undefined ? {} : { maxBytes };
    const answer = await this.#request({ method: 'GET', path, ...limit });
    if (!answer.ok) throw errorOf(answer.error);
    return answer.bytes;
  }

  async #json<T extends z.ZodType>(schema: T, path: string): Promise<z.infer<T>> {
    return parseJson(schema, await this.#bytes(path));
  }

  /** What a decoder refuses is the server's fault. */
  async #page<T>(path: string, decode: (bytes: Uint8Array) => T): Promise<T> {
    const bytes = await this.#bytes(path, MAX_PAGE_BYTES);
    try {
      return decode(bytes);
    } catch (error) {
      throw toCloudError(error);
    }
  }

  account(): Promise<AccountAnswer> {
    return this.#json(accountAnswerSchema, '/v1/account');
  }

  async vaults(): Promise<readonly { vault: VaultId; head: Head; createdAtMs: number }[]> {
    return (await this.#json(vaultsAnswerSchema, '/v1/vaults')).vaults;
  }

  async chain(from: number): Promise<{ length: number; entries: SignedChainEntry[] }> {
    const answer = await this.#json(chainAnswerSchema, `/v1/chain?from=${from}`);
    try {
      return {
        length: answer.length,
        entries: answer.entries.map((entry) => decodeSignedEntry(unbase64(entry))),
      };
    } catch (error) {
      throw toCloudError(error);
    }
  }

  changes(vault: VaultId, after: number): Promise<ChangesPage> {
    return this.#page(`/v1/vaults/${vault}/changes?after=${after}`, decodeChangesPage);
  }

  state(vault: VaultId, at: number, cursor: string | null): Promise<StatePage> {
    const rest = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    return this.#page(`/v1/vaults/${vault}/state?at=${at}${rest}`, decodeStatePage);
  }

  headers(vault: VaultId, from: number, to: number): Promise<ReceivedHeader[]> {
    return this.#page(`/v1/vaults/${vault}/headers?from=${from}&to=${to}`, decodeHeadersPage);
  }

  history(vault: VaultId, node: NodeId): Promise<HistoryItem[]> {
    return this.#page(`/v1/vaults/${vault}/nodes/${node}/history`, decodeHistoryPage);
  }

  async headAt(vault: VaultId, timeMs: number): Promise<Head | null> {
    return (await this.#json(timeAnswerSchema, `/v1/vaults/${vault}/time?at=${timeMs}`)).head;
  }

  async epochs(vault: VaultId): ReturnType<Cloud['epochs']> {
    const { epochs } = await this.#json(epochsAnswerSchema, `/v1/vaults/${vault}/epochs`);
    return epochs.map((epoch) => ({
      epoch: epoch.epoch,
      header: unbase64(epoch.header),
      signature: unbase64(epoch.signature),
      opening: unbase64(epoch.opening),
      wraps: unbase64(epoch.wraps),
    }));
  }

  async commit(vault: VaultId, frame: Uint8Array): Promise<CommitOutcome> {
    const answer = await this.#request({
      method: 'POST',
      path: `/v1/vaults/${vault}/commits`,
      body: bytesBody(frame),
    });
    if (answer.ok) return { kind: 'committed', ...parseJson(commitAnswerSchema, answer.bytes) };
    return commitRefusal(answer.error);
  }

  async putPack(
    vault: VaultId,
    name: PackName,
    body: PackBody,
    signal?: AbortSignal,
  ): Promise<PutPackOutcome> {
    // Where packs go through the server they go at once; otherwise it is asked first.
    if (!this.#client.packsGoElsewhere) return this.#putHere(vault, name, body, signal);
    const pack = `/v1/vaults/${vault}/packs/${name}`;
    const asked = await this.#request({
      method: 'POST',
      path: `${pack}/upload`,
      body: jsonBody({ size: body.size }),
      ...(signal === undefined ? {} : { signal }),
    });
    if (!asked.ok) return putRefusal(asked.error);
    const where = parseJson(uploadAnswerSchema, asked.bytes);
    switch (where.to) {
      case 'none':
        return { kind: 'stored' };
      case 'here':
        return this.#putHere(vault, name, body, signal);
      case 'elsewhere':
        break;
    }
    await this.#client.direct.put(where.url, name, body, signal);
    const told = await this.#request({
      method: 'POST',
      path: `${pack}/complete`,
      body: jsonBody({ upload: where.upload }),
      ...(signal === undefined ? {} : { signal }),
    });
    return told.ok ? { kind: 'stored' } : putRefusal(told.error);
  }

  async #putHere(
    vault: VaultId,
    name: PackName,
    body: PackBody,
    signal?: AbortSignal,
  ): Promise<PutPackOutcome> {
    const answer = await this.#request({
      method: 'PUT',
      path: `/v1/vaults/${vault}/packs/${name}`,
      body: { type: 'application/octet-stream', size: body.size, chunks: () => body.chunks() },
      ...(signal === undefined ? {} : { signal }),
    });
    return answer.ok ? { kind: 'stored' } : putRefusal(answer.error);
  }

  async getPack(
    vault: VaultId,
    name: PackName,
    start: number,
    end: number,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const size = end - start;
    const answer = await this.#request({
      method: 'GET',
      path: `/v1/vaults/${vault}/packs/${name}`,
      headers: { range: `bytes=${start}-${end - 1}` },
      maxBytes: size,
      mayBeElsewhere: true,
      ...(signal === undefined ? {} : { signal }),
    });
    if (!answer.ok) throw errorOf(answer.error);
    if (answer.elsewhere !== null) return this.#client.direct.get(answer.elsewhere, start, end, signal);
    if (answer.status !== 206 || answer.bytes.length === 0) {
      throw new CloudError('malformed', 'the server did not answer with the part of a pack it was asked for');
    }
    return answer.bytes;
  }

  async lease(vault: VaultId): Promise<{ granted: boolean; seconds: number }> {
    const answer = await this.#request({
      method: 'POST',
      path: `/v1/vaults/${vault}/lease`,
      body: jsonBody({}),
    });
    if (!answer.ok) throw errorOf(answer.error);
    return parseJson(leaseAnswerSchema, answer.bytes);
  }

  async purge(vault: VaultId, packs: readonly PackName[], grant: string): Promise<void> {
    await this.#client.bytes({
      method: 'POST',
      path: `/v1/vaults/${vault}/purge`,
      token: grant,
      body: jsonBody({ packs }),
    });
  }

  events(handlers: EventHandlers): CloudEvents {
    const stop = new AbortController();
    const run = (token: string): Promise<void> =>
      runEventSocket({
        connector: this.#client.connector,
        origin: this.#client.address.origin,
        token,
        handlers,
        signal: stop.signal,
        liveness: this.#liveness,
      });
    this.#session.authorized(run).catch((error: unknown) => {
      if (!stop.signal.aborted) handlers.lost(toCloudError(error).fault);
    });
    return {
      close: () => {
        stop.abort();
      },
    };
  }
}

function putRefusal(error: CloudErrorBody): PutPackOutcome {
  if (error.error.code === 'pack-deleting') return { kind: 'deleting' };
  if (error.error.code === 'quota') return quotaOf(error);
  throw errorOf(error);
}

function quotaOf(error: CloudErrorBody): Extract<CommitOutcome, { kind: 'quota' }> {
  if (error.quota === undefined) throw new CloudError('malformed', 'a refusal for quota without its numbers');
  return { kind: 'quota', ...error.quota };
}

function commitRefusal(error: CloudErrorBody): CommitOutcome {
  switch (error.error.code) {
    case 'stale-head':
      if (error.head === undefined) throw new CloudError('malformed', 'a stale head without the head');
      return { kind: 'stale-head', head: error.head };
    case 'stale-chain':
      return { kind: 'stale-chain' };
    case 'pack-missing':
      if (error.packs === undefined) throw new CloudError('malformed', 'missing packs without their names');
      return { kind: 'pack-missing', packs: error.packs };
    case 'quota':
      return quotaOf(error);
    default:
      throw errorOf(error);
  }
}

/** One device's view of the simulated server, over its own line. Answers pass through the bytes of the wire. */
import { auditEntry } from '../../cloud/audit/entry.ts';
import { eventFrame, quotaExceeded, receiveCommit } from '../../cloud/log/log-service.ts';
import { usedBytes } from '../../cloud/quota/quota.ts';
import { Refusal } from '../../cloud/refusal.ts';
import type { AccountAnswer, Head } from '../../protocol/cloud.ts';
import { commitHash } from '../../protocol/commit.ts';
import { decodeSignedEntry, type SignedChainEntry } from '../../protocol/device-chain.ts';
import type { NodeId, PackName, VaultId } from '../../protocol/ids.ts';
import { MAX_PACK_BYTES, PAGE_BYTES } from '../../protocol/limits.ts';
import {
  decodeChangesPage,
  decodeHeadersPage,
  decodeHistoryPage,
  decodeStatePage,
  encodeChangesPage,
  encodeHeadersPage,
  encodeHistoryPage,
  encodeStatePage,
  type ChangesPage,
  type CloudEvent,
  type HistoryItem,
  type ReceivedHeader,
  type StatePage,
} from '../../protocol/pages.ts';
import {
  CloudError,
  type Cloud,
  type CloudEvents,
  type CloudFault,
  type CommitOutcome,
  type PackBody,
  type PutPackOutcome,
} from '../../sync-engine/remote/cloud.ts';
import type { SimNetwork } from './sim-network.ts';
import type { SimDevice, SimServer } from './sim-server.ts';

const LEASE_MS = 10 * 60_000;
const MAX_HEADERS = 1000;

export class SimCloud implements Cloud {
  readonly #server: SimServer;
  readonly #device: SimDevice;
  readonly network: SimNetwork;

  constructor(server: SimServer, device: SimDevice, network: SimNetwork) {
    this.#server = server;
    this.#device = device;
    this.network = network;
  }

  /** One request by this device. Refusals become what HttpCloud makes of them. */
  #request<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.network.exchange(async () => {
      await this.#authenticate();
      try {
        return await work();
      } catch (error) {
        throw asCloudError(error);
      }
    }, signal);
  }

  async #authenticate(): Promise<void> {
    const { account, device } = this.#device;
    const chain = await this.#server.chains.get(account);
    if (chain?.devices.get(device)?.revoked !== null) {
      throw new CloudError('unauthorized', 'this device is signed out');
    }
    await this.#server.store.accounts.heard(account, device, this.#server.nowMs());
  }

  account(): Promise<AccountAnswer> {
    return this.#request(async () => {
      const { account } = this.#device;
      const row = found(await this.#server.store.accounts.byId(account));
      const { limitBytes, liveBytes, uncommittedBytes, retainedBytes } = row.usage;
      const devices = await this.#server.store.accounts.devices(account);
      return {
        account,
        quota: { limitBytes, usedBytes: usedBytes(row.usage), liveBytes, uncommittedBytes, retainedBytes },
        devices: devices.map(({ device, lastHeardMs }) => ({ device, lastHeardMs })),
      };
    });
  }

  vaults(): Promise<readonly { vault: VaultId; head: Head; createdAtMs: number }[]> {
    return this.#request(() => this.#server.store.log.vaults(this.#device.account));
  }

  chain(from: number): Promise<{ length: number; entries: SignedChainEntry[] }> {
    return this.#request(async () => {
      const { account } = this.#device;
      const entries = await this.#server.store.accounts.chain(account, from);
      const { length } = await this.#server.chain(account);
      return { length, entries: entries.map(decodeSignedEntry) };
    });
  }

  changes(vault: VaultId, after: number): Promise<ChangesPage> {
    return this.#request(async () => {
      const { log } = this.#server.store;
      const page = kept(found(await log.changes(this.#device.account, vault, after, PAGE_BYTES)));
      return decodeChangesPage(encodeChangesPage(page.head.seq, page.head.hash, page.commits));
    });
  }

  state(vault: VaultId, at: number, cursor: string | null): Promise<StatePage> {
    return this.#request(async () => {
      const { log } = this.#server.store;
      const page = kept(found(await log.state(this.#device.account, vault, at, cursor, PAGE_BYTES)));
      if (page === 'bad-cursor') throw new Refusal('bad-request', 'the cursor is not one of this server');
      return decodeStatePage(encodeStatePage(page));
    });
  }

  headers(vault: VaultId, from: number, to: number): Promise<ReceivedHeader[]> {
    return this.#request(async () => {
      const last = Math.min(to, from + MAX_HEADERS - 1);
      const headers = await this.#server.store.log.headers(this.#device.account, vault, from, last);
      return decodeHeadersPage(encodeHeadersPage(found(headers)));
    });
  }

  history(vault: VaultId, node: NodeId): Promise<HistoryItem[]> {
    return this.#request(async () => {
      const items = await this.#server.store.log.history(this.#device.account, vault, node, PAGE_BYTES);
      return decodeHistoryPage(encodeHistoryPage(found(items)));
    });
  }

  headAt(vault: VaultId, timeMs: number): Promise<Head | null> {
    return this.#request(
      async () => found(await this.#server.store.log.headAt(this.#device.account, vault, timeMs)).head,
    );
  }

  epochs(vault: VaultId): ReturnType<Cloud['epochs']> {
    return this.#request(async () => {
      const epochs = found(await this.#server.store.log.epochs(this.#device.account, vault));
      return epochs.map((epoch) => ({
        epoch: epoch.epoch,
        header: Uint8Array.from(epoch.header),
        signature: Uint8Array.from(epoch.signature),
        opening: Uint8Array.from(epoch.opening),
        wraps: Uint8Array.from(epoch.wraps),
      }));
    });
  }

  commit(vault: VaultId, frame: Uint8Array): Promise<CommitOutcome> {
    const bytes = Uint8Array.from(frame);
    return this.#request(async () => {
      const { store, chains, nowMs } = this.#server;
      const { account, device } = this.#device;
      try {
        const session = { session: 0, account, device };
        const committed = await receiveCommit({ store, chains, now: nowMs }, session, vault, bytes);
        if (committed.announce !== null) this.#announce(vault, committed.receivedAtMs, committed.announce);
        return { kind: 'committed', seq: committed.seq, receivedAtMs: committed.receivedAtMs };
      } catch (error) {
        return refusedCommit(error);
      }
    });
  }

  #announce(
    vault: VaultId,
    receivedAtMs: number,
    { frame, bytes, created }: NonNullable<Awaited<ReturnType<typeof receiveCommit>>['announce']>,
  ): void {
    const { account } = this.#device;
    if (created) this.#server.announce(account, { kind: 'vaults' });
    const pushed = eventFrame(frame, bytes);
    if (pushed !== null) {
      this.#server.announceCommit(account, vault, receivedAtMs, pushed);
    } else {
      const hash = commitHash(frame.signed.bytes);
      this.#server.announce(account, { kind: 'head', vault, seq: frame.header.seq, hash });
    }
  }

  putPack(vault: VaultId, name: PackName, body: PackBody, signal?: AbortSignal): Promise<PutPackOutcome> {
    return this.#request(async (): Promise<PutPackOutcome> => {
      const { store, blobs, nowMs } = this.#server;
      const { account, device } = this.#device;
      if (body.size > MAX_PACK_BYTES) throw new Refusal('too-large', 'a pack has 16 MiB at most');
      const upload = { account, vault, name, size: body.size, device, nowMs: nowMs(), resume: false };
      const reserved = found(await store.packs.reserve(upload));
      switch (reserved.kind) {
        case 'stored':
          return { kind: 'stored' };
        case 'deleting':
          return { kind: 'deleting' };
        case 'quota':
          return quotaOf(quotaExceeded(reserved));
        case 'reserved':
          break;
      }
      const outcome = await blobs.put({ account, vault, pack: name }, body.size, body.chunks());
      if (outcome === 'mismatch') {
        await store.packs.release(reserved.upload);
        throw new Refusal('bad-request', 'the bytes are not those the name and the length promise');
      }
      const completed = await store.packs.complete(reserved.upload, nowMs());
      if (completed === 'gone') throw notFound();
      return { kind: completed };
    }, signal);
  }

  getPack(
    vault: VaultId,
    name: PackName,
    start: number,
    end: number,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    return this.#request(async () => {
      const { account } = this.#device;
      const row = found(await this.#server.store.packs.find(account, vault, name));
      if (row.state === 'deleting' || row.state === 'purged') throw gone();
      if (start >= row.size || end <= start)
        throw new Refusal('bad-request', 'the range is not within the pack');
      const bytes =
        row.inline === null
          ? this.#server.blobs.read({ account, vault, pack: name }, start, Math.min(end, row.size))
          : Uint8Array.from(row.inline.subarray(start, end));
      if (bytes === null) throw new Refusal('internal', 'something broke on the server');
      return bytes;
    }, signal);
  }

  lease(vault: VaultId): Promise<{ granted: boolean; seconds: number }> {
    return this.#request(async () => {
      const { store, nowMs } = this.#server;
      const { account, device } = this.#device;
      const lease = found(await store.log.lease(account, vault, device, nowMs(), LEASE_MS));
      return {
        granted: lease.granted,
        seconds: Math.max(0, Math.ceil((lease.untilMs - nowMs()) / 1000)),
      };
    });
  }

  purge(vault: VaultId, packs: readonly PackName[], grant: string): Promise<void> {
    return this.network.exchange(async () => {
      const account = this.#server.grantedAccount(grant);
      if (account === null) throw new CloudError('unauthorized', 'the grant is missing, wrong or expired');
      const facts = { kind: 'packs-purged', actor: 'account', atMs: this.#server.nowMs() } as const;
      const audit = auditEntry({ ...facts, account });
      const purged = await this.#server.store.packs.purge(account, vault, packs, audit);
      if (purged === null) throw asCloudError(notFound());
      await this.#server.upkeep.run();
    });
  }

  /** Pushes arrive in order, late, or not at all; the line going down ends it. */
  events(handlers: {
    event(event: CloudEvent): void;
    opened(): void;
    lost(fault: CloudFault): void;
  }): CloudEvents {
    let open = true;
    let last: Promise<void> = Promise.resolve();
    const undo: (() => void)[] = [];
    const end = (fault: CloudFault | null): void => {
      if (!open) return;
      open = false;
      for (const step of undo) step();
      if (fault !== null) handlers.lost(fault);
    };
    const push = (event: CloudEvent): void => {
      const fate = this.network.pushFate();
      last = last.then(async () => {
        await this.network.delay();
        if (!open) return;
        if (fate === 'cuts') end('offline');
        else if (fate === 'arrives') handlers.event(event);
      });
    };
    const { account, device } = this.#device;
    void this.#request(async () => {
      if (!open || undo.length > 0) return; // a request may arrive twice
      undo.push(
        this.#server.listen(account, {
          device,
          push,
          ended: () => {
            end('unauthorized');
          },
        }),
      );
      undo.push(
        this.network.onOffline(() => {
          end('offline');
        }),
      );
    }).then(
      () => {
        if (open) handlers.opened();
      },
      (error: unknown) => {
        end(error instanceof CloudError ? error.fault : 'internal');
      },
    );
    return {
      close: () => {
        end(null);
      },
    };
  }
}

const notFound = (): Refusal => new Refusal('not-found', 'there is nothing here');
const gone = (): Refusal => new Refusal('gone', 'no longer kept: take the live state');

/** What a store says of another account's vault, and of none at all. */
function found<T>(value: T | null): T {
  if (value === null) throw notFound();
  return value;
}

function kept<T>(value: T | 'gone'): Exclude<T, 'gone'> {
  if (value === 'gone') throw gone();
  return value as Exclude<T, 'gone'>;
}

function asCloudError(error: unknown): unknown {
  if (!(error instanceof Refusal)) return error;
  return new CloudError(error.code, error.message, error.details.retryAfterS ?? null);
}

function quotaOf(refusal: Refusal): Extract<CommitOutcome, { kind: 'quota' }> {
  const { quota } = refusal.details;
  if (quota === undefined) throw new Error('a refusal for quota has its numbers');
  return { kind: 'quota', ...quota };
}

function refusedCommit(error: unknown): CommitOutcome {
  if (!(error instanceof Refusal)) throw error;
  const { head, packs } = error.details;
  if (error.code === 'stale-head' && head !== undefined) return { kind: 'stale-head', head };
  if (error.code === 'stale-chain') return { kind: 'stale-chain' };
  if (error.code === 'pack-missing' && packs !== undefined) return { kind: 'pack-missing', packs };
  if (error.code === 'quota') return quotaOf(error);
  throw error;
}

/**
 * Sealed packs on their way to the account: recorded in the manifest the moment they are sealed, sent with
 * a bounded number at a time, retried with back-off. A pack acknowledged is an observation a restart keeps.
 * Until then its bytes are in memory only: a file on disk would serve no restart, which seals anew what nobody
 * acknowledged (docs/decisions/0023-packs-wait-in-memory.md).
 */
import type { PackName, SealedPack, VaultId } from '../../protocol/ids.ts';
import type { Manifest, VaultStore } from '../manifest/manifest.ts';
import { CloudError, type Cloud, type PackBody } from '../remote/cloud.ts';
import { releasePackMemory } from '../transfer/pack-memory.ts';
import type { PackToSend } from '../transfer/sealing-jobs.ts';
import type { QuotaState } from './commit-queue.ts';
import type { Clock } from './ports.ts';
import { Semaphore } from './semaphore.ts';

/** Requests at a time, and packs sealed but not acknowledged; sealing waits beyond it. */
const CONCURRENT_UPLOADS = 2;

/** Waited for before a pack is sealed anew, as if so many attempts had failed: some seconds. */
const ATTEMPTS_WORTH = 4;

export interface PackUploadHooks {
  quota(state: QuotaState): void;
  /** @param sentMs when it was sent off, by the monotonic clock */
  sent(bytes: number, sentMs: number): void;
  /** Waits before another attempt; rejects when the engine stops or the fault is final. */
  retry(error: CloudError, attempt: number, signal: AbortSignal): Promise<void>;
}

export class PackUploads {
  readonly #vault: VaultId;
  readonly #store: VaultStore;
  readonly #manifest: Manifest;
  readonly #cloud: Cloud;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #body: (bytes: SealedPack) => PackBody;
  readonly #hooks: PackUploadHooks;
  readonly #slots = new Semaphore(CONCURRENT_UPLOADS);
  /** Uploads under way, so that a file that relies on one can wait for it. */
  readonly #underWay = new Map<PackName, Promise<boolean>>();

  constructor(
    vault: VaultId,
    manifest: Manifest,
    cloud: Cloud,
    clock: Pick<Clock, 'monotonicMs'>,
    body: (bytes: SealedPack) => PackBody,
    hooks: PackUploadHooks,
  ) {
    this.#vault = vault;
    this.#manifest = manifest;
    this.#store = manifest.vault(vault);
    this.#cloud = cloud;
    this.#clock = clock;
    this.#body = body;
    this.#hooks = hooks;
  }

  /** Records a sealed pack; its chunks are known from now on. */
  record(pack: PackToSend): void {
    this.#manifest.transaction(() => {
      if (this.#store.pack(pack.name) !== undefined) return;
      this.#store.addPack(
        {
          name: pack.name,
          size: pack.size,
          indexHash: pack.indexHash,
          epoch: pack.chunks[0]?.epoch ?? 0,
          state: 'sealed',
          trusted: true,
          author: 'self',
          index: pack.index,
        },
        pack.chunks.map((chunk) => ({ ...chunk, pack: pack.name })),
      );
    });
  }

  /** Starts sending; resolves as soon as there is room for the next pack to be sealed. */
  async send(pack: PackToSend, signal: AbortSignal): Promise<void> {
    await this.#slots.acquire();
    const upload = this.#upload(pack, signal).finally(() => {
      releasePackMemory(pack.bytes);
      this.#slots.release();
      this.#underWay.delete(pack.name);
    });
    // Whoever relies on the pack sees a failure through `acknowledged`; unobserved it is no crash.
    upload.catch(() => undefined);
    this.#underWay.set(pack.name, upload);
  }

  /** True once the server has the pack (or it is live); false when it will not get it now. */
  async acknowledged(name: PackName): Promise<boolean> {
    const upload = this.#underWay.get(name);
    if (upload !== undefined) return upload.catch(() => false);
    const state = this.#store.pack(name)?.state;
    return state === 'uploaded' || state === 'live';
  }

  /**
   * What was given up is forgotten: its bytes are no more, and content that relied on the row would never be read
   * again. A stop leaves it to the next start.
   */
  async #upload(pack: PackToSend, signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#send(pack, signal);
    } catch (error) {
      if (!signal.aborted && this.#store.pack(pack.name)?.state === 'sealed')
        this.#store.deletePack(pack.name);
      throw error;
    }
  }

  async #send(pack: PackToSend, signal: AbortSignal): Promise<boolean> {
    const sentMs = this.#clock.monotonicMs();
    for (let attempt = 1; ; attempt += 1) {
      if (signal.aborted) return false;
      try {
        const outcome = await this.#cloud.putPack(this.#vault, pack.name, this.#body(pack.bytes), signal);
        if (outcome.kind === 'quota') {
          this.#hooks.quota(outcome);
          this.#store.deletePack(pack.name);
          return false;
        }
        if (outcome.kind === 'deleting') {
          this.#store.deletePack(pack.name);
          // Its files are sealed anew, under another name: not at once, or a server that says so of every name would
          // have us seal and send without a pause.
          const error = new CloudError('pack-deleting', 'the server is removing the pack');
          await this.#hooks.retry(error, ATTEMPTS_WORTH, signal);
          return false;
        }
        if (this.#store.pack(pack.name)?.state === 'sealed') this.#store.setPackState(pack.name, 'uploaded');
        this.#hooks.sent(pack.size, sentMs);
        return true;
      } catch (error) {
        if (!(error instanceof CloudError)) throw error;
        await this.#hooks.retry(error, attempt, signal);
      }
    }
  }
}

/**
 * Sealed packs on their way to the account: recorded in the manifest the moment they are spooled, sent with
 * a bounded number at a time, retried with back-off. A pack acknowledged is an observation a restart keeps.
 */
import type { PackName, VaultId } from '../../protocol/ids.ts';
import type { Manifest, VaultStore } from '../manifest/manifest.ts';
import { CloudError, type Cloud, type PackBody } from '../remote/cloud.ts';
import type { PackToSend } from '../transfer/sealing-jobs.ts';
import type { QuotaState } from './commit-queue.ts';
import { Semaphore } from './semaphore.ts';

/** Requests at a time; more only divides the same line among more buffers. */
const CONCURRENT_UPLOADS = 3;
/** Packs sealed but not acknowledged; sealing waits beyond it, so the spool stays small. */
const MAX_SPOOLED = 6;

/** Where spooled packs lie; the engine's own folder, not the pair's. */
export interface Spool {
  body(pack: { readonly name: PackName; readonly size: number; readonly spoolPath: string }): PackBody;
  remove(spoolPath: string): void;
}

export interface PackUploadHooks {
  quota(state: QuotaState): void;
  sent(bytes: number): void;
  /** Waits before another attempt; rejects when the engine stops or the fault is final. */
  retry(error: CloudError, attempt: number, signal: AbortSignal): Promise<void>;
}

export class PackUploads {
  readonly #vault: VaultId;
  readonly #store: VaultStore;
  readonly #manifest: Manifest;
  readonly #cloud: Cloud;
  readonly #spool: Spool;
  readonly #hooks: PackUploadHooks;
  readonly #slots = new Semaphore(CONCURRENT_UPLOADS);
  readonly #spooled = new Semaphore(MAX_SPOOLED);
  /** Uploads under way, so that a file that relies on one can wait for it. */
  readonly #underWay = new Map<PackName, Promise<boolean>>();

  constructor(vault: VaultId, manifest: Manifest, cloud: Cloud, spool: Spool, hooks: PackUploadHooks) {
    this.#vault = vault;
    this.#manifest = manifest;
    this.#store = manifest.vault(vault);
    this.#cloud = cloud;
    this.#spool = spool;
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
          state: 'spooled',
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
    await this.#spooled.acquire();
    const upload = this.#slots
      .run(() => this.#upload(pack, signal))
      .finally(() => {
        this.#spooled.release();
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

  /** The bytes came through the commit instead. */
  finishInline(pack: PackToSend): void {
    this.#spool.remove(pack.spoolPath);
  }

  async #upload(pack: PackToSend, signal: AbortSignal): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      if (signal.aborted) return false;
      try {
        const outcome = await this.#cloud.putPack(this.#vault, pack.name, this.#spool.body(pack), signal);
        if (outcome.kind === 'quota') {
          this.#hooks.quota(outcome);
          this.#forget(pack);
          return false;
        }
        if (outcome.kind === 'deleting') {
          this.#forget(pack);
          return false;
        }
        if (this.#store.pack(pack.name)?.state === 'spooled') this.#store.setPackState(pack.name, 'uploaded');
        this.#spool.remove(pack.spoolPath);
        this.#hooks.sent(pack.size);
        return true;
      } catch (error) {
        if (!(error instanceof CloudError)) throw error;
        await this.#hooks.retry(error, attempt, signal);
      }
    }
  }

  #forget(pack: PackToSend): void {
    this.#store.deletePack(pack.name);
    this.#spool.remove(pack.spoolPath);
  }
}

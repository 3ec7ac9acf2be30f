/** The vaults of the account as this device follows them: their logs read on, and stopped when they fail verification. */
import { PersonError } from '../../protocol/errors.ts';
import type { NodeId, VaultId } from '../../protocol/ids.ts';
import type { CloudEvent, ReceivedCommit } from '../../protocol/pages.ts';
import { ChainRolledBack } from '../account/chain-follow.ts';
import type { PairId } from '../manifest/manifest.ts';
import type { CloudError } from '../remote/cloud.ts';
import { packBody } from '../transfer/pack-body.ts';
import { createVaultTransfer } from '../transfer/vault-transfer.ts';
import { sealingWorkers } from '../workers/sealing-workers.ts';
import { AheadPacks, clearAhead } from './ahead-packs.ts';
import type { SyncEngineParts } from './engine-parts.ts';
import type { IssueBoard } from './issue-board.ts';
import type { IssueCode } from './issue-codes.ts';
import { LogFault } from './log-fault.ts';
import type { Claim } from './log-scope.ts';
import type { QuotaWait } from './quota-wait.ts';
import type { Traffic } from './traffic.ts';
import { VaultSync } from './vault-sync.ts';

const MOST_UPLOAD_WAIT_MS = 30_000;
/** A refusal that waiting may not mend is not asked about more often. */
const MOST_REFUSALS = 5;

export interface VaultsParts {
  readonly ports: SyncEngineParts;
  readonly issues: IssueBoard;
  readonly quota: QuotaWait;
  readonly traffic: Traffic;
  readonly signal: AbortSignal;
  readonly hooks: {
    /** Nodes of the remote tree changed. */
    readonly changed: (vault: VaultId, nodes: readonly NodeId[]) => void;
    /** The log goes back: see LogHooks. */
    readonly rewinding: (vault: VaultId, claims: ReadonlyMap<NodeId, Claim>) => () => void;
    /** Whether content moves for the vault: then its commits are gathered. */
    readonly busy: (vault: VaultId) => boolean;
    /** Whether all that comes into the vault is wanted here, now. */
    readonly wantsAll: (vault: VaultId) => boolean;
    /** A pair of the vault, which its issues are shown with. */
    readonly pairOf: (vault: VaultId) => PairId | null;
    readonly crashed: (error: unknown) => void;
  };
}

export class Vaults {
  readonly #parts: VaultsParts;
  readonly #vaults = new Map<VaultId, VaultSync>();
  readonly #ahead = new Map<VaultId, AheadPacks>();
  /** Whether an issue may stand that the server's device chain is behind: also one of the run before. */
  #mayBeBehind = true;
  #refusesChain = false;

  constructor(parts: VaultsParts) {
    this.#parts = parts;
  }

  /** Whether the server's device chain did not hold when it was last looked at: nothing moves then. */
  get refusesChain(): boolean {
    return this.#refusesChain;
  }

  all(): readonly VaultSync[] {
    return [...this.#vaults.values()];
  }

  /** Packs sealed but never acknowledged are sealed again when their files are read again. */
  forgetUnsent(): void {
    const { manifest } = this.#parts.ports;
    for (const vault of manifest.vaults()) {
      const store = manifest.vault(vault);
      for (const pack of store.packs('sealed')) store.deletePack(pack.name);
    }
  }

  /** What was fetched ahead of its files before this start. */
  clearAhead(): void {
    const { disk, ahead } = this.#parts.ports;
    clearAhead(disk, ahead);
  }

  /** A vault this device holds keys of; it is followed from now on. */
  open(vault: VaultId): VaultSync {
    const existing = this.#vaults.get(vault);
    if (existing !== undefined) return existing;
    const { ports, issues, quota, traffic, signal, hooks } = this.#parts;
    const { manifest, cloud, identity, workers, clock, random, disk } = ports;
    manifest.addVault(vault);
    const store = manifest.vault(vault);
    const received = (bytes: number): void => {
      traffic.downRate.add(bytes);
    };
    const ahead = new AheadPacks({
      vault,
      cloud,
      disk,
      folder: ports.ahead,
      clock,
      down: traffic.down,
      signal,
      isWanted: () => hooks.wantsAll(vault),
      received,
      crashed: hooks.crashed,
    });
    const sync: VaultSync = new VaultSync({
      vault,
      manifest,
      cloud,
      identity,
      clock,
      random,
      transfer: createVaultTransfer({
        vault,
        keys: () => identity.vaultKeys(vault),
        epoch: () => store.cursor().epoch,
        workers: sealingWorkers(workers),
        cloud,
        locate: (chunk) => store.locate(chunk),
        localPack: (name) => sync.log.inlinePack(name),
        aheadRange: (name, start, end) => ahead.range(name, start, end),
        down: traffic.down,
        received,
      }),
      body: (bytes) => packBody(bytes, traffic.up, signal),
      hooks: {
        changed: hooks.changed,
        faults: (id, faults) => {
          for (const { node } of faults)
            issues.raise(hooks.pairOf(id), node, 'tree-fault', sync.pathOf(node));
        },
        rewinding: hooks.rewinding,
        chainMoved: () => {
          ports.hooks.changed('status');
        },
        quota: (state) => {
          if (state === null) quota.took();
          else quota.refused(state);
        },
        isFull: () => quota.isFull,
        sent: (bytes) => {
          traffic.upRate.add(bytes);
        },
        failed: (id, error) => {
          this.#failed(id, error);
        },
        retryUpload: (error, attempt, stop) => this.#beforeRetry(error, attempt, stop),
        busy: hooks.busy,
      },
    });
    this.#ahead.set(vault, ahead);
    this.#vaults.set(vault, sync);
    return sync;
  }

  /** Chain, vaults, logs. False when what came fails verification. @throws CloudError */
  async catchUp(): Promise<boolean> {
    const { ports, issues } = this.#parts;
    try {
      await ports.identity.followChain();
      if (this.#mayBeBehind) issues.clear(null, null, 'rolled-back');
      this.#mayBeBehind = false;
      this.#refusesChain = false;
      await ports.joinVaults();
      for (const vault of this.#vaults.values()) await this.pull(vault);
      return true;
    } catch (error) {
      if (!this.#refused(error)) throw error;
      return false;
    }
  }

  /** Whether the error says that the server's device chain does not hold, or is older than one seen: an alarm. */
  #refused(error: unknown): boolean {
    if (!(error instanceof PersonError && error.code === 'verification')) return false;
    this.#mayBeBehind = true;
    this.#refusesChain = true;
    const code = error.cause instanceof ChainRolledBack ? 'rolled-back' : 'log-fault';
    this.#parts.issues.raise(null, null, code, '');
    return true;
  }

  /**
   * On the person's word that the server was restored from a backup: gives it back what it lost of the device chain,
   * looks at each log, and goes on from the older head where there is one. @throws CloudError, LogFault, PersonError
   */
  async rejoin(): Promise<void> {
    const { identity, joinVaults } = this.#parts.ports;
    await identity.giveBackChain();
    await identity.followChain();
    this.#refusesChain = false;
    await joinVaults();
    for (const vault of this.#vaults.values()) {
      if (vault.stopped === null) await this.pull(vault);
      if (vault.stopped === null) continue;
      await vault.log.rejoin();
      vault.stopped = null;
    }
  }

  async pull(vault: VaultSync): Promise<void> {
    // Another device may have taken the restored server up meanwhile; other faults wait for a person.
    if (vault.stopped !== null && !isRestoreFault(vault.stopped) && !vault.log.isVoided) return;
    const { issues, hooks } = this.#parts;
    try {
      await vault.log.pull();
      vault.stopped = null;
      for (const code of ['log-fault', 'rolled-back', 'forked'] as const)
        issues.clear(hooks.pairOf(vault.vault), null, code);
    } catch (error) {
      if (!(error instanceof LogFault)) throw error;
      this.#failed(vault.vault, error);
    }
  }

  onEvent(event: CloudEvent): void {
    const { identity, joinVaults } = this.#parts.ports;
    const failed = (error: unknown): void => {
      if (event.kind === 'commit' || event.kind === 'head') this.#failed(event.vault, error);
      else if (!this.#refused(error)) this.#parts.hooks.crashed(error);
    };
    switch (event.kind) {
      case 'commit': {
        const vault = this.#vaults.get(event.vault);
        if (vault === undefined) return;
        // A log that stopped is judged anew as a whole.
        const received = vault.stopped === null ? vault.log.receive(event.commit) : Promise.resolve('later');
        received
          .then((outcome) => {
            if (outcome === 'accepted') this.#mayBeAhead(event.vault, event.commit);
            return outcome === 'later' ? this.pull(vault) : undefined;
          })
          .catch(failed);
        return;
      }
      case 'head': {
        const vault = this.#vaults.get(event.vault);
        if (vault === undefined || event.seq <= vault.log.cursor().seq) return;
        this.pull(vault).catch(failed);
        return;
      }
      case 'chain':
        identity
          .followChain()
          .then(async () => {
            for (const vault of this.#vaults.values()) {
              vault.log.judgePacks();
              if (vault.log.isVoided) await this.pull(vault);
            }
          })
          .catch(failed);
        return;
      case 'vaults':
        joinVaults().catch(failed);
        return;
    }
  }

  /**
   * Packs without a file, from a device that is at work now: what they belong to is to come. A log that is read on
   * later has that already.
   */
  #mayBeAhead(id: VaultId, { frame: { header, entries, packs } }: ReceivedCommit): void {
    const isOwn = header.device === this.#parts.ports.identity.device;
    if (isOwn || packs.revived.length > 0 || packs.dropped.length > 0) return;
    const remote = this.#vaults.get(id)?.log.store.remote;
    if (entries.every(({ node }) => remote?.get(node)?.type === 'folder'))
      this.#ahead.get(id)?.came(packs.added);
  }

  /** A log that fails verification stops its vault until a person decides. */
  #failed(id: VaultId, error: unknown): void {
    const { signal, issues, hooks } = this.#parts;
    if (signal.aborted || this.#refused(error)) return;
    if (!(error instanceof LogFault)) {
      hooks.crashed(error);
      return;
    }
    const vault = this.#vaults.get(id);
    if (vault !== undefined) vault.stopped = error;
    const code: IssueCode =
      error.code === 'rolled-back' || error.code === 'forked' || error.code === 'copied-home'
        ? error.code
        : 'log-fault';
    issues.raise(hooks.pairOf(id), null, code, error.code);
  }

  /** A person said to try again what was stopped. */
  retryStopped(): void {
    for (const vault of this.#vaults.values()) vault.stopped = null;
  }

  async #beforeRetry(error: CloudError, attempt: number, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#parts.ports;
    const isPassing =
      error.fault === 'offline' || error.fault === 'unavailable' || error.fault === 'rate-limited';
    if (!isPassing && attempt >= MOST_REFUSALS) throw error;
    const wait = Math.min(MOST_UPLOAD_WAIT_MS, 250 * 2 ** Math.min(attempt, 10)) * (0.5 + random.fraction());
    await clock.sleep(Math.max(wait, (error.retryAfterS ?? 0) * 1000), signal);
  }
}

/** What a server restored from a backup looks like. */
function isRestoreFault(error: unknown): boolean {
  return error instanceof LogFault && (error.code === 'rolled-back' || error.code === 'forked');
}

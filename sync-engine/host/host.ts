/**
 * One engine process: owns the home's lock, serves the control API, and has at most one running device, which
 * comes with an account and the unlock key and goes with them.
 */
import { PersonError } from '../../protocol/errors.ts';
import type { BroadcastEvent } from '../../protocol/control.ts';
import { MAX_STATUS_ISSUES } from '../../protocol/control.ts';
import type { Status } from '../../protocol/control-shapes.ts';
import type { Home, HomeConfig } from '../account/home.ts';
import { OpenDevice } from '../account/open-device.ts';
import { realTools, type AccountTools } from '../account/tools.ts';
import { passphraseFromEnvironment, type UnlockWith } from '../account/unlock.ts';
import { formatServerAddress } from '../remote/server-address.ts';
import { PROGRAM_VERSION } from '../../protocol/version.ts';
import { issueText, type IssueCode } from '../engine/issue-codes.ts';
import { remotePath } from '../engine/paths.ts';
import { LAST_PROVEN, LAST_PROVEN_WITH_WORDS } from '../engine/proof-of-restore.ts';
import { RunningDevice } from './running-device.ts';
import { SettingsFile } from './settings.ts';

type EventListener = (event: BroadcastEvent) => void;

const MAX_NOTICES = 20;
const STATUS_EVERY_MS = 250;

export class Host {
  readonly home: Home;
  readonly settings: SettingsFile;
  readonly tools: AccountTools;
  readonly #startedAtMs = Date.now();
  readonly #listeners = new Set<EventListener>();
  readonly #notices: { atMs: number; code: string; message: string }[] = [];
  readonly #pending = new Set<'status' | 'issues' | 'activity'>();
  #timer: NodeJS.Timeout | null = null;
  #lastState = '';
  #lastActivity = 0;
  #running: RunningDevice | null = null;
  #config: HomeConfig | null = null;
  /** Why the device cannot run although it has an account: locked, signed out, damaged. */
  #obstacle: PersonError | null = null;
  #signedOut = false;
  /** Resolves when the process should end. */
  readonly stopped: Promise<void>;
  readonly #stop: () => void;
  readonly #onDefect: (error: unknown) => void;

  private constructor(home: Home, settings: SettingsFile, onDefect: (error: unknown) => void) {
    this.home = home;
    this.settings = settings;
    this.tools = realTools();
    this.#onDefect = onDefect;
    let stop: () => void = () => undefined;
    this.stopped = new Promise((resolve) => {
      stop = resolve;
    });
    this.#stop = stop;
  }

  /** The caller holds the home's lock. @throws PersonError */
  static async open(
    home: Home,
    environment: NodeJS.ProcessEnv,
    onDefect: (error: unknown) => void,
  ): Promise<Host> {
    const host = new Host(home, await SettingsFile.open(home), onDefect);
    const config = await home.config();
    await home.tidy();
    host.#config = config;
    if (config === null) return host;
    const passphrase = await passphraseFromEnvironment(environment);
    if (passphrase === null) {
      host.#obstacle = new PersonError(
        'locked',
        'this device is locked',
        'Run `coffre unlock` and give the password.',
      );
      return host;
    }
    try {
      await host.unlock({ kind: 'passphrase', passphrase });
    } catch (error) {
      // It stays reachable: `coffre unlock` and `coffre login` are the ways out.
      if (!(error instanceof PersonError)) throw error;
      host.#obstacle =
        error.code === 'refused'
          ? new PersonError('locked', error.message, error.hint, { cause: error })
          : error;
    }
    return host;
  }

  /** Asks the process to end in good order. */
  requestStop(): void {
    this.#stop();
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running?.stop();
    this.#running = null;
  }

  // The device.

  /** @throws PersonError not-set-up, locked, signed-out, home-damaged */
  running(): RunningDevice {
    if (this.#running !== null) return this.#running;
    if (this.#obstacle !== null) throw this.#obstacle;
    throw new PersonError(
      'not-set-up',
      'this device has no account yet',
      'Run `coffre signup` for a new account, or `coffre login` for one you have.',
    );
  }

  /** The name this device goes by, once it has one of its own. */
  ownName(): { 'device-name'?: string } {
    const config = this.#running?.device.config ?? this.#config;
    return config === null ? {} : { 'device-name': config.deviceName };
  }

  /** Whether this home belongs to a device of an account. */
  get hasAccount(): boolean {
    return this.#config !== null;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  async unlock(unlock: UnlockWith): Promise<void> {
    if (this.#running !== null) return;
    let running: RunningDevice | null = null;
    const device = await OpenDevice.open(
      this.home,
      unlock,
      {
        news: (news) => {
          running?.announce(news);
        },
        signedOut: () => {
          this.#signedOut = true;
          this.changed('status');
        },
      },
      this.tools,
    );
    running = await RunningDevice.start(this.home, device, this.settings, {
      changed: (what) => {
        this.changed(what);
      },
      signedOut: () => {
        this.#signedOut = true;
        this.changed('status');
      },
      notice: (code, message) => {
        this.notice(code, message);
      },
    });
    this.#running = running;
    this.#config = device.config;
    this.#obstacle = null;
    this.#signedOut = false;
    running.engine.failed().catch((error: unknown) => {
      this.#onDefect(error);
    });
    this.changed('status');
  }

  /** Ends the running device but keeps the process: after signing out. `leave` closes the device itself. */
  async release(leave: (running: RunningDevice) => Promise<void>): Promise<void> {
    const running = this.running();
    await running.stopSyncing();
    this.#running = null;
    this.#obstacle = null;
    await leave(running);
    this.#config = await this.home.config();
    this.changed('status');
  }

  /** The session is good again. */
  signedIn(): void {
    this.#signedOut = false;
    this.#running?.engine.nudge();
    this.changed('status');
  }

  // What a person sees.

  notice(code: string, message: string): void {
    this.#notices.unshift({ atMs: Date.now(), code, message });
    this.#notices.splice(MAX_NOTICES);
    this.changed('status');
  }

  #state(): Status['state'] {
    if (this.#running === null) return this.#obstacle?.code === 'locked' ? 'locked' : 'signed-out';
    if (this.#signedOut) return 'signed-out';
    return this.#running.engine.state();
  }

  status(): Status {
    const running = this.#running;
    const config = running?.device.config ?? this.#config;
    const engine = running?.engine;
    const issues = engine?.issues() ?? [];
    const account = running?.account ?? null;
    const quotaState = engine?.quotaState ?? null;
    return {
      state: this.#state(),
      pending: engine?.pending() ?? { files: 0, bytes: 0 },
      secondsLeft: engine?.secondsLeft() ?? null,
      pausedUntilMs: engine?.pausedUntilMs ?? null,
      transfer: {
        upBytesPerSecond: Math.round(engine?.traffic.upRate.perSecond() ?? 0),
        downBytesPerSecond: Math.round(engine?.traffic.downRate.perSecond() ?? 0),
      },
      quota: {
        usedBytes: account?.quota.usedBytes ?? quotaState?.usedBytes ?? 0,
        limitBytes: account?.quota.limitBytes ?? quotaState?.limitBytes ?? 0,
        liveBytes: account?.quota.liveBytes,
        retainedBytes: account?.quota.retainedBytes,
        trashBytes: running?.trashBytes ?? undefined,
      },
      issues: issues.slice(0, MAX_STATUS_ISSUES).map(issueOf),
      issueCount: issues.length,
      pairs: running?.pairs.map((record) => this.pairOf(running, record.config.id)) ?? [],
      account:
        config === null
          ? null
          : {
              email: config.email,
              server: formatServerAddress(config.server),
              device: config.device,
              deviceName: config.deviceName,
            },
      lastProvenRestorableMs: timeOf(running?.manifest.meta(LAST_PROVEN)),
      lastProvenWithWordsMs: timeOf(running?.manifest.meta(LAST_PROVEN_WITH_WORDS)),
      notices: [...this.#notices],
      engine: { version: PROGRAM_VERSION, pid: process.pid, startedAtMs: this.#startedAtMs },
      counters: engine?.counters() ?? {},
    };
  }

  pairOf(running: RunningDevice, id: string): Status['pairs'][number] {
    const record = running.pairs.find((candidate) => candidate.config.id === id);
    if (record === undefined)
      throw new PersonError('not-found', `there is no pair ${id}`, 'List them with `coffre pair list`.');
    const sync = running.engine.pair(id);
    const { bound } = record.config;
    const store = sync?.vault.log.store;
    return {
      id,
      folder: record.config.folder,
      vault: sync?.vault.name() ?? '',
      seq: store?.cursor().seq ?? 0,
      path: store === undefined ? '/' : (remotePath(store.remote, bound)?.path ?? '/'),
      paused:
        sync?.paused === undefined || sync.paused === null
          ? null
          : issueText(sync.paused as IssueCode).reason,
    };
  }

  onEvent(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  changed(what: 'status' | 'issues' | 'activity'): void {
    this.#pending.add(what);
    if (this.#listeners.size === 0) return;
    this.#timer ??= setTimeout(() => {
      this.#tell();
    }, STATUS_EVERY_MS);
    // A state that changed is told at once.
    if (what === 'status' && this.#state() !== this.#lastState) this.#tell();
  }

  #tell(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const pending = new Set(this.#pending);
    this.#pending.clear();
    this.#lastState = this.#state();
    const send = (event: BroadcastEvent): void => {
      for (const listener of this.#listeners) listener(event);
    };
    if (pending.has('issues')) {
      const issues = this.#running?.engine.issues() ?? [];
      send({
        event: 'issues',
        data: { issues: issues.slice(0, MAX_STATUS_ISSUES).map(issueOf), issueCount: issues.length },
      });
    }
    if (pending.has('activity') && this.#running !== null) {
      const rows = [...this.#running.manifest.activity(200, this.#lastActivity)].reverse();
      const last = rows.at(-1);
      if (last !== undefined) this.#lastActivity = last.id;
      send({ event: 'activity', data: { rows } });
    }
    send({ event: 'status', data: this.status() });
  }
}

function timeOf(meta: string | null | undefined): number | null {
  return meta === null || meta === undefined ? null : Number(meta);
}

export function issueOf(row: {
  readonly id: number;
  readonly code: string;
  readonly path: string;
  readonly reason: string;
  readonly ways: readonly string[];
  readonly pair: string | null;
  readonly sinceMs: number;
}): Status['issues'][number] {
  const { id, code, path, reason, ways, pair, sinceMs } = row;
  return { id, code, path, reason, ways: [...ways], pair, sinceMs };
}

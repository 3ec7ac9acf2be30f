/**
 * When the person is told something although they look elsewhere: only when they must act, once for each cause,
 * and many causes of one kind together. A click leads to the exact place.
 */
import type { AppEventData, EngineProcess } from '../protocol/app.ts';
import type { Status } from '../protocol/control-shapes.ts';
import type { Translate } from './texts.ts';

type Destination = AppEventData<'navigate'>;

export interface Notice {
  /** A newer notice of the same kind takes the place of the older one. */
  readonly kind: 'issues' | 'quota' | 'locked' | 'signed-out' | 'device' | 'engine';
  readonly title: string;
  readonly body: string;
  readonly destination: Destination;
}

type Issue = Status['issues'][number];

/** Informs of something else already told, or asks for nothing. */
const SILENT: ReadonlySet<string> = new Set([
  'changing',
  'in-the-way',
  'watch-limit',
  'manifest-rebuilt',
  'quota',
]);
const DEVICE_CODES: ReadonlySet<string> = new Set([
  'device-added',
  'device-revoked',
  'recovered',
  'password-changed',
]);
const LONGEST_NAME = 60;

export class NoticeModel {
  readonly #text: Translate;
  readonly #issueText: (issue: Issue) => string;
  readonly #toldIssues = new Set<number>();
  #toldDeviceMs = 0;
  /** When the person last looked at the window. */
  #seenDeviceMs = 0;
  #state: Status['state'] | null = null;
  #hadAccount = false;
  #engineFailed = false;

  constructor(text: Translate, issueText: (issue: Issue) => string) {
    this.#text = text;
    this.#issueText = issueText;
  }

  /** Null when the engine is well. */
  engineChanged({ state, error }: EngineProcess): Notice | null {
    const failed = state === 'failed';
    const isNew = failed && !this.#engineFailed;
    this.#engineFailed = failed || (this.#engineFailed && state !== 'running');
    if (!isNew) return null;
    const body = error === null ? '' : `${error.message}. ${error.hint}`;
    return this.#notice('engine', this.#text('notice.engineTitle'), body, {});
  }

  /** What is new since the last status. */
  statusChanged(status: Status): Notice[] {
    const found = [this.#onState(status), this.#onIssues(status), this.#onDevices(status)];
    this.#state = status.state;
    this.#hadAccount = status.account !== null;
    return found.filter((notice) => notice !== null);
  }

  hasDeviceNews(status: Status | null): boolean {
    return newestDeviceMs(status) > this.#seenDeviceMs;
  }

  /** The window is in front: what it shows need not be told again. */
  seen(status: Status | null): void {
    this.#seenDeviceMs = Math.max(this.#seenDeviceMs, newestDeviceMs(status));
    this.#toldDeviceMs = Math.max(this.#toldDeviceMs, this.#seenDeviceMs);
    for (const issue of status?.issues ?? []) this.#toldIssues.add(issue.id);
  }

  #onState({ state, account }: Status): Notice | null {
    if (state === this.#state) return null;
    if (state === 'quota') {
      return this.#notice('quota', this.#text('notice.quotaTitle'), this.#text('notice.quotaBody'), {});
    }
    if (state === 'locked') {
      return this.#notice('locked', this.#text('notice.lockedTitle'), this.#text('notice.lockedBody'), {});
    }
    // Signing out by one's own hand forgets the account; this is the server's doing.
    if (state === 'signed-out' && account !== null && this.#hadAccount) {
      const [title, body] = [this.#text('notice.signedOutTitle'), this.#text('notice.signedOutBody')];
      return this.#notice('signed-out', title, body, {});
    }
    return null;
  }

  #onIssues({ issues, issueCount }: Status): Notice | null {
    const standing = new Set(issues.map((issue) => issue.id));
    // Beyond what a status carries an issue may stand unseen: it is not forgotten then.
    if (issueCount === issues.length) {
      for (const id of this.#toldIssues) if (!standing.has(id)) this.#toldIssues.delete(id);
    }
    const fresh = issues.filter((issue) => !this.#toldIssues.has(issue.id));
    for (const issue of fresh) this.#toldIssues.add(issue.id);
    const told = fresh.filter((issue) => !SILENT.has(issue.code));
    const [first, ...others] = told;
    if (first === undefined) return null;
    const line = [nameOf(first.path), this.#issueText(first)].filter((part) => part !== '').join(': ');
    const body =
      others.length === 0 ? line : this.#text('notice.issuesMore', { first: line, count: others.length });
    const title = this.#text('notice.issuesTitle', { count: told.length });
    return this.#notice('issues', title, body, { issue: first.id });
  }

  #onDevices(status: Status): Notice | null {
    const newestMs = newestDeviceMs(status);
    if (newestMs <= this.#toldDeviceMs) return null;
    this.#toldDeviceMs = newestMs;
    const [title, body] = [this.#text('notice.deviceTitle'), this.#text('notice.deviceBody')];
    return this.#notice('device', title, body, { view: 'settings', page: 'devices' });
  }

  #notice(kind: Notice['kind'], title: string, body: string, destination: Partial<Destination>): Notice {
    return { kind, title, body, destination: { view: 'status', page: null, issue: null, ...destination } };
  }
}

function newestDeviceMs(status: Status | null): number {
  const times = (status?.notices ?? []).filter(({ code }) => DEVICE_CODES.has(code)).map(({ atMs }) => atMs);
  return Math.max(0, ...times);
}

function nameOf(path: string): string {
  const name = path.split('/').at(-1) ?? '';
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name;
}

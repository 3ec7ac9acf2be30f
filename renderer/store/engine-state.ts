/** What the window knows, as a value, and how each event changes it. Pure: engine-store.ts owns the time. */
import type { AppEventData, AppInfo } from '../../protocol/app.ts';
import type { ControlError } from '../../protocol/control.ts';
import type { ActivityRow, Status } from '../../protocol/control-shapes.ts';

export type Issue = Status['issues'][number];
/** Where the window is: a view, a page of it, and the issue that a notification was about. */
export type Place = AppEventData<'navigate'>;

/** Rows kept in memory; older ones are asked for again when somebody scrolls there. */
export const MAX_ACTIVITY_ROWS = 10_000;

interface ActivityLog {
  /** Newest first, each id once. */
  readonly rows: readonly ActivityRow[];
  /** For the next older page; null at the end; undefined before the first page came. */
  readonly olderCursor: string | null | undefined;
  readonly isLoading: boolean;
  readonly error: ControlError | null;
}

export interface EngineState {
  readonly app: AppInfo | null;
  /** Why the app itself did not answer; there is then nothing to show but this. */
  readonly appError: ControlError | null;
  readonly status: Status | null;
  readonly statusError: ControlError | null;
  /** Whose device this was until a moment ago: signing in again begins with it. */
  readonly formerAccount: Status['account'];
  /** All of them, the status' first hundred until the rest has been read. */
  readonly issues: readonly Issue[];
  readonly issueCount: number;
  readonly activity: ActivityLog;
  readonly place: Place;
}

export const initialState: EngineState = {
  app: null,
  appError: null,
  status: null,
  statusError: null,
  formerAccount: null,
  issues: [],
  issueCount: 0,
  activity: { rows: [], olderCursor: undefined, isLoading: false, error: null },
  place: { view: 'status', page: null, issue: null },
};

export type StateChange =
  | { readonly kind: 'app'; readonly app: AppInfo }
  | { readonly kind: 'app-failed'; readonly error: ControlError }
  | { readonly kind: 'engine'; readonly engine: AppInfo['engine'] }
  | {
      readonly kind: 'settings';
      readonly settings: AppInfo['settings'];
      readonly language: AppInfo['language'];
    }
  | { readonly kind: 'update'; readonly update: AppInfo['update'] }
  | { readonly kind: 'status'; readonly status: Status }
  | { readonly kind: 'status-failed'; readonly error: ControlError }
  | { readonly kind: 'issues'; readonly issues: readonly Issue[]; readonly issueCount: number }
  | { readonly kind: 'activity'; readonly rows: readonly ActivityRow[] }
  | { readonly kind: 'activity-loading' }
  | {
      readonly kind: 'activity-page';
      readonly rows: readonly ActivityRow[];
      readonly nextCursor: string | null;
    }
  | { readonly kind: 'activity-failed'; readonly error: ControlError }
  | { readonly kind: 'place'; readonly place: Place };

export function reduce(state: EngineState, change: StateChange): EngineState {
  switch (change.kind) {
    case 'app':
      return { ...state, app: change.app, appError: null };
    case 'app-failed':
      return { ...state, appError: change.error };
    case 'engine':
      return withApp(state, { engine: change.engine });
    case 'settings':
      return withApp(state, { settings: change.settings, language: change.language });
    case 'update':
      return withApp(state, { update: change.update });
    case 'status':
      return withStatus(state, change.status);
    case 'status-failed':
      return { ...state, statusError: change.error };
    case 'issues':
      return { ...state, issues: change.issues, issueCount: change.issueCount };
    case 'activity':
      return withActivity(state, { rows: mergeNewer(state.activity.rows, change.rows) });
    case 'activity-loading':
      return withActivity(state, { isLoading: true, error: null });
    case 'activity-page':
      return withActivity(state, {
        rows: appendOlder(state.activity.rows, change.rows),
        olderCursor: change.nextCursor,
        isLoading: false,
      });
    case 'activity-failed':
      return withActivity(state, { isLoading: false, error: change.error });
    case 'place':
      return { ...state, place: change.place };
  }
}

function withApp(state: EngineState, part: Partial<AppInfo>): EngineState {
  return state.app === null ? state : { ...state, app: { ...state.app, ...part } };
}

function withActivity(state: EngineState, part: Partial<ActivityLog>): EngineState {
  return { ...state, activity: { ...state.activity, ...part } };
}

/** A status carries the first issues only: it replaces a longer list when it tells of another number of them. */
function withStatus(state: EngineState, status: Status): EngineState {
  const isWhole = status.issues.length === status.issueCount;
  const issues = isWhole || state.issues.length < status.issues.length ? status.issues : state.issues;
  return {
    ...state,
    status,
    statusError: null,
    formerAccount: status.account ?? state.status?.account ?? state.formerAccount,
    issues,
    issueCount: status.issueCount,
  };
}

/** Events come oldest first and may repeat what a page already held. */
function mergeNewer(rows: readonly ActivityRow[], more: readonly ActivityRow[]): readonly ActivityRow[] {
  const newest = rows[0]?.id ?? -1;
  const fresh = more.filter((row) => row.id > newest).sort((a, b) => b.id - a.id);
  if (fresh.length === 0) return rows;
  return fresh.concat(rows).slice(0, MAX_ACTIVITY_ROWS);
}

function appendOlder(rows: readonly ActivityRow[], older: readonly ActivityRow[]): readonly ActivityRow[] {
  const last = rows.at(-1)?.id ?? Number.POSITIVE_INFINITY;
  return rows.concat(older.filter((row) => row.id < last)).slice(0, MAX_ACTIVITY_ROWS);
}

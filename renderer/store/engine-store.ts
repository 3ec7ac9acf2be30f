/**
 * One subscription for the whole window. Events are gathered and applied together, so that ten thousand
 * synced files cost the window a few renders a second and not one a file.
 */
import { app, engine, onAppEvent, toCallError, type AppEvent } from '../bridge/bridge.ts';
import type { ActivityRow } from '../../protocol/control-shapes.ts';
import {
  initialState,
  MAX_ACTIVITY_ROWS,
  reduce,
  type EngineState,
  type Issue,
  type Place,
  type StateChange,
} from './engine-state.ts';

/** Long enough to spare the window, short enough to look immediate. */
const GATHER_MS = 200;
const PAGE = 200;
/** More issues than this are one fault seen many times; the list says that there are more. */
const MAX_ISSUES = 1000;

let state = initialState;
const listeners = new Set<() => void>();
let waitingRows: ActivityRow[] = [];
let waiting: StateChange[] = [];
let timer: number | undefined;
let isReadingIssues = false;

export function getState(): EngineState {
  return state;
}

export function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function change(...changes: StateChange[]): void {
  const before = state;
  state = changes.reduce(reduce, state);
  if (state !== before) for (const listener of listeners) listener();
}

/** Starts listening and reads what is there. Called once, by main.tsx. */
export function startStore(): void {
  onAppEvent(hear);
  void readApp();
}

/** Reads the app's information again, and the engine's state with it. */
export async function readApp(): Promise<void> {
  try {
    const info = await app.call('app.info', {});
    change({ kind: 'app', app: info });
    if (info.engine.state === 'running') await readStatus();
  } catch (error) {
    change({ kind: 'app-failed', error: toCallError(error) });
  }
}

export async function readStatus(): Promise<void> {
  try {
    change({ kind: 'status', status: await engine.call('status', {}) });
  } catch (error) {
    change({ kind: 'status-failed', error: toCallError(error) });
    return;
  }
  await Promise.all([
    readIssues(),
    state.activity.olderCursor === undefined ? readOlderActivity() : undefined,
  ]);
}

function hear(event: AppEvent): void {
  switch (event.event) {
    case 'activity':
      waitingRows.push(...event.data.rows);
      if (waitingRows.length > MAX_ACTIVITY_ROWS) waitingRows = waitingRows.slice(-MAX_ACTIVITY_ROWS);
      {
        gather();
        return;
      }
    case 'status':
      // A new state is news; figures can wait.
      if (event.data.state !== state.status?.state) {
        change({ kind: 'status', status: event.data });
        return;
      }
      waiting = waiting.filter((one) => one.kind !== 'status');
      waiting.push({ kind: 'status', status: event.data });
      {
        gather();
        return;
      }
    case 'issues':
      change({ kind: 'issues', issues: event.data.issues, issueCount: event.data.issueCount });
      if (event.data.issues.length < event.data.issueCount) void readIssues();
      return;
    case 'engine':
      change({ kind: 'engine', engine: event.data });
      if (event.data.state === 'running') void readStatus();
      return;
    case 'settings':
      // The language in force is the app's to say.
      void app.call('app.info', {}).then(
        (info) => change({ kind: 'settings', settings: info.settings, language: info.language }),
        () => undefined,
      );
      return;
    case 'update': {
      change({ kind: 'update', update: event.data });
      return;
    }
    case 'navigate': {
      change({ kind: 'place', place: event.data });
      return;
    }
    case 'progress':
      return;
  }
}

function gather(): void {
  timer ??= window.setTimeout(() => {
    timer = undefined;
    const changes = waiting;
    if (waitingRows.length > 0) changes.push({ kind: 'activity', rows: waitingRows });
    waiting = [];
    waitingRows = [];
    change(...changes);
  }, GATHER_MS);
}

export function goTo(view: Place['view'], page: string | null = null): void {
  change({ kind: 'place', place: { view, page, issue: null } });
}

/** The next older page of the activity; does nothing at the end or while one is under way. */
export async function readOlderActivity(): Promise<void> {
  const { olderCursor, isLoading, rows } = state.activity;
  if (isLoading || olderCursor === null || rows.length >= MAX_ACTIVITY_ROWS) return;
  change({ kind: 'activity-loading' });
  try {
    const page = await engine.call('activity.list', { limit: PAGE, cursor: olderCursor ?? null });
    change({ kind: 'activity-page', rows: page.rows, nextCursor: page.nextCursor });
  } catch (error) {
    change({ kind: 'activity-failed', error: toCallError(error) });
  }
}

/** All issues, beyond what a status carries. */
async function readIssues(): Promise<void> {
  if (isReadingIssues || state.issues.length >= Math.min(state.issueCount, MAX_ISSUES)) return;
  isReadingIssues = true;
  try {
    const issues: Issue[] = [];
    let cursor: string | null = null;
    do {
      const page: { issues: Issue[]; nextCursor: string | null } = await engine.call('issues.list', {
        limit: PAGE,
        cursor,
      });
      issues.push(...page.issues);
      cursor = page.nextCursor;
    } while (cursor !== null && issues.length < MAX_ISSUES);
    change({
      kind: 'issues',
      issues,
      issueCount: Math.max(issues.length, cursor === null ? 0 : state.issueCount),
    });
  } catch {
    // The first hundred stay; the next event asks again.
  } finally {
    isReadingIssues = false;
  }
}

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BroadcastEvent } from '../protocol/control.ts';
import { statusOf } from '../test/fakes/scripted-facade.ts';
import { EventRelay } from './event-relay.ts';
import { RecentFiles } from './recent-files.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const row = (id: number, path = `f${id}`, action = 'upload') => ({
  id,
  atMs: 0,
  pair: 'aa11',
  path,
  action,
  reason: 'created-here',
  bytes: 1,
});

describe('the relay of events', () => {
  it('passes 10,000 files on in a few events with the newest in them', () => {
    const sent: BroadcastEvent[] = [];
    const relay = new EventRelay((event) => sent.push(event));
    for (let id = 1; id <= 10_000; id += 1) {
      relay.push({ event: 'activity', data: { rows: [row(id)] } });
      relay.push({
        event: 'status',
        data: statusOf({ state: 'syncing', pending: { files: 10_000 - id, bytes: 0 } }),
      });
    }
    vi.advanceTimersByTime(300);
    expect(sent.length).toBeLessThan(6);
    const rows = sent.flatMap((event) => (event.event === 'activity' ? event.data.rows : []));
    expect(rows.at(-1)?.id).toBe(10_000);
    const last = sent.at(-1)!;
    expect(last.event === 'status' && last.data.pending.files).toBe(0);
  });

  it('tells another state at once', () => {
    const sent: string[] = [];
    const relay = new EventRelay((event) =>
      sent.push(event.event === 'status' ? event.data.state : event.event),
    );
    relay.push({ event: 'status', data: statusOf({ state: 'syncing' }) });
    relay.push({ event: 'status', data: statusOf({ state: 'syncing' }) });
    relay.push({ event: 'status', data: statusOf({ state: 'idle' }) });
    expect(sent).toEqual(['syncing', 'idle']);
  });
});

describe('recent files', () => {
  it('are the newest that are there, each once', () => {
    const files = new RecentFiles();
    files.add([row(1, 'a/x.txt'), row(2, 'y.txt', 'trash'), row(3, 'z.txt', 'download')]);
    files.add([row(4, 'a/x.txt'), row(3, 'z.txt', 'download')]);
    expect(files.list(statusOf().pairs)).toEqual([
      { name: 'x.txt', path: '/home/ann/Coffre/a/x.txt' },
      { name: 'z.txt', path: '/home/ann/Coffre/z.txt' },
    ]);
    expect(files.list([])).toEqual([]);
    files.clear();
    expect(files.list(statusOf().pairs)).toEqual([]);
  });
});

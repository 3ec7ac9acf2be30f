import { describe, expect, it } from 'vitest';
import type { Status } from '../protocol/control-shapes.ts';
import { statusOf } from '../test/fakes/scripted-facade.ts';
import { NoticeModel } from './notice-model.ts';
import { Texts } from './texts.ts';

const model = () => new NoticeModel(new Texts('en').text, (issue) => issue.reason);
const issue = (id: number, code = 'permission'): Status['issues'][number] => ({
  id,
  code,
  path: `/a/f${id}.txt`,
  reason: `reason ${id}`,
  ways: ['retry'],
  pair: 'aa11',
  sinceMs: 0,
});
const withIssues = (...issues: Status['issues']) =>
  statusOf({ state: issues.length > 0 ? 'attention' : 'idle', issues, issueCount: issues.length });

describe('notices', () => {
  it('tell issues together, each once, and lead to the first', () => {
    const notices = model();
    const [first] = notices.statusChanged(withIssues(issue(1)));
    expect(first).toMatchObject({
      kind: 'issues',
      body: 'f1.txt: reason 1',
      destination: { view: 'status', issue: 1 },
    });
    expect(notices.statusChanged(withIssues(issue(1)))).toEqual([]);
    const [more] = notices.statusChanged(withIssues(issue(1), issue(2), issue(3), issue(4)));
    expect(more).toMatchObject({
      title: '3 files need your attention',
      body: 'f2.txt: reason 2, and 2 more',
      destination: { issue: 2 },
    });
    expect(notices.statusChanged(statusOf())).toEqual([]);
    expect(notices.statusChanged(withIssues(issue(1)))).toHaveLength(1);
  });

  it('are silent about what asks for nothing, and about what was seen in the window', () => {
    const notices = model();
    expect(notices.statusChanged(withIssues(issue(1, 'changing')))).toEqual([]);
    notices.seen(withIssues(issue(2)));
    expect(notices.statusChanged(withIssues(issue(2)))).toEqual([]);
  });

  it('tell a full storage, a lock and a session that was ended once', () => {
    const notices = model();
    expect(notices.statusChanged(statusOf({ state: 'quota' }))).toMatchObject([{ kind: 'quota' }]);
    expect(notices.statusChanged(statusOf({ state: 'quota' }))).toEqual([]);
    expect(notices.statusChanged(statusOf({ state: 'locked' }))).toMatchObject([{ kind: 'locked' }]);
    expect(notices.statusChanged(statusOf({ state: 'signed-out' }))).toMatchObject([{ kind: 'signed-out' }]);
    expect(notices.statusChanged(statusOf({ state: 'signed-out', account: null }))).toEqual([]);
    expect(model().statusChanged(statusOf({ state: 'signed-out', account: null }))).toEqual([]);
  });

  it('tell a new device, and keep it as news until the window was in front', () => {
    const notices = model();
    const status = statusOf({ notices: [{ atMs: 5, code: 'device-added', message: '' }] });
    const [notice] = notices.statusChanged(status);
    expect(notice).toMatchObject({ kind: 'device', destination: { view: 'settings', page: 'devices' } });
    expect(notices.statusChanged(status)).toEqual([]);
    expect(notices.hasDeviceNews(status)).toBe(true);
    notices.seen(status);
    expect(notices.hasDeviceNews(status)).toBe(false);
  });

  it('tell once that the engine failed, until it ran again', () => {
    const notices = model();
    const failed = {
      state: 'failed',
      error: { code: 'failed', message: 'it broke', hint: 'Mend it.' },
    } as const;
    expect(notices.engineChanged({ state: 'starting', error: null })).toBeNull();
    expect(notices.engineChanged(failed)).toMatchObject({ kind: 'engine', body: 'it broke. Mend it.' });
    expect(notices.engineChanged({ state: 'starting', error: null })).toBeNull();
    expect(notices.engineChanged(failed)).toBeNull();
    expect(notices.engineChanged({ state: 'running', error: null })).toBeNull();
    expect(notices.engineChanged(failed)).not.toBeNull();
  });
});

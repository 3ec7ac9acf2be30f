import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { statusOf } from '../test/fakes/scripted-facade.ts';
import { Texts } from './texts.ts';
import { trayIconFile, trayIcons } from './tray-icons.ts';
import { shown, trayModel, type TrayFacts, type TrayItem } from './tray-model.ts';
import { engineStates } from '../protocol/control-shapes.ts';

const english = new Texts('en').text;
const facts = (part: Partial<TrayFacts> = {}): TrayFacts => ({
  status: statusOf(),
  engine: { state: 'running', error: null },
  update: { state: 'off', version: null, message: null },
  recent: [],
  hasDeviceNews: false,
  ...part,
});
const labels = (items: readonly TrayItem[]): string[] =>
  items.flatMap((item) => {
    if (item.kind === 'separator') return [];
    return item.kind === 'menu' ? [item.label, ...labels(item.items)] : [item.label];
  });

describe('the tray', () => {
  it.each(engineStates)('has an icon and words for %s', (state) => {
    for (const language of ['en', 'fr'] as const) {
      const model = trayModel(
        facts({ status: statusOf({ state, issueCount: 2 }) }),
        new Texts(language).text,
      );
      expect(model.icon).toBe(state);
      expect(model.tooltip).toMatch(/^Coffre – .{6,}/);
      expect(model.tooltip).not.toContain('state.');
      expect(labels(model.items).join()).not.toMatch(/menu\.|pause\.|\{\{/);
    }
  });

  it('has a picture for each icon and panel', () => {
    for (const icon of trayIcons) {
      for (const platform of ['linux', 'darwin', 'win32'] as const) {
        for (const isDark of [true, false]) {
          const file = trayIconFile(icon, platform, isDark);
          expect(existsSync(fileURLToPath(new URL(`assets/tray/${file}`, import.meta.url))), file).toBe(true);
        }
      }
    }
  });

  it('says that the engine failed before all else, and that devices changed before that all is well', () => {
    const failed = trayModel(
      facts({ engine: { state: 'failed', error: null }, hasDeviceNews: true }),
      english,
    );
    expect(failed.icon).toBe('failed');
    expect(labels(failed.items)).toContain('Start syncing again');
    expect(trayModel(facts({ hasDeviceNews: true }), english).icon).toBe('notice');
    const offline = facts({ hasDeviceNews: true, status: statusOf({ state: 'offline' }) });
    expect(trayModel(offline, english).icon).toBe('offline');
    expect(labels(trayModel(offline, english).items)).toContain('Look at your devices …');
    expect(trayModel(facts({ status: null }), english).tooltip).toBe('Coffre – Starting …');
  });

  it('has every action in its menu', () => {
    const recent = [{ name: 'a & b.txt', path: '/home/ann/Coffre/a & b.txt' }];
    const status = statusOf({ state: 'syncing', pending: { files: 3, bytes: 1 }, issueCount: 1 });
    expect(labels(trayModel(facts({ recent, status }), english).items)).toEqual([
      'Syncing 3 files',
      '1 issue …',
      'Open Coffre',
      'Open folder',
      'Recent files',
      'a && b.txt',
      'Open',
      'Show in folder',
      'Pause',
      'For 1 hour',
      'Until tomorrow',
      'Until resumed',
      'Settings …',
      'Quit Coffre',
    ]);
    const paused = labels(trayModel(facts({ status: statusOf({ state: 'paused' }) }), english).items);
    expect(paused).toContain('Resume');
    expect(paused).not.toContain('Pause');
  });

  it('offers neither pause nor folders before there is an account', () => {
    const status = statusOf({ state: 'signed-out', account: null, pairs: [] });
    expect(labels(trayModel(facts({ status }), english).items)).toEqual([
      'Not set up yet',
      'Sign in …',
      'Open Coffre',
      'Settings …',
      'Quit Coffre',
    ]);
  });

  it('shows names that cannot deceive', () => {
    expect(shown('photo\u202egpj.exe')).toBe('photo�gpj.exe');
    expect(shown('x'.repeat(300)).length).toBeLessThanOrEqual(60);
  });
});

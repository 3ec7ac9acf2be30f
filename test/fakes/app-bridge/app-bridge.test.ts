import { expect, test } from 'vitest';
import { appMethods } from '../../../protocol/app.ts';
import { controlMethods } from '../../../protocol/control.ts';
import { makeWorld, scenarios } from './scenarios.ts';
import { ScriptedBridge } from './scripted-bridge.ts';

/** What each method needs; the rest is asked with nothing. */
const PARAMS: Readonly<Record<string, unknown>> = {
  'config.get': { key: 'upload-limit' },
  'config.set': { key: 'upload-limit', value: 5 },
  'ignore.test': { path: '/home/claire/Coffre/a.tmp' },
  'issues.removals': { id: 1 },
  'issues.resolve': { id: 1, way: 'retry' },
  'link.open': { link: 'help' },
  'pairs.add': { folder: '/home/claire/Pictures' },
  'pairs.remove': { id: 'pair-files' },
  'trash.restore': { item: 't-1' },
  'ignore.preview': { pair: 'pair-files', text: '*.bak' },
  'ignore.rules': { pair: 'pair-files' },
  'ignore.setRules': { pair: 'pair-files', text: '*.bak' },
  restore: { path: '/' },
  select: { path: '/', on: false },
  versions: { path: '/' },
};

test.each(scenarios)('the answers of "%s" are what the protocol allows', async (scenario) => {
  const bridge = new ScriptedBridge(makeWorld(scenario));
  const answered: string[] = [];
  const ask = async (to: 'app' | 'engine', method: string): Promise<void> => {
    const params = PARAMS[method] ?? {};
    const schema = (to === 'app' ? appMethods : controlMethods) as Record<
      string,
      { params: { safeParse(v: unknown): { success: boolean } } }
    >;
    if (to === 'engine' && bridge.world.trouble['*'] === 'never') return;
    if (schema[method]?.params.safeParse(params).success !== true) return;
    const answer = await bridge.request({ to, request: 1, method, params });
    if (typeof answer === 'object' && answer !== null && 'result' in answer) answered.push(method);
  };
  for (const method of Object.keys(appMethods)) await ask('app', method);
  for (const method of Object.keys(controlMethods)) await ask('engine', method);
  expect(bridge.faults).toEqual([]);
  expect(answered.length).toBeGreaterThan(8);
});

test('a call that the protocol does not allow is a fault', async () => {
  const bridge = new ScriptedBridge(makeWorld('ordinary'));
  await bridge.request({ to: 'engine', request: 1, method: 'ls', params: { path: 7 } });
  await bridge.request({ to: 'engine', request: 2, method: 'no-such', params: {} });
  expect(bridge.faults).toHaveLength(2);
});

test('a fixture that the protocol does not allow is a fault', async () => {
  const bridge = new ScriptedBridge(makeWorld('ordinary'));
  Object.assign(bridge.world.quota, { usedBytes: 'much' });
  await bridge.request({ to: 'engine', request: 1, method: 'quota', params: {} });
  expect(bridge.faults).toHaveLength(1);
});

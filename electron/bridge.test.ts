import { describe, expect, it, vi } from 'vitest';
import type { BridgeAnswer } from '../protocol/app.ts';
import type { ControlMethod } from '../protocol/control.ts';
import { PersonError } from '../protocol/errors.ts';
import type { CallOptions } from '../sync-engine/client/client.ts';
import { statusOf } from '../test/fakes/scripted-facade.ts';
import { Bridge, type AppHandlers, type BridgeParts } from './bridge.ts';
import type { EngineLink } from './engine-link.ts';

interface Call {
  readonly method: ControlMethod;
  readonly params: Record<string, unknown>;
  readonly options: CallOptions;
}

function bridgeOf(answer: (call: Call) => unknown, part: Partial<BridgeParts> = {}) {
  const calls: Call[] = [];
  const progress: unknown[] = [];
  const defects: unknown[] = [];
  const call = async (method: ControlMethod, params: Record<string, unknown>, options: CallOptions) => {
    const made = { method, params, options };
    calls.push(made);
    return answer(made);
  };
  const bridge = new Bridge({
    engine: { call } as unknown as Pick<EngineLink, 'call'>,
    handlers: {
      'link.open': () => ({}),
      'server.local': () => {
        throw new Error('secret detail');
      },
    } as unknown as AppHandlers,
    keyForEnrolment: async () => 'the-key',
    done: async () => undefined,
    sendProgress: (event) => progress.push(event),
    onDefect: (error) => defects.push(error),
    ...part,
  });
  return { bridge, calls, progress, defects };
}
const code = (answer: BridgeAnswer) => ('error' in answer ? answer.error.code : null);
const enrol = { server: 'https://x', email: 'a@example.org', password: 'p', folder: '/f' };

describe('the bridge', () => {
  it('relays known methods with checked parameters and answers with what the engine says', async () => {
    const { bridge, calls } = bridgeOf(() => statusOf());
    const answer = await bridge.answer({ to: 'engine', request: 1, method: 'status', params: {} });
    expect(answer).toMatchObject({ result: { state: 'idle' } });
    const bad = await bridge.answer({ to: 'engine', request: 2, method: 'unlock', params: { password: 5 } });
    expect(code(bad)).toBe('bad-input');
    expect(calls).toHaveLength(1);
  });

  it.each([
    [{ to: 'engine', request: 1, method: 'stop', params: {} }],
    [{ to: 'engine', request: 1, method: 'hello', params: { version: 1 } }],
    [{ to: 'engine', request: 1, method: 'subscribe', params: { events: [] } }],
    [{ to: 'engine', request: 1, method: 'toString', params: {} }],
    [{ to: 'app', request: 1, method: '__proto__', params: {} }],
    [{ to: 'app', request: 1, method: 'link.open', params: { link: 'https://evil.example' } }],
    [{ to: 'system', request: 1, method: 'status', params: {} }],
    [{ to: 'engine', request: -1, method: 'status', params: {} }],
    ['status'],
    [null],
  ])('refuses %j', async (request) => {
    const { bridge, calls } = bridgeOf(() => ({}));
    expect(code(await bridge.answer(request))).toBe('bad-input');
    expect(calls).toEqual([]);
  });

  it('adds the key of the keychain where a device is enrolled, and takes none from the window', async () => {
    const { bridge, calls } = bridgeOf(() => ({}));
    const forged = { ...enrol, unlockKey: 'forged' };
    await bridge.answer({ to: 'engine', request: 1, method: 'signup', params: forged });
    expect(calls[0]?.params).toMatchObject({ unlockKey: 'the-key' });
    const unlock = await bridge.answer({
      to: 'engine',
      request: 2,
      method: 'unlock',
      params: { unlockKey: 'forged' },
    });
    expect(code(unlock)).toBe('bad-input');
    expect(calls).toHaveLength(1);
  });

  it('leaves the password to lock the device where there is no keychain', async () => {
    const { bridge, calls } = bridgeOf(() => ({}), { keyForEnrolment: async () => null });
    await bridge.answer({ to: 'engine', request: 1, method: 'login', params: { ...enrol, unlockKey: 'x' } });
    expect(calls[0]?.params).not.toHaveProperty('unlockKey');
  });

  it('passes progress on under the number of the window, and cancels by it', async () => {
    const { bridge, calls, progress } = bridgeOf(
      ({ options }) =>
        new Promise((_, reject) => {
          options.onProgress?.({ request: 77, step: 'reading', done: 1, total: 2, unit: 'bytes' });
          options.signal?.addEventListener('abort', () =>
            reject(new PersonError('failed', 'it was cancelled', '')),
          );
        }),
    );
    const check = bridge.answer({ to: 'engine', request: 9, method: 'check', params: {} });
    const other = bridge.answer({ to: 'engine', request: 10, method: 'check', params: {} });
    await vi.waitFor(() => expect(progress).toHaveLength(2));
    expect(progress[0]).toMatchObject({ request: 9, done: 1 });
    await bridge.answer({ to: 'engine', request: 11, method: 'cancel', params: { request: 9 } });
    expect(code(await check)).toBe('failed');
    expect(calls[1]?.options.signal?.aborted).toBe(false);
    bridge.abandon();
    expect(code(await other)).toBe('failed');
  });

  it('tells the window nothing of what is broken inside', async () => {
    const { bridge, defects } = bridgeOf(() => ({}));
    const answer = await bridge.answer({ to: 'app', request: 1, method: 'server.local', params: {} });
    expect(JSON.stringify(answer)).not.toContain('secret detail');
    expect(code(answer)).toBe('failed');
    expect(defects).toHaveLength(1);
  });
});

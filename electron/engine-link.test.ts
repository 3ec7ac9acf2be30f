import { expect, it } from 'vitest';
import type { BroadcastEvent } from '../protocol/control.ts';
import type { ControlClient } from '../sync-engine/client/client.ts';
import { statusOf } from '../test/fakes/scripted-facade.ts';
import { EngineLink } from './engine-link.ts';

/** An engine that is locked until it is unlocked, and tells so. */
function lockedEngine() {
  let state: 'locked' | 'idle' = 'locked';
  let listener: (event: BroadcastEvent) => void = () => undefined;
  const tell = () => listener({ event: 'status', data: statusOf({ state }) });
  const client = {
    subscribe: async (_: unknown, heard: typeof listener) => {
      listener = heard;
      tell();
    },
    call: async (method: string) => {
      if (method === 'unlock') {
        state = 'idle';
        tell();
      }
      return statusOf({ state });
    },
  } as unknown as ControlClient;
  return { client };
}

it('tells nobody of a lock that opens by itself, and lets calls wait for it', async () => {
  const { client } = lockedEngine();
  const link = new EngineLink();
  const told: string[] = [];
  link.onEvent((event) => told.push(event.event === 'status' ? event.data.state : event.event));
  const early = link.call('status', {});
  await link.connected(client, async (locked) => {
    await locked.call('unlock', { password: 'p' });
  });
  expect((await early).state).toBe('idle');
  expect(told).toEqual(['idle']);
});

it('tells of a lock that stays', async () => {
  const { client } = lockedEngine();
  const link = new EngineLink();
  await link.connected(client, async () => undefined);
  expect(link.status?.state).toBe('locked');
});

it('says why when the engine failed', async () => {
  const link = new EngineLink();
  const waiting = link.call('status', {});
  link.processChanged({ state: 'failed', error: { code: 'home-damaged', message: 'm', hint: 'h' } });
  await expect(waiting).rejects.toMatchObject({ code: 'home-damaged', hint: 'h' });
});

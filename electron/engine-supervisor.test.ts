import { describe, expect, it } from 'vitest';
import type { EngineProcess } from '../protocol/app.ts';
import type { ProgramEnd, ProgramProcess } from '../programs/program.ts';
import type { ControlClient } from '../sync-engine/client/client.ts';
import { EngineSupervisor } from './engine-supervisor.ts';

class Engine implements ProgramProcess {
  readonly pid: number;
  readonly ended: Promise<ProgramEnd>;
  readonly asked: string[] = [];
  readonly client: ControlClient;
  #end: (end: ProgramEnd) => void = () => undefined;
  #close: () => void = () => undefined;

  constructor(pid: number) {
    this.pid = pid;
    this.ended = new Promise((resolve) => (this.#end = resolve));
    const closed = new Promise<void>((resolve) => (this.#close = resolve));
    const client = {
      engine: { version: 1, engineVersion: '0', pid },
      closed,
      call: async (method: string) => {
        this.asked.push(method);
        this.end(0);
        return {};
      },
      close: async () => this.#close(),
    };
    this.client = client as unknown as ControlClient;
  }

  end(code: number, lastWords = ''): void {
    this.#close();
    this.#end({ code, lastWords });
  }
  onLine(): void {}
  stop(): void {
    this.asked.push('SIGTERM');
    this.end(0);
  }
  kill(): void {
    this.asked.push('SIGKILL');
    this.end(137);
  }
}

/** A world with a clock of its own: pauses are recorded and pass at once, short polls included. */
function world(onStart: (engine: Engine, count: number) => 'runs' | 'dies') {
  const engines: Engine[] = [];
  const states: EngineProcess[] = [];
  const pauses: number[] = [];
  let listening: Engine | null = null;
  let nowMs = 0;
  let holdPause = false;
  const seen = new Set<() => void>();
  const supervisor = new EngineSupervisor(
    {
      connect: async () => listening?.client ?? null,
      start: () => {
        const engine = new Engine(1000 + engines.length);
        engines.push(engine);
        if (onStart(engine, engines.length) === 'runs') listening = engine;
        void engine.ended.then(() => {
          if (listening === engine) listening = null;
        });
        return engine;
      },
      nowMs: () => nowMs,
      sleep: async (ms, signal) => {
        if (ms >= 15_000 && ms < 20_000) {
          // Patience with an end that comes.
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
          return;
        }
        if (ms > 25) pauses.push(ms);
        if (holdPause || ms >= 60_000) {
          await new Promise<void>((resolve) => {
            if (signal.aborted) resolve();
            signal.addEventListener('abort', () => resolve());
          });
          return;
        }
        nowMs += ms;
        await new Promise((resolve) => setImmediate(resolve));
      },
    },
    {
      changed: (state) => {
        states.push(state);
        for (const look of seen) look();
      },
      connected: async () => undefined,
      gone: () => undefined,
    },
  );
  const until = (state: EngineProcess['state'], times = 1) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (states.filter((one) => one.state === state).length >= times) resolve();
      };
      seen.add(look);
      look();
    });
  return {
    supervisor,
    engines,
    states,
    pauses,
    until,
    find: (engine: Engine) => (listening = engine),
    advance: (ms: number) => (nowMs += ms),
    hold: () => (holdPause = true),
  };
}

describe('the supervisor of the engine', () => {
  it('starts one, and ends it in good order', async () => {
    const { supervisor, engines, until } = world(() => 'runs');
    supervisor.start();
    await until('running');
    await supervisor.stop();
    expect(engines).toHaveLength(1);
    expect(engines[0]!.asked).toEqual(['stop']);
  });

  it('uses one that runs already and leaves it running', async () => {
    const { supervisor, engines, until, find } = world(() => 'runs');
    const found = find(new Engine(42));
    supervisor.start();
    await until('running');
    await supervisor.stop();
    expect(engines).toHaveLength(0);
    expect(found.asked).toEqual([]);
  });

  it('starts it again after a crash without a word, with growing pauses', async () => {
    const { supervisor, engines, states, until, pauses, advance } = world(() => 'runs');
    supervisor.start();
    await until('running');
    engines[0]!.end(1);
    await until('running', 2);
    engines[1]!.end(139);
    await until('running', 3);
    expect(pauses).toEqual([250, 500]);
    // Much later it is another matter.
    advance(120_000);
    engines[2]!.end(1);
    await until('running', 4);
    expect(pauses).toEqual([250, 500, 250]);
    expect(states.some(({ state }) => state === 'failed')).toBe(false);
    await supervisor.stop();
  });

  it('says that it failed after three crashes within a minute, and tries again when told', async () => {
    let isBroken = true;
    const { supervisor, engines, states, until } = world((engine) => {
      if (!isBroken) return 'runs';
      setImmediate(() => engine.end(1));
      return 'dies';
    });
    supervisor.start();
    await until('failed');
    expect(engines).toHaveLength(3);
    expect(states.at(-1)?.error?.code).toBe('engine-not-running');
    isBroken = false;
    expect(supervisor.restart().state).toBe('starting');
    await until('running');
    await supervisor.stop();
  });

  it('tells at once what the engine itself says', async () => {
    const { supervisor, engines, states, until } = world((engine) => {
      const error = { code: 'home-damaged', message: 'its config does not read', hint: 'Restore it.' };
      setImmediate(() => engine.end(1, `noise\n${JSON.stringify({ error })}`));
      return 'dies';
    });
    supervisor.start();
    await until('failed');
    expect(engines).toHaveLength(1);
    expect(states.at(-1)?.error).toMatchObject({ code: 'home-damaged', hint: 'Restore it.' });
    await supervisor.stop();
  });

  it('takes the engine of another program that was faster, and does not end it', async () => {
    const other = new Engine(42);
    const scene = world((engine) => {
      setImmediate(() => {
        scene.find(other);
        const error = { code: 'engine-running', message: 'another engine runs', hint: '' };
        engine.end(1, JSON.stringify({ error }));
      });
      return 'dies';
    });
    scene.supervisor.start();
    await scene.until('running');
    await scene.supervisor.stop();
    expect(other.asked).toEqual([]);
    expect(scene.states.some(({ state }) => state === 'failed')).toBe(false);
  });

  it('starts an engine that was stopped from outside again, and counts it as no crash', async () => {
    const { supervisor, engines, until, pauses } = world(() => 'runs');
    supervisor.start();
    for (let life = 1; life <= 5; life += 1) {
      await until('running', life);
      engines[life - 1]!.end(0);
    }
    await until('running', 6);
    expect(new Set(pauses)).toEqual(new Set([250]));
    await supervisor.stop();
  });
});

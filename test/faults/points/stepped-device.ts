/** A device whose engine is told what to die of. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { ControlClient } from '../../../sync-engine/client/client.ts';
import { connectEngine } from '../../../sync-engine/client/connect.ts';
import { until, type Device, type World } from '../../integration/harness.ts';
import type { Point, Steps } from './steps.ts';

/** How long a step is waited for. */
const REACH_MS = 15_000;
const ENGINE = path.join(import.meta.dirname, '../../../sync-engine/main.ts');

/** Resolves when it died where it was to; the work goes on meanwhile and may fail for it. */
export async function killedAt(steps: Steps, work: Promise<unknown>, point?: Point): Promise<void> {
  let working = true;
  const over = (): void => void (working = false);
  work.then(over, over);
  await until('the step', REACH_MS, () => (steps.killed !== '' || !working ? true : null));
  if (steps.killed === '')
    throw new Error(`the step was not reached${point === undefined ? '' : `: ${point.name}`}`);
}

/** A device whose engine alone is stepped, and whose keys are opened as the keychain of a desktop does it: fast. */
export class SteppedDevice {
  readonly device: Device;
  readonly steps: Steps;
  readonly #world: World;
  readonly #unlockKey = randomBytes(32).toString('base64');

  constructor(world: World, device: Device, steps: Steps) {
    this.#world = world;
    this.device = device;
    this.steps = steps;
  }

  /** Starts the engine and asks it for one thing: without an account it ends when nobody is connected. */
  async #run<T>(ask: (engine: ControlClient) => Promise<T>): Promise<T> {
    const program = { node: this.steps.node(), entry: ENGINE };
    const engine = await connectEngine({ home: this.device.home, program, env: process.env });
    try {
      await this.device.learnPid();
      return await ask(engine);
    } finally {
      await engine.close();
    }
  }

  async login(): Promise<void> {
    const { device } = this;
    const params = {
      server: this.#world.wire.url,
      email: this.#world.email,
      password: this.#world.password,
      folder: device.folder,
      deviceName: device.name,
      unlockKey: this.#unlockKey,
    };
    await this.#run((engine) => engine.call('login', params));
  }

  /** False when there is no account yet. */
  async start(): Promise<boolean> {
    const unlock = (engine: ControlClient) => engine.call('unlock', { unlockKey: this.#unlockKey });
    return this.#run(async (engine) => {
      const { account } = await engine.call('status', {});
      if (account !== null) await unlock(engine);
      return account !== null;
    });
  }

  /** After a stop in the middle of a login: whether its folder is linked. */
  async isLinked(): Promise<boolean> {
    if (!(await this.start())) return false;
    return (await this.device.status()).pairs.length > 0;
  }
}

/**
 * Programs that are killed at one step after another, and what comes of it. Those of a lane share a server and an
 * account; what came of each step is kept for the test of its name.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { folderPrint } from '../../integration/folder-print.ts';
import { World, type Device } from '../../integration/harness.ts';
import { DailyLife, inSync } from './daily-life.ts';
import { leftOnDevice, leftOnServer } from './leftovers.ts';
import type { NamedPoint } from './names.ts';
import { killedAt, SteppedDevice } from './stepped-device.ts';
import type { Steps } from './steps.ts';
import type { Point } from './steps.ts';

const STARTS_IN_A_ROW = 6;
const MOST_TRIES = 3;
const MOST_ROUNDS = 25;
/** So many logins a server takes at once. */
const PROOFS = 7;

/** `side name` to what was wrong; null when nothing was. */
export type Results = Map<string, string | null>;

async function survive(
  points: readonly Point[],
  results: Results,
  die: () => Promise<void>,
): Promise<boolean> {
  let wrong: string | null = null;
  try {
    await die();
  } catch (error) {
    wrong = saidOf(error);
  }
  for (const { name, side } of points) results.set(`${side} ${name}`, wrong);
  return wrong === null;
}

function saidOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { actual, hint = '' } = error as { actual?: unknown; hint?: string };
  return `${error.message}${actual === undefined ? hint : `: ${JSON.stringify(actual)}`}`;
}

/** Two devices at work. */
export class WorkLane {
  readonly results: Results = new Map();
  readonly #server: Steps;
  readonly #engine: Steps;
  #rounds = 0;
  #world!: World;
  #stepped!: SteppedDevice;
  #sound!: Device;
  #life!: DailyLife;

  private constructor(server: Steps, engine: Steps) {
    this.#server = server;
    this.#engine = engine;
  }

  static async begin(server: Steps, engine: Steps): Promise<WorkLane> {
    const lane = new WorkLane(server, engine);
    await lane.#begin();
    return lane;
  }

  async #begin(): Promise<void> {
    this.#world = await World.begin([], this.#server.env);
    try {
      this.#sound = await this.#world.device('sound');
      this.#stepped = new SteppedDevice(this.#world, this.#world.machine('stepped'), this.#engine);
      await this.#stepped.login();
      this.#life = await DailyLife.begin(this.#world, [this.#sound, this.#stepped.device]);
    } catch (error) {
      await this.#world.end();
      throw error;
    }
  }

  end(): Promise<void> {
    return this.#world.end();
  }

  /**
   * What went wrong at one step is not to be told of every one that follows; and what people remove in so many rounds
   * would be asked about, for it comes within minutes.
   */
  async #survive(points: readonly Point[], die: () => Promise<void>): Promise<void> {
    const survived = await survive(points, this.results, die);
    this.#rounds += 1;
    if (survived && this.#rounds < MOST_ROUNDS) return;
    this.#rounds = 0;
    this.#engine.disarm();
    this.#server.disarm();
    await this.#world.end();
    await this.#begin();
  }

  /** How changes fall into commits and batches is up to the machine, and with it what a round comes by. */
  async #changesUntilKilled(steps: Steps): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      this.#life.change();
      try {
        await killedAt(steps, this.#everything());
        return;
      } catch (error) {
        if (tries === MOST_TRIES) throw error;
      }
    }
  }

  async #everything(): Promise<void> {
    const { device } = this.#stepped;
    for (const each of [device, this.#sound, device]) await inSync(each);
  }

  /** The engine dies while both people change something, and one of them edits on before it is there again. */
  async engineAtWork(points: readonly Point[]): Promise<void> {
    for (const point of points) {
      await this.#survive([point], async () => {
        const { device, steps } = this.#stepped;
        steps.arm(point);
        await this.#changesUntilKilled(steps);
        await device.kill9();
        steps.disarm();
        this.#life.editMeanwhile();
        await this.#stepped.start();
        await this.#life.settle();
      });
    }
  }

  /** The engine dies as it starts, several times in a row, after it was killed at work. */
  async engineAtStart(points: readonly NamedPoint[]): Promise<void> {
    for (let from = 0; from < points.length; from += STARTS_IN_A_ROW) {
      const row = points.slice(from, from + STARTS_IN_A_ROW);
      await this.#survive(row, async () => {
        const { device, steps } = this.#stepped;
        this.#life.change();
        await this.#everything();
        for (const point of row) {
          await device.kill9();
          steps.arm(point);
          await killedAt(steps, this.#startAgain(), point);
        }
        await device.kill9();
        steps.disarm();
        await this.#stepped.start();
        await this.#life.settle();
      });
    }
  }

  /** The engine is killed in a certain place, and again while it puts right what that left. */
  async engineAtRecovery(points: readonly NamedPoint[]): Promise<void> {
    for (const point of points) {
      await this.#survive([point], async () => {
        const { device, steps } = this.#stepped;
        // What is under way when it dies the first time may be of another kind.
        for (let tries = 1; ; tries += 1) {
          steps.arm(point.middle ?? point);
          this.#life.change();
          const isOfStart = point.middle?.name.includes('/account/') === true;
          await killedAt(steps, isOfStart ? this.#restarted() : this.#everything());
          await device.kill9();
          steps.arm(point);
          try {
            await killedAt(steps, this.#startAgain());
            break;
          } catch (error) {
            if (tries === MOST_TRIES) throw error;
          }
        }
        await device.kill9();
        steps.disarm();
        await this.#stepped.start();
        await this.#life.settle();
      });
    }
  }

  async #startAgain(): Promise<void> {
    await this.#stepped.start();
    await this.#everything();
  }

  async #restarted(): Promise<void> {
    await this.#stepped.device.kill9();
    await this.#stepped.start();
    await this.#everything();
  }

  /** The server dies while both people change something. */
  async serverAtWork(points: readonly Point[]): Promise<void> {
    for (const point of points) {
      await this.#survive([point], async () => {
        this.#server.arm(point);
        await this.#changesUntilKilled(this.#server);
        await this.#world.server.kill9();
        this.#server.disarm();
        await this.#world.server.start();
        await this.#life.settle();
      });
    }
  }
}

/** Devices and servers that die before they are set up. */
export class BeginningLane {
  readonly results: Results = new Map();
  readonly #world: World;
  readonly #server: Steps;
  readonly #engine: Steps;
  #machines = 0;

  private constructor(world: World, server: Steps, engine: Steps) {
    this.#world = world;
    this.#server = server;
    this.#engine = engine;
  }

  static async begin(server: Steps, engine: Steps): Promise<BeginningLane> {
    return new BeginningLane(await World.begin([], server.env), server, engine);
  }

  end(): Promise<void> {
    return this.#world.end();
  }

  #machine(): Device {
    this.#machines += 1;
    return this.#world.machine(`machine ${this.#machines}`);
  }

  /** A server without data dies as it is started, or as the first account is made on it. */
  async serverAtBeginning(points: readonly NamedPoint[]): Promise<void> {
    const { server } = this.#world;
    for (const point of points) {
      await survive([point], this.results, async () => {
        await server.kill9();
        rmSync(server.data, { recursive: true, force: true });
        if (point.middle !== undefined) {
          this.#server.arm(point.middle);
          await killedAt(this.#server, server.start());
          await server.kill9();
        }
        this.#server.arm(point);
        const machine = this.#machine();
        writeFileSync(machine.path('first.txt'), 'mine');
        const enrol = (command: string) => machine.cli([command, ...this.#world.enrolArguments(machine)]);
        const signup = server.start().then(() => enrol('signup'));
        await killedAt(this.#server, signup);
        await server.kill9();
        this.#server.disarm();
        // It would try until the server is there again; what a person does anew is the harder case.
        await machine.kill9();
        await signup.catch(() => undefined);
        await server.start();
        const { code } = await enrol('signup');
        // The account is there already.
        if (code !== 0) await machine.ok('login', ...this.#world.enrolArguments(machine));
        await machine.learnPid();
        await inSync(machine);
        expectNothing([...leftOnDevice(machine), ...leftOnServer(this.#world)]);
        await machine.kill9();
      });
    }
  }

  /** A new device dies as it is made one of the account. */
  async engineAtLogin(points: readonly NamedPoint[]): Promise<void> {
    const sound = await this.#world.device('sound');
    writeFileSync(sound.path('of the account.txt'), 'there');
    await inSync(sound);
    for (const [index, point] of points.entries()) {
      if (index % PROOFS === PROOFS - 1) await this.#allowProofs();
      await survive([point], this.results, async () => {
        const machine = new SteppedDevice(this.#world, this.#machine(), this.#engine);
        const { device, steps } = machine;
        writeFileSync(device.path(`of ${device.name}.txt`), 'mine');
        for (const place of point.middle === undefined ? [point] : [point.middle, point]) {
          steps.arm(place);
          const login = machine.login();
          await killedAt(steps, login);
          await device.kill9();
          // Where the engine died before it answered, this is over only now: it may start another, and sign in.
          await login.catch(() => undefined);
          await device.kill9();
        }
        steps.disarm();
        if (!(await machine.isLinked())) await machine.login();
        for (const each of [device, sound, device]) await inSync(each);
        expectNothing([
          ...differences(folderPrint(device.folder), folderPrint(sound.folder)),
          ...leftOnDevice(device),
        ]);
        await device.kill9();
      });
    }
  }

  /** A server that is started anew has counted no tries of passwords. */
  async #allowProofs(): Promise<void> {
    await this.#world.server.kill9();
    await this.#world.server.start();
  }
}

function differences(one: readonly string[], other: readonly string[]): string[] {
  return [...one.filter((line) => !other.includes(line)), ...other.filter((line) => !one.includes(line))];
}

function expectNothing(found: readonly string[]): void {
  if (found.length > 0) throw new Error(found.join(', '));
}

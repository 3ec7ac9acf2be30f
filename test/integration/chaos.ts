/** Two people at work on two devices while processes die, and what must hold in the end. */
import { setTimeout as delay } from 'node:timers/promises';
import { Dice } from './dice.ts';
import { contentHashes, folderPrint } from './folder-print.ts';
import { World, type Device } from './harness.ts';
import { Ledger } from './ledger.ts';
import { Person } from './person.ts';

export interface ChaosFigures {
  operations: number;
  enginesKilled: number;
  serversKilled: number;
  barriers: number;
  guardsResolved: number;
}

/** Rounds of "first one device, then the other" until both agree; each conflict may need one more. */
const MOST_ROUNDS = 8;

export class Chaos {
  readonly world: World;
  readonly people: readonly [Person, Person];
  readonly ledger: Ledger;
  readonly figures: ChaosFigures = {
    operations: 0,
    enginesKilled: 0,
    serversKilled: 0,
    barriers: 0,
    guardsResolved: 0,
  };
  readonly #dice: Dice;

  private constructor(world: World, people: readonly [Person, Person], ledger: Ledger, dice: Dice) {
    this.world = world;
    this.people = people;
    this.ledger = ledger;
    this.#dice = dice;
  }

  /** @param world its devices are yet to come; ended when they do not */
  static async begin(seed: string, world?: World): Promise<Chaos> {
    return Chaos.#in(world ?? (await World.begin()), seed);
  }

  static async #in(world: World, seed: string): Promise<Chaos> {
    try {
      const ledger = new Ledger();
      const person = async (name: string): Promise<Person> =>
        new Person(await world.device(name), new Dice(`${seed}/${name}`), ledger);
      return new Chaos(world, [await person('one'), await person('two')], ledger, new Dice(`${seed}/killer`));
    } catch (error) {
      await world.end();
      throw error;
    }
  }

  /** So many operations a side, with a kill every few seconds, then both in sync. */
  async round(operations: number): Promise<void> {
    const over = new AbortController();
    const killing = this.#kill(over.signal);
    try {
      await Promise.all(this.people.map((person) => this.#work(person, operations)));
    } finally {
      over.abort();
      await killing;
    }
    await this.agree();
  }

  /** Both at work for so long, while nobody but the world itself kills anything; then both in sync. */
  async workFor(ms: number): Promise<void> {
    const untilMs = performance.now() + ms;
    await Promise.all(
      this.people.map((person) =>
        this.#work(person, Number.POSITIVE_INFINITY, () => performance.now() > untilMs),
      ),
    );
    await this.agree();
  }

  async #work(person: Person, operations: number, isOver: () => boolean = () => false): Promise<void> {
    for (let index = 0; index < operations && !isOver(); index += 1) {
      await person.act();
      this.figures.operations += 1;
      // Bursts and rests: some changes meet a scan half done, others are long over.
      await delay(this.#dice.below(8) === 0 ? this.#dice.below(600) : this.#dice.below(100));
    }
  }

  async #kill(over: AbortSignal): Promise<void> {
    for (;;) {
      await delay(500 + this.#dice.below(2000), undefined, { signal: over }).catch(() => undefined);
      if (over.aborted) return;
      const { server } = this.world;
      if (this.#dice.below(3) === 0) {
        await server.kill9();
        this.figures.serversKilled += 1;
        await delay(this.#dice.below(500));
        await server.start();
      } else {
        const device = this.people[this.#dice.below(2) as 0 | 1].device;
        await device.kill9();
        this.figures.enginesKilled += 1;
        await delay(this.#dice.below(500));
        await device.start();
      }
    }
  }

  /** Both devices in sync and the same; what is then on disk was seen for certain. */
  async agree(): Promise<void> {
    const [one, two] = [this.people[0].device, this.people[1].device];
    for (let round = 1; ; round += 1) {
      for (const person of this.people) await person.selectAll();
      const codes: number[] = [];
      for (const device of [one, two, one]) codes.push(await this.#settle(device));
      const isSame = folderPrint(one.folder).join('\n') === folderPrint(two.folder).join('\n');
      if (isSame && codes.every((code) => code === 0)) break;
      if (round === MOST_ROUNDS) throw new Error(await this.#disagreement(codes));
    }
    this.figures.barriers += 1;
    this.ledger.secure(contentHashes(one.folder));
  }

  async #settle(device: Device): Promise<number> {
    const { code } = await device.wait(30);
    const { unmarked = 0 } = (await device.status()).counters;
    // A wait finds and mends them; what made them is a defect that would be hidden.
    if (unmarked > 0) throw new Error(`${device.name} met ${unmarked} nodes that nothing had marked`);
    if (code !== 3) return code;
    for (const issue of await device.issues()) {
      if (issue.code !== 'mass-deletion') continue;
      this.figures.guardsResolved += 1;
      await device.ok('issues', 'resolve', String(issue.id), '--choose', 'delete');
    }
    return code;
  }

  async #disagreement(codes: readonly number[]): Promise<string> {
    const lines = [`not in sync after ${MOST_ROUNDS} rounds; the last waits ended with ${codes.join(', ')}`];
    const prints = this.people.map(({ device }) => new Set(folderPrint(device.folder)));
    for (const [index, { device }] of this.people.entries()) {
      const other = prints[1 - index];
      const only = [...(prints[index] ?? [])].filter((line) => other?.has(line) !== true);
      lines.push(`only on ${device.name}:`, ...only.slice(0, 20).map((line) => `  ${line}`));
      const { state, pending, counters } = await device.status();
      lines.push(`  ${JSON.stringify({ state, pending, counters })}`);
      for (const issue of (await device.issues()).slice(0, 20)) lines.push(`  ${JSON.stringify(issue)}`);
      lines.push(`  ${device.lastWords()}`);
    }
    return lines.join('\n');
  }
}

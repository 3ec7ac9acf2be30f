/**
 * COFFRE_CHAOS_OPS: operations a side (120 unless given; 500 by hand). COFFRE_CHAOS_SEED: repeats the choices of
 * a run; when they meet what Coffre does meanwhile is up to the machine.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { padme } from '../../sync-engine/crypto/padding.ts';
import { Chaos } from './chaos.ts';
import { lostAfterRecovery } from './recovery.ts';

const operations = Number(process.env['COFFRE_CHAOS_OPS'] ?? 120);
const seed = process.env['COFFRE_CHAOS_SEED'] ?? randomBytes(6).toString('hex');
/** Operations between two times at which everything must be in sync. */
const ROUND = 60;

describe('two people at work while engines and server are killed', () => {
  let chaos: Chaos;

  beforeAll(async () => {
    console.log(`seed ${seed}, ${operations} operations a side`);
    chaos = await Chaos.begin(seed);
  });
  afterAll(async () => {
    await chaos.world.end();
  });

  it(
    'ends with both folders identical',
    async () => {
      for (let done = 0; done < operations; done += ROUND) {
        await chaos.round(Math.min(ROUND, operations - done));
      }
      console.log(JSON.stringify(chaos.figures));
      expect(chaos.figures.operations).toBe(2 * operations);
      expect(chaos.figures.enginesKilled + chaos.figures.serversKilled).toBeGreaterThan(0);
    },
    60_000 + operations * 2000,
  );

  it('shows the server nothing', async () => {
    const { world, people } = chaos;
    const written = people.flatMap((person) => [...person.marks]);
    const secrets = [world.password, world.phrase, ...threes(world.phrase.split(' '))];
    const marks = [...written, ...secrets];
    const seen = Buffer.concat([
      await world.server.kept(),
      readFileSync(world.server.log),
      world.wire.recorded(),
    ]);
    expect(marks.length).toBeGreaterThan(100);
    expect(found(seen, marks)).toEqual([]);
    // Also as JSON and URLs would carry bytes; a sample of what was written is enough for that.
    expect(found(seen, [...secrets, ...written.slice(0, 40)].flatMap(encoded))).toEqual([]);
    // The search itself finds what is there.
    const folder = Buffer.concat(
      filesBelow(people[0].device.folder).map((path) =>
        Buffer.concat([Buffer.from(path), readFileSync(path)]),
      ),
    );
    expect(found(folder, marks).length).toBeGreaterThan(20);
  });

  it('stores packs of padded sizes only', async () => {
    const sizes = await chaos.world.server.packSizes();
    expect(sizes.length).toBeGreaterThan(0);
    expect(sizes.filter((size) => padme(size) !== size)).toEqual([]);
  });

  it(
    'loses nothing that was written and seen',
    async () => {
      const [one, two] = chaos.people.map(({ device }) => device);
      if (one === undefined || two === undefined) throw new Error('there are two');
      const required = chaos.ledger.required();
      const lost = await lostAfterRecovery(one, required, [two]);
      console.log(
        `${chaos.ledger.size} contents written, ${required.size} must be reachable, ${lost.length} lost`,
      );
      expect(lost.map((hash) => required.get(hash))).toEqual([]);
    },
    120_000 + operations * 1000,
  );
});

function threes(words: readonly string[]): string[] {
  return words.slice(2).map((_, index) => words.slice(index, index + 3).join(' '));
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function found(bytes: Buffer, marks: readonly string[]): string[] {
  const text = bytes.toString('latin1');
  return marks.filter((mark) => text.includes(mark));
}

/** In hex, and in base64 at any of its three offsets. */
function encoded(mark: string): string[] {
  const bytes = Buffer.from(mark);
  const inBase64 = [0, 1, 2].map((offset) => {
    const whole = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replaceAll('=', '');
    // Without the characters that the neighbours have a part in.
    return whole.slice(offset === 0 ? 0 : offset + 1, whole.length - 1);
  });
  return [bytes.toString('hex'), ...inBase64];
}

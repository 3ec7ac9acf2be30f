/**
 * Whole engines over a line on which every second answer and event is altered: what the folder holds is always what
 * somebody wrote, and once the line is good again both agree. `MUTATE_ROUNDS` for more; `MUTATE_SEED` for the same
 * choices again.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { toHex, type VaultId } from '../../../protocol/ids.ts';
import { parseServerAddress } from '../../../sync-engine/remote/server-address.ts';
import { AccountWorld } from '../../fakes/account-world.ts';
import { Dice } from './dice.ts';
import { EngineDevice } from './engine-device.ts';
import { NO_LIMITS } from './genuine.ts';
import { TIMEOUTS } from './lane.ts';
import { MutatingProxy } from './proxy.ts';

const ROUNDS = Number(process.env['MUTATE_ROUNDS'] ?? 40);
const SEED = process.env['MUTATE_SEED'] ?? randomBytes(4).toString('hex');
const ALTERED_A_ROUND = 12;
const SECRET = 'a sentence nobody else may read';

let world: AccountWorld;
let proxy: MutatingProxy;
let root: string;
let ann: EngineDevice;
let bob: EngineDevice;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'coffre-mutating-'));
  world = await AccountWorld.start({ rates: NO_LIMITS }, { timeouts: TIMEOUTS });
  proxy = await MutatingProxy.start(world.server.address);
  const { device } = await world.signup();
  ann = new EngineDevice(device, join(root, 'ann'));
  await ann.engine.start();
  const vault = toHex(randomBytes(16)) as VaultId;
  await ann.makeVault(vault);
  ann.bind(vault);
  ann.write('first.txt', SECRET);
  await ann.settle();
  bob = new EngineDevice(
    await world.login({ address: parseServerAddress(proxy.address) }),
    join(root, 'bob'),
  );
  await bob.engine.start();
  bob.bind(vault);
  await bob.settle();
});

afterEach(async () => {
  await bob.stop();
  await ann.stop();
  await proxy.close();
  await world.close();
  rmSync(root, { recursive: true, force: true });
});

/** One of them changes something; what it wrote. */
function change(dice: Dice, device: EngineDevice, round: number): string {
  const paths = Object.keys(device.files());
  const text = `${SECRET}, ${round}`;
  const content = dice.below(3) === 0 ? text.repeat(4000) : text;
  const own = device === ann ? 'ann' : 'bob';
  if (paths.length > 6) device.remove(dice.pick(paths));
  device.write(dice.pick([`${own}.txt`, `${own}/${round}.txt`, `deep/er/${own}-${round}.txt`]), content);
  return content;
}

it(`two devices agree after each of ${ROUNDS} rounds of altered answers, and hold nothing that nobody wrote`, async () => {
  const written = new Set([SECRET]);
  const told: Buffer[] = [];
  proxy.told = (bytes) => {
    if (bytes.includes(SECRET)) told.push(bytes);
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    const dice = new Dice(`${SEED}/${round}`);
    const because = `round ${round}, MUTATE_SEED=${SEED}`;
    try {
      proxy.seed = `${SEED}/${round}/answers`;
      const until = proxy.altered + ALTERED_A_ROUND;
      written.add(change(dice, dice.pick([ann, bob]), round));
      ann.engine.nudge();
      bob.engine.nudge();
      // Waits in between scan the folder, and ask.
      const looks = bob.engine.wait(2000, AbortSignal.timeout(4000));
      await bob.until(() => proxy.altered >= until);
      await looks;
      for (const [path, content] of Object.entries(bob.files())) {
        expect(written.has(content), `${path} holds what nobody wrote`).toBe(true);
      }
      proxy.seed = null;
      await ann.settle();
      await bob.tryAgain();
      await bob.until(() => bob.engine.isOnline);
      await bob.settle();
      await ann.settle();
      await bob.settle();
      expect(bob.files()).toEqual(ann.files());
    } catch (error) {
      throw new Error(`${because}: ${String(error)}`, { cause: error });
    }
  }
  expect(told).toEqual([]);
  expect(proxy.altered).toBeGreaterThanOrEqual(ROUNDS * ALTERED_A_ROUND);
}, 600_000);

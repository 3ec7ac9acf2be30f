/** Housekeeping of all vaults: what the host calls after the start and once a day, while the engine is idle. */
import { PersonError } from '../../protocol/errors.ts';
import { CloudError } from '../remote/cloud.ts';
import { runHousekeeping } from './housekeeper.ts';
import { LogFault } from './log-fault.ts';
import type { Clock, RandomSource } from './ports.ts';
import { cloudOf, vaultsOf, type TreeDevice } from './tree-host.ts';

/** Above this share of the quota, packs that are only a little dead are copied too. */
const NEARLY_FULL = 0.9;
/** Rounds for one vault; each copies 64 MiB at most. */
const MAX_ROUNDS = 50;
/** Between two rounds, so that it never takes the whole line. */
const PAUSE_MS = 30_000;

export interface KeepVaultsWorld {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly signal: AbortSignal;
  /** Asked before each round: whether the engine has nothing else to do. */
  readonly isIdle: () => boolean;
}

/** True when every vault was kept; false when it should be tried again later. Faults of server and log end it. */
export async function keepVaults(at: TreeDevice, world: KeepVaultsWorld): Promise<boolean> {
  try {
    const { quota } = await cloudOf(at).account();
    const nearlyFull = quota.usedBytes > quota.limitBytes * NEARLY_FULL;
    let isKept = true;
    for (const vaultSync of vaultsOf(at)) {
      if (vaultSync.stopped !== null) continue;
      isKept = (await keepOne(at, vaultSync, nearlyFull, world)) && isKept;
    }
    return isKept;
  } catch (error) {
    // What is wrong with the server or the log is told by whoever follows them.
    const isToldElsewhere =
      error instanceof CloudError || error instanceof LogFault || error instanceof PersonError;
    if (isToldElsewhere || world.signal.aborted) return false;
    throw error;
  }
}

async function keepOne(
  at: TreeDevice,
  vaultSync: ReturnType<typeof vaultsOf>[number],
  nearlyFull: boolean,
  { clock, random, signal, isIdle }: KeepVaultsWorld,
): Promise<boolean> {
  const { device, manifest } = at;
  const parts = { vaultSync, cloud: cloudOf(at), device, manifest, clock, random, signal, nearlyFull };
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    if (signal.aborted || !isIdle()) return false;
    const { result, addedPacks } = await runHousekeeping(parts);
    if (result === 'busy' || result === 'full') return false;
    if (result !== 'kept' || addedPacks === 0) return true;
    await clock.sleep(PAUSE_MS, signal);
  }
  return false;
}

/** The log of a vault as a person looks through it: who committed what, as this device verified it. */
import { PersonError } from '../../protocol/errors.ts';
import type { VaultHead } from '../../protocol/control-vault.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import { RETENTION_MS } from '../../protocol/limits.ts';
import { CloudError } from '../remote/cloud.ts';
import type { HeaderRow } from '../manifest/manifest.ts';
import { checkKnown } from './history.ts';
import { asked } from './person-work.ts';
import { vaultNamed } from './places.ts';
import { cloudOf, type Page, type TreeDevice } from './tree-host.ts';
import type { VaultSync } from './vault-sync.ts';

export interface VaultChoice {
  /** By name. */
  readonly vault: string | null;
  /** That of a pair. */
  readonly pair: string | null;
}

/** @throws PersonError not-found, bad-input */
export function chosenVault(at: TreeDevice, { vault, pair }: VaultChoice): VaultSync {
  if (pair === null) return vaultNamed(at, vault);
  if (vault !== null) throw new PersonError('bad-input', 'a vault and a pair were both given', 'Give one.');
  const found = at.engine.pairs().find((one) => one.pair.config.id === pair);
  if (found === undefined) {
    throw new PersonError('not-found', `there is no pair ${pair}`, 'See them with `coffre pair list`.');
  }
  return found.vault;
}

export interface Heads {
  readonly vault: string;
  readonly heads: VaultHead[];
  readonly nextCursor: string | null;
}

/** Newest first. @throws PersonError not-found, bad-input, verification */
export function listHeads(at: TreeDevice, request: Page & VaultChoice, nowMs: number): Promise<Heads> {
  return asked(async () => {
    const vault = chosenVault(at, request);
    if (request.cursor === null) await learnOlder(at, vault, nowMs);
    const before = request.cursor === null ? Number.MAX_SAFE_INTEGER : Number(request.cursor);
    if (!Number.isSafeInteger(before)) {
      throw new PersonError('bad-input', 'that is no place in the list', 'Begin anew.');
    }
    const rows = vault.log.store.headersBefore(before, request.limit + 1);
    const shown = rows.slice(0, request.limit);
    const last = shown.at(-1);
    return {
      vault: vault.name(),
      heads: shown.map((row) => headOf(at, vault, row)),
      nextCursor: rows.length > shown.length && last !== undefined ? String(last.seq) : null,
    };
  });
}

/**
 * A device that joined late, or took the live state, lacks the headers before: they are read and chained to what it
 * verified, as far back as the log can be taken. Offline, what is known has to do.
 */
async function learnOlder(at: TreeDevice, vault: VaultSync, nowMs: number): Promise<void> {
  const cloud = cloudOf(at);
  try {
    const oldest = await cloud.headAt(vault.vault, nowMs - RETENTION_MS);
    await checkKnown(vault.log, cloud, oldest?.seq ?? 1);
  } catch (error) {
    if (!(error instanceof CloudError && error.fault === 'offline')) throw error;
  }
}

export function headOf(at: TreeDevice, vault: VaultSync, row: HeaderRow): VaultHead {
  const { seq, hash, receivedAtMs, device, nodes } = row;
  return {
    revision: seq,
    hash,
    receivedAtMs,
    ...authorOf(at, device),
    nodes,
    current: seq === vault.log.cursor().seq,
  };
}

/** A device as a person is told of it; `removed` also where the chain knows none of that id. */
export function authorOf(
  at: TreeDevice,
  device: DeviceId,
): Pick<VaultHead, 'device' | 'deviceName' | 'removed'> {
  const deviceName = at.device.nameOf(device) ?? device;
  return { device, deviceName, removed: at.device.chain().devices.get(device)?.revoked !== null };
}

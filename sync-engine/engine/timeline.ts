/** When a vault, or one file of it, changed within the time of which everything is kept. */
import { RETENTION_MS } from '../../protocol/limits.ts';
import { CloudError } from '../remote/cloud.ts';
import { checkKnown } from './history.ts';
import { Past } from './past.ts';
import { asked, nothingAt } from './person-work.ts';
import { nodeAt, placeAt } from './places.ts';
import { trashedFrom } from './trash.ts';
import { cloudOf, type TreeDevice } from './tree-host.ts';
import type { VaultSync } from './vault-sync.ts';

export interface Timeline {
  readonly firstMs: number;
  readonly lastMs: number;
  readonly days: { dayStartMs: number; changes: number }[];
}

/** Every zone's midnight is at a multiple of it. */
const STEP_MS = 15 * 60_000;

/** @throws PersonError not-found, verification */
export function timeline(at: TreeDevice, text: string, nowMs: number): Promise<Timeline> {
  return asked(async () => {
    const place = placeAt(at, text);
    const { vault } = place;
    const node = nodeAt(place) ?? (await trashedFrom(at, vault, place.steps))[0];
    if (node === undefined) throw nothingAt(place.text);
    const fromMs = nowMs - RETENTION_MS;
    const before = await learnHeaders(at, vault, fromMs);
    const commits = vault.log.store.commitsPer(STEP_MS, before ?? 1, fromMs);
    const firstMs = before !== null ? fromMs : (commits[0]?.startMs ?? nowMs);
    const isFile = vault.log.store.remote.get(node)?.type === 'file';
    const changes = isFile
      ? (await new Past(at, vault).versions(node))
          .filter(({ receivedAtMs }) => receivedAtMs >= fromMs)
          .map(({ receivedAtMs }) => ({ startMs: receivedAtMs, commits: 1 }))
          .reverse()
      : commits;
    return { firstMs, lastMs: Math.max(firstMs, nowMs), days: byDay(changes) };
  });
}

/**
 * A device that joined late lacks the older headers: they are read and chained once. Returns the last commit
 * before `fromMs`; null when the vault is younger, or without the server: what is known has to do then.
 */
async function learnHeaders(at: TreeDevice, vault: VaultSync, fromMs: number): Promise<number | null> {
  try {
    const head = await cloudOf(at).headAt(vault.vault, fromMs);
    await checkKnown(vault.log, cloudOf(at), head?.seq ?? 1);
    return head?.seq ?? null;
  } catch (error) {
    if (error instanceof CloudError && error.fault === 'offline') return null;
    throw error;
  }
}

function byDay(changes: readonly { readonly startMs: number; readonly commits: number }[]): Timeline['days'] {
  const days: Timeline['days'] = [];
  for (const { startMs, commits } of changes) {
    const dayStartMs = new Date(startMs).setHours(0, 0, 0, 0);
    const last = days.at(-1);
    if (last?.dayStartMs === dayStartMs) last.changes += commits;
    else days.push({ dayStartMs, changes: commits });
  }
  return days;
}

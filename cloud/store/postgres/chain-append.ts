/** Appending an entry to an account's device chain, with what it does to the vaults and sessions. One transaction. */
import type { HeadPin } from '../../../protocol/device-chain.ts';
import type { DeviceId } from '../../../protocol/ids.ts';
import { pinsAreHeads } from '../../accounts/judge-pins.ts';
import { blob, hex, vaultHead, type VaultHeadColumns } from '../columns.ts';
import type { AccountStore } from '../metadata-store.ts';
import { recordEntry } from './audit.ts';
import type { Sql } from './sql.ts';
import { lockAccount } from './locks.ts';
import { isBehind, requireEntry, rewindVault } from './rewind.ts';
import { endSessions } from './sessions.ts';

type Append = Parameters<AccountStore['appendChain']>[0];

/** To be run inside a write. */
export async function appendChain(sql: Sql, append: Append): Promise<'appended' | 'stale' | 'gone'> {
  const { chain, entry, encoded, entryHash } = append;
  const account = blob(append.account);
  const { kind } = entry.body;
  if (kind === 'revoke' || kind === 'void') {
    // A vault that is made meanwhile is not among them: making it takes the account, and names this chain.
    await sql.run('SELECT 1 FROM vaults WHERE account = $1 ORDER BY key FOR NO KEY UPDATE', account);
  }
  const stored = await lockAccount(sql, account);
  if (stored?.doomed !== false) return 'gone';
  if (stored.chain_length !== chain.length || hex(stored.chain_head) !== chain.head) return 'stale';
  const applied = await applyEntry(sql, account, append);
  if (applied !== 'applied') return applied;
  await sql.run(
    `WITH moved AS (UPDATE accounts SET chain_length = $4, chain_head = $5 WHERE account = $1)
     INSERT INTO chain_entries (account, idx, entry) VALUES ($1, $2, $3)`,
    account,
    entry.index,
    encoded,
    chain.length + 1,
    blob(entryHash),
  );
  if (append.audit !== null) await recordEntry(sql, append.audit);
  return 'appended';
}

async function applyEntry(
  sql: Sql,
  account: Uint8Array,
  { entry, wasLost, nowMs }: Append,
): Promise<'applied' | 'stale' | 'gone'> {
  const { body, index } = entry;
  if (body.kind === 'revoke') {
    return (await applyRevocation(sql, account, body.device, body.pins, index, wasLost))
      ? 'applied'
      : 'stale';
  }
  if (body.kind === 'void') {
    const rewound =
      wasLost && (await isBehind(sql, account, body.pin))
        ? await requireEntry(sql, account, body.pin.vault, index)
        : await rewindVault(sql, account, body.pin, index, nowMs);
    return rewound === 'rewound' ? 'applied' : rewound;
  }
  if (body.kind === 'add') await addDevice(sql, account, body.device, nowMs);
  return 'applied';
}

/**
 * Applies a `revoke` entry, if its pins hold (`pinsAreHeads`). From then on each vault wants commits that name the
 * entry, the next one opening an epoch, and the device's tokens are gone.
 */
async function applyRevocation(
  sql: Sql,
  account: Uint8Array,
  device: DeviceId,
  pins: readonly HeadPin[],
  entryIndex: number,
  wasLost: boolean,
): Promise<boolean> {
  const vaults = await sql.all<VaultHeadColumns>(
    'SELECT vault, head_seq, head_hash FROM vaults WHERE account = $1',
    account,
  );
  if (!pinsAreHeads(vaults.map(vaultHead), pins, wasLost)) return false;
  await sql.run(
    'UPDATE vaults SET required_chain = $2, required_epoch_chain = $2 WHERE account = $1',
    account,
    entryIndex + 1,
  );
  await sql.run(
    'UPDATE devices SET revoked = true WHERE account = $1 AND device = $2',
    account,
    blob(device),
  );
  await endSessions(sql, account, { device: blob(device) });
  return true;
}

export async function addDevice(
  sql: Sql,
  account: Uint8Array,
  device: DeviceId,
  nowMs: number,
): Promise<void> {
  await sql.run(
    'INSERT INTO devices (account, device, last_heard_ms) VALUES ($1, $2, $3)',
    account,
    blob(device),
    nowMs,
  );
}

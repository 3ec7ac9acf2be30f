/** Entries of a device chain as they come in requests, and what the audit log says of them. */
import { MalformedError } from '../../protocol/bytes.ts';
import {
  decodeChainEntry,
  decodeSignedEntry,
  replayChain,
  type ChainBody,
  type ChainEntry,
  type DeviceChain,
  type SignedChainEntry,
} from '../../protocol/device-chain.ts';
import type { AccountId, DeviceId } from '../../protocol/ids.ts';
import { MAX_CHAIN_ENTRY_BYTES } from '../../protocol/limits.ts';
import type { NewAuditEntry } from '../audit/entry.ts';
import type { AuditRecorder, Caller } from '../audit/recorder.ts';
import { Refusal } from '../refusal.ts';

/** @throws Refusal bad-request */
export function parseEntry(encoded: Uint8Array): { signed: SignedChainEntry; entry: ChainEntry } {
  try {
    if (encoded.length > MAX_CHAIN_ENTRY_BYTES + 96)
      throw new MalformedError('a device chain entry too large');
    const signed = decodeSignedEntry(encoded);
    return { signed, entry: decodeChainEntry(signed.bytes) };
  } catch (error) {
    if (error instanceof MalformedError) throw new Refusal('bad-request', error.message);
    throw error;
  }
}

/** The chain a sign-up brings: genesis, the account's key, one device. @throws Refusal */
export function firstChain(encoded: readonly Uint8Array[]): { chain: DeviceChain; device: DeviceId } {
  const parsed = encoded.map(parseEntry);
  const result = replayChain(parsed.map((entry) => entry.signed));
  if (!result.ok) throw new Refusal('refused', `the device chain does not verify: ${result.fault}`);
  const { chain } = result;
  const [device, ...others] = chain.devices.keys();
  const onlyBeginnings = parsed.every(({ entry }) =>
    ['genesis', 'account-key', 'add'].includes(entry.body.kind),
  );
  if (device === undefined || others.length > 0 || chain.accountKey === null || !onlyBeginnings) {
    throw new Refusal('bad-request', 'a new account has a genesis, an account key and one device');
  }
  return { chain, device };
}

/** Null for an entry that lets nobody in or out; what a notice tells has an entry of its own. */
export function auditOfEntry(
  audit: AuditRecorder,
  account: AccountId,
  body: ChainBody,
  caller: Caller,
): NewAuditEntry | null {
  switch (body.kind) {
    case 'add':
      return audit.entry('device-enrolled', caller, { account, device: body.device });
    case 'revoke':
      return audit.entry('device-revoked', caller, { account, device: body.device });
    case 'void':
      return audit.entry('vault-rewound', caller, { account });
    case 'genesis':
    case 'account-key':
    case 'notice':
      return null;
  }
}

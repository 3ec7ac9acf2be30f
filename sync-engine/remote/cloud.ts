/**
 * The account server as a port. Everything that passes here is sealed, signed or public; this room never
 * imports crypto. `http-cloud.ts` speaks the real protocol, `test/fakes` a simulated one; both pass
 * `cloud-acceptance.ts`.
 */
import type {
  ChangesPage,
  CloudEvent,
  HistoryItem,
  ReceivedHeader,
  StatePage,
} from '../../protocol/pages.ts';
import type { AccountAnswer, Head } from '../../protocol/cloud.ts';
import type { CloudErrorCode } from '../../protocol/errors.ts';
import type { NodeId, PackName, VaultId } from '../../protocol/ids.ts';
import type { SignedChainEntry } from '../../protocol/device-chain.ts';

/** Why a request failed: the server's own code, or what kept it from answering. */
export type CloudFault =
  | CloudErrorCode
  | 'offline' // no connection, cut, timed out
  | 'restarting' // an event socket only: the server goes, another or itself takes over at once
  | 'certificate' // TLS does not lead to the pinned or trusted certificate
  | 'stranger' // what answered is no account server: a captive portal, a proxy
  | 'malformed'; // the answer is an account server's, and does not parse or is beyond its bounds

/** A server that asks for a longer wait is asked again anyway: an upload would rest for weeks otherwise. */
const MOST_WAIT_S = 3600;

export class CloudError extends Error {
  override readonly name = 'CloudError';
  readonly fault: CloudFault;
  /** Seconds the server asks to wait, within an hour. */
  readonly retryAfterS: number | null;

  constructor(fault: CloudFault, message: string, retryAfterS: number | null = null, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
    this.retryAfterS = retryAfterS === null ? null : Math.min(Math.max(0, retryAfterS), MOST_WAIT_S);
  }
}

export type CommitOutcome =
  | { readonly kind: 'committed'; readonly seq: number; readonly receivedAtMs: number }
  | { readonly kind: 'stale-head'; readonly head: Head }
  /** The device chain moved on (a revocation): read it, then try again. */
  | { readonly kind: 'stale-chain' }
  | { readonly kind: 'pack-missing'; readonly packs: readonly PackName[] }
  | {
      readonly kind: 'quota';
      readonly usedBytes: number;
      readonly limitBytes: number;
      readonly returnsAtMs: number | null;
    };

export type PutPackOutcome =
  | { readonly kind: 'stored' }
  | {
      readonly kind: 'quota';
      readonly usedBytes: number;
      readonly limitBytes: number;
      readonly returnsAtMs: number | null;
    }
  | { readonly kind: 'deleting' };

/** The bytes of a pack, opened again for each attempt. */
export interface PackBody {
  readonly size: number;
  chunks(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

export interface CloudEvents {
  /** `lost` is called once when the connection ends; the caller reconnects with back-off. */
  close(): void;
}

/** Methods throw CloudError. All are safe to repeat. */
export interface Cloud {
  account(): Promise<AccountAnswer>;
  vaults(): Promise<readonly { vault: VaultId; head: Head; createdAtMs: number }[]>;
  chain(from: number): Promise<{ length: number; entries: SignedChainEntry[] }>;

  changes(vault: VaultId, after: number): Promise<ChangesPage>;
  state(vault: VaultId, at: number, cursor: string | null): Promise<StatePage>;
  headers(vault: VaultId, from: number, to: number): Promise<ReceivedHeader[]>;
  history(vault: VaultId, node: NodeId): Promise<HistoryItem[]>;
  headAt(vault: VaultId, timeMs: number): Promise<Head | null>;
  epochs(vault: VaultId): Promise<
    readonly {
      epoch: number;
      header: Uint8Array;
      signature: Uint8Array;
      opening: Uint8Array;
      wraps: Uint8Array;
    }[]
  >;
  /** `frame`: an encoded commit frame. */
  commit(vault: VaultId, frame: Uint8Array): Promise<CommitOutcome>;
  putPack(vault: VaultId, name: PackName, body: PackBody, signal?: AbortSignal): Promise<PutPackOutcome>;
  /** Bytes [start, end) of a pack; where `end` lies beyond the pack, fewer. They are the caller's to keep or move. */
  getPack(
    vault: VaultId,
    name: PackName,
    start: number,
    end: number,
    signal?: AbortSignal,
  ): Promise<Uint8Array>;
  lease(vault: VaultId): Promise<{ granted: boolean; seconds: number }>;
  purge(vault: VaultId, packs: readonly PackName[], grant: string): Promise<void>;

  events(handlers: {
    event(event: CloudEvent): void;
    opened(): void;
    lost(fault: CloudFault): void;
  }): CloudEvents;
}

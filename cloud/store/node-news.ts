/**
 * What the nodes of one account server tell each other, as a port: that something of an account moved, never what.
 * A notice may be lost; `missed` says that some may have been, and a poll finds what it did not say.
 */
import type { AccountId, VaultId } from '../../protocol/ids.ts';

export type Notice =
  /** The vault has this commit now. */
  | { readonly kind: 'commit'; readonly account: AccountId; readonly vault: VaultId; readonly seq: number }
  /** Its log went back to this one. */
  | { readonly kind: 'head'; readonly account: AccountId; readonly vault: VaultId; readonly seq: number }
  /** It is new. */
  | { readonly kind: 'vaults'; readonly account: AccountId }
  | { readonly kind: 'chain'; readonly account: AccountId }
  /** Some have ended. */
  | { readonly kind: 'sessions'; readonly account: AccountId };

export interface NewsListener {
  /** By another node. */
  heard(notice: Notice): void;
  /** Notices may have been lost. */
  missed(): void;
}

export const NO_LISTENER: NewsListener = { heard: () => undefined, missed: () => undefined };

export interface NodeNews {
  /** Tells every other node, soon. */
  tell(notice: Notice): void;
  listen(listener: NewsListener): void;
  close(): Promise<void>;
}

/** For a server that is the only one. */
export const NO_OTHER_NODES: NodeNews = {
  tell: () => undefined,
  listen: () => undefined,
  close: () => Promise.resolve(),
};

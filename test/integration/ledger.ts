/**
 * What was ever written in a run, by the SHA-256 of the bytes, and what Coffre must still be able to give back.
 * Content that its own person destroyed may be gone if no scan had seen it. Whatever was on disk when both
 * devices were in sync, or had reached another device, was seen for certain; and what nobody but Coffre
 * itself could have removed must be somewhere.
 */
import { sha256 } from './folder-print.ts';

interface Entry {
  readonly writer: string;
  readonly size: number;
  readonly path: string;
  isSecured: boolean;
  isDestroyed: boolean;
}

export class Ledger {
  readonly #entries = new Map<string, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  wrote(writer: string, path: string, bytes: Uint8Array): void {
    const hash = sha256(bytes);
    if (bytes.length === 0 || this.#entries.has(hash)) return;
    this.#entries.set(hash, { writer, size: bytes.length, path, isSecured: false, isDestroyed: false });
  }

  /** A person is about to overwrite or delete these bytes on their device. */
  destroying(person: string, bytes: Uint8Array): void {
    const entry = this.#entries.get(sha256(bytes));
    if (entry === undefined) return;
    if (entry.writer !== person) entry.isSecured = true;
    else entry.isDestroyed = true;
  }

  /** These were on disk when everything was in sync. */
  secure(hashes: Iterable<string>): void {
    for (const hash of hashes) {
      const entry = this.#entries.get(hash);
      if (entry !== undefined) entry.isSecured = true;
    }
  }

  /** What must be reachable: hash, size in bytes and where it was written. */
  required(): Map<string, { readonly size: number; readonly path: string }> {
    return new Map([...this.#entries].filter(([, entry]) => entry.isSecured || !entry.isDestroyed));
  }
}

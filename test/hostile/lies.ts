/**
 * The dishonest server as a device meets it: every method of the cloud can be made to lie, and everything that
 * was asked is on record. What a lie answers in bytes goes through the decoders of the wire, as the real client's
 * answers do.
 */
import { encodeFrame } from '../../protocol/commit.ts';
import { MalformedError } from '../../protocol/bytes.ts';
import type { Hash } from '../../protocol/ids.ts';
import { decodeChangesPage, encodeChangesPage, type ChangesPage } from '../../protocol/pages.ts';
import { CloudError, type Cloud } from '../../sync-engine/remote/cloud.ts';

/** For each method: the honest answer on demand, and the arguments; what it returns is what the device gets. */
export type Lies = {
  [M in keyof Cloud]?: (honest: Cloud, ...args: Parameters<Cloud[M]>) => ReturnType<Cloud[M]>;
};

export interface LyingCloud {
  readonly cloud: Cloud;
  /** May be changed at any time. */
  lies: Lies;
  /** Methods asked for, in order. */
  readonly asked: (keyof Cloud)[];
  /** The server tells the device of nothing by itself. */
  silent: boolean;
}

export function lyingCloud(honest: Cloud): LyingCloud {
  const lying = { cloud: honest, lies: {} as Lies, asked: [] as (keyof Cloud)[], silent: false };
  const events: Cloud['events'] = (handlers) =>
    honest.events({
      ...handlers,
      event: (event) => {
        if (!lying.silent) handlers.event(event);
      },
    });
  lying.cloud = new Proxy(honest, {
    get: (target, name) => {
      const method = name as keyof Cloud;
      const own: unknown = Reflect.get(target, method);
      if (typeof own !== 'function') return own;
      return (...args: unknown[]): unknown => {
        lying.asked.push(method);
        if (method === 'events') return events(...(args as Parameters<Cloud['events']>));
        const lie = lying.lies[method] as ((honest: Cloud, ...args: unknown[]) => unknown) | undefined;
        return lie === undefined ? Reflect.apply(own, target, args) : lie(target, ...args);
      };
    },
  });
  return lying;
}

/** Requests by which a device gives something away or changes something. */
export const TELLING: ReadonlySet<keyof Cloud> = new Set(['commit', 'putPack', 'purge', 'lease']);

/** As `HttpCloud` does: an answer that does not decode is a fault of the server. */
export function overTheWire<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof MalformedError) throw new CloudError('malformed', error.message);
    throw error;
  }
}

/** A page of other commits than the server has. @throws CloudError */
export function forgedPage(head: { seq: number; hash: Hash }, frames: readonly Uint8Array[]): ChangesPage {
  return overTheWire(() =>
    decodeChangesPage(
      encodeChangesPage(
        head.seq,
        head.hash,
        frames.map((frame) => ({ receivedAtMs: 1, frame })),
      ),
    ),
  );
}

/** The bytes of the commits of a page, to be altered. */
export function framesOf(page: ChangesPage): Uint8Array[] {
  return page.commits.map(({ frame }) => encodeFrame(frame));
}

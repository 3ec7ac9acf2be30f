import { randomBytes } from 'node:crypto';

/** A source of bytes. Injected wherever chance enters, so that a seeded simulation and frozen vectors own it. */
export type Random = (size: number) => Uint8Array;

export const secureRandom: Random = (size) => randomBytes(size);

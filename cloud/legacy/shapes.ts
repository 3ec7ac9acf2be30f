/**
 * Made-up answers for addresses that nobody imported. They are drawn from what was imported, by a keyed hash of the
 * address, so that each is the same at every asking and all together look like those of members. A further import
 * changes the answers of as large a part of the strangers as it brings rows.
 */
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { legacyParametersSchema, type LegacyParameters } from '../../protocol/legacy.ts';
import type { ImportedShape } from '../store/legacy-store.ts';

/** Salts that are text look like text. */
const ALPHABETS = {
  bytes: null,
  alphanumeric: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
  hex: '0123456789abcdef',
} as const;
type SaltKind = keyof typeof ALPHABETS;
const LEAST_TEXT_BYTES = 8;

const shapeSchema = z.object({
  /** With a salt of zeros as long as theirs. */
  parameters: legacyParametersSchema,
  salt: z.enum(Object.keys(ALPHABETS) as [SaltKind, ...SaltKind[]]),
});

/** One text for all parameters that differ by their salt alone. */
export function shapeOf(parameters: LegacyParameters): string {
  const salt = Buffer.from(parameters.salt, 'base64');
  const zeros = Buffer.alloc(salt.length).toString('base64');
  return JSON.stringify({ parameters: { ...parameters, salt: zeros }, salt: kindOf(salt) });
}

function kindOf(salt: Buffer): SaltKind {
  if (salt.length < LEAST_TEXT_BYTES) return 'bytes';
  const text = salt.toString('latin1');
  if (/^[0-9a-f]+$/.test(text)) return 'hex';
  return /^[0-9A-Za-z]+$/.test(text) ? 'alphanumeric' : 'bytes';
}

/** @param key the server's secret; @param shapes one at least */
export function drawnParameters(
  key: Uint8Array,
  email: string,
  shapes: readonly ImportedShape[],
): LegacyParameters {
  // The least of exponential draws, each at the rate of its rows: a share of the addresses as large as the share of
  // the rows, and one more shape takes its share without moving the others.
  let chosen: { readonly shape: ImportedShape; readonly draw: number } | null = null;
  for (const shape of shapes) {
    const draw = -Math.log(fraction(keyed(key, 'shape', shape, email))) / shape.rows;
    if (chosen === null || draw < chosen.draw) chosen = { shape, draw };
  }
  if (chosen === null) throw new Error('nothing to draw from');
  const { parameters, salt: kind } = shapeSchema.parse(JSON.parse(chosen.shape.shape));
  const length = Buffer.from(parameters.salt, 'base64').length;
  const salt = saltOf(keyed(key, 'salt', chosen.shape, email), kind, length);
  return { ...parameters, salt: salt.toString('base64') };
}

function keyed(key: Uint8Array, purpose: string, shape: ImportedShape, email: string): Buffer {
  const text = JSON.stringify([purpose, shape.import, shape.shape, email]);
  return createHmac('sha512', key).update(text).digest();
}

/** Above 0 and below 1. */
function fraction(random: Buffer): number {
  return (random.readUIntBE(0, 6) + 0.5) / 2 ** 48;
}

/** 64 random bytes are as many as a salt has at most. */
function saltOf(random: Buffer, kind: SaltKind, length: number): Buffer {
  const alphabet = ALPHABETS[kind];
  if (alphabet === null) return random.subarray(0, length);
  // Spread further than a byte, so that no letter is seen more often than in the real ones.
  let number = BigInt(
    `0x${createHmac('sha512', random).update('text').digest('hex')}${random.toString('hex')}`,
  );
  const base = BigInt(alphabet.length);
  let text = '';
  for (let at = 0; at < length; at += 1) {
    text += alphabet[Number(number % base)] ?? '';
    number /= base;
  }
  return Buffer.from(text, 'latin1');
}

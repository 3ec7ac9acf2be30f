/** Bytes near to valid ones: what a fault, or somebody who means harm, makes of a sample. */
import fc from 'fast-check';

/** Values at which lengths and counts go wrong, as varints and as fixed integers. */
const EDGES = [
  '00',
  '01',
  '7f',
  '8000',
  '80808080808080808001',
  'ffffffffffffffffff01',
  'ffffffff0f',
  'ffffffff',
  '7fffffff',
  'ffffffffffffffff',
  '001fffffffffffff',
  '0020000000000000',
].map((text) => Buffer.from(text, 'hex'));

type Change = (bytes: Buffer) => Buffer;

const place = fc.double({ min: 0, max: 1, noNaN: true });
const at = (bytes: Buffer, where: number): number =>
  Math.min(bytes.length, Math.floor(where * (bytes.length + 1)));

/** One change: a bit, a byte, an edge value, something cut, doubled, moved or put in between. */
function change(others: readonly Uint8Array[]): fc.Arbitrary<Change> {
  const flip = fc.tuple(place, fc.nat(7)).map(([where, bit]): Change => (bytes) => {
    if (bytes.length === 0) return bytes;
    const changed = Buffer.from(bytes);
    const index = Math.min(bytes.length - 1, at(bytes, where));
    changed[index] = (changed[index] ?? 0) ^ (1 << bit);
    return changed;
  });
  const edge = fc
    .tuple(place, fc.constantFrom(...EDGES), fc.boolean())
    .map(([where, value, over]): Change => (bytes) => {
      const index = at(bytes, where);
      const rest = bytes.subarray(over ? Math.min(bytes.length, index + value.length) : index);
      return Buffer.concat([bytes.subarray(0, index), value, rest]);
    });
  const cut = fc.tuple(place, place).map(([from, to]): Change => (bytes) => {
    const [first, last] = [at(bytes, Math.min(from, to)), at(bytes, Math.max(from, to))];
    return Buffer.concat([bytes.subarray(0, first), bytes.subarray(last)]);
  });
  const truncate = place.map(
    (where): Change =>
      (bytes) =>
        bytes.subarray(0, at(bytes, where)),
  );
  const double = fc.tuple(place, place).map(([from, to]): Change => (bytes) => {
    const [first, last] = [at(bytes, Math.min(from, to)), at(bytes, Math.max(from, to))];
    return Buffer.concat([bytes.subarray(0, last), bytes.subarray(first)]);
  });
  const splice = fc
    .tuple(place, place, fc.nat(others.length - 1))
    .map(([where, from, which]): Change => (bytes) => {
      const other = Buffer.from(others[which] ?? []);
      return Buffer.concat([bytes.subarray(0, at(bytes, where)), other.subarray(at(other, from))]);
    });
  const insert = fc
    .tuple(place, fc.uint8Array({ maxLength: 16 }))
    .map(([where, added]): Change => (bytes) => {
      const index = at(bytes, where);
      return Buffer.concat([bytes.subarray(0, index), added, bytes.subarray(index)]);
    });
  return fc.oneof(flip, edge, cut, truncate, double, splice, insert);
}

/** A sample with one to four changes. */
export function mutated(samples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.constantFrom(...samples), fc.array(change(samples), { minLength: 1, maxLength: 4 }))
    .map(([sample, changes]) => {
      const bytes = changes.reduce<Buffer>((now, one) => one(now), Buffer.from(sample));
      return Uint8Array.from(bytes);
    });
}

/**
 * Every decoder of bytes from elsewhere, on bytes near to valid ones: it answers or refuses, and what it takes it
 * would have written itself. `FUZZ_RUNS=100000 npm test -- --only fuzz` for a long run.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../protocol/bytes.ts';
import {
  decodeEntries,
  decodeFrame,
  decodeHeader,
  decodePacks,
  encodeEntries,
  encodeFrame,
  encodeHeader,
  encodePacks,
} from '../../protocol/commit.ts';
import {
  decodeChainEntry,
  decodeSignedEntry,
  encodeChainEntry,
  encodeSignedEntry,
} from '../../protocol/device-chain.ts';
import {
  decodeChangesPage,
  decodeEvent,
  decodeHeadersPage,
  decodeHistoryPage,
  decodeStatePage,
  encodeHeadersPage,
  encodeHistoryPage,
  encodeStatePage,
} from '../../protocol/pages.ts';
import { decodeList, encodeList } from '../../sync-engine/crypto/content.ts';
import { decodePackIndex, encodePackIndex } from '../../sync-engine/crypto/pack-index.ts';
import { decodeRecord, encodeRecord } from '../../sync-engine/crypto/record.ts';
import { run } from '../vectors/operations.ts';
import { mutated } from './mutations.ts';
import { fieldsOf, samples, vectorsOf } from './samples.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 2000);
const timeout = Math.max(60_000, numRuns * 20);
/** A declared length or count must not be believed before its bytes are there. */
const MOST_BYTES = 8 * 1024 * 1024;

interface Decoder {
  readonly name: string;
  readonly from: readonly Uint8Array[];
  /** What was taken, encoded again; null where no encoder stands against it. */
  readonly again: (bytes: Uint8Array) => Uint8Array | null;
}

/** Records and indexes are filled up with zeros before they are sealed, whatever their length. */
function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/(00)+$/, '');
}

const decoders: readonly Decoder[] = [
  { name: 'commit', from: samples.frames, again: (bytes) => encodeFrame(decodeFrame(bytes)) },
  { name: 'commit header', from: samples.headers, again: (bytes) => encodeHeader(decodeHeader(bytes)) },
  { name: 'entries', from: samples.entries, again: (bytes) => encodeEntries(decodeEntries(bytes)) },
  { name: 'pack changes', from: samples.packs, again: (bytes) => encodePacks(decodePacks(bytes)) },
  { name: 'changes', from: samples.changes, again: (bytes) => (decodeChangesPage(bytes), null) },
  {
    name: 'headers',
    from: samples.headersPage,
    again: (bytes) => encodeHeadersPage(decodeHeadersPage(bytes)),
  },
  { name: 'live state', from: samples.state, again: (bytes) => encodeStatePage(decodeStatePage(bytes)) },
  { name: 'history', from: samples.history, again: (bytes) => encodeHistoryPage(decodeHistoryPage(bytes)) },
  { name: 'event', from: samples.events, again: (bytes) => (decodeEvent(bytes), null) },
  {
    name: 'signed chain entry',
    from: samples.chain,
    again: (bytes) => encodeSignedEntry(decodeSignedEntry(bytes)),
  },
  {
    name: 'chain entry',
    from: samples.chain.map((entry) => decodeSignedEntry(entry).bytes),
    again: (bytes) => encodeChainEntry(decodeChainEntry(bytes)),
  },
  {
    name: 'record',
    from: samples.recordPlain,
    again: (bytes) => {
      const decoded = decodeRecord(bytes);
      return decoded.ok ? encodeRecord(decoded.record) : null;
    },
  },
  { name: 'pack index', from: samples.indexPlain, again: (bytes) => encodePackIndex(decodePackIndex(bytes)) },
  { name: 'chunk list', from: samples.lists, again: (bytes) => encodeList(decodeList(bytes, 0), 0) },
  { name: 'list of lists', from: samples.lists, again: (bytes) => encodeList(decodeList(bytes, 1), 1) },
];

describe('decoders of bytes from elsewhere', () => {
  it.each(decoders)(
    '$name: answers or refuses, takes only what it would write, allocates no more than it got',
    ({ again, from }) => {
      expect(from.length).toBeGreaterThan(0);
      fc.assert(
        fc.property(mutated(from), (bytes) => {
          const before = process.memoryUsage().arrayBuffers;
          try {
            const encoded = again(bytes);
            if (encoded !== null) expect(unpadded(encoded), 'encodes as it came').toBe(unpadded(bytes));
          } catch (error) {
            if (!(error instanceof MalformedError)) throw error;
          }
          expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MOST_BYTES);
        }),
        { numRuns },
      );
    },
    timeout,
  );
});

/** What opens sealed or signed bytes: any change of them is refused, with a reason and nothing thrown. */
const sealed = [
  { file: 'objects', operation: 'object-open', field: 'sealed' },
  { file: 'records', operation: 'record-open', field: 'sealed' },
  { file: 'indexes', operation: 'index-open', field: 'sealed' },
  { file: 'segments', operation: 'segment-open', field: 'sealed' },
  { file: 'accounts', operation: 'device-name-open', field: 'sealed' },
  { file: 'accounts', operation: 'wraps-open', field: 'wraps' },
  { file: 'accounts', operation: 'wraps-previous', field: 'wraps' },
  { file: 'log', operation: 'commit-decode', field: 'frame' },
] as const;

describe('what is sealed or signed', () => {
  it.each(sealed)(
    '$operation refuses every change',
    async ({ file, operation, field }) => {
      const vectors = vectorsOf(file).filter((vector) => vector.operation === operation);
      const accepted = vectors.filter(({ expected }) => !JSON.stringify(expected).startsWith('{"refused"'));
      const originals = new Map(accepted.map((vector) => [vector.input[field] as string, vector]));
      expect(accepted.length).toBeGreaterThan(0);
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...accepted),
          mutated(fieldsOf(file, operation, field, true)),
          async ({ input, expected }, bytes) => {
            const hex = Buffer.from(bytes).toString('hex');
            const result = await run({ operation, input: { ...input, [field]: hex } });
            const isItself = hex === input[field] || originals.get(hex)?.expected === expected;
            if (isItself) return;
            const text = JSON.stringify(result);
            // Padding behind the wraps of others, or another valid sample of the same key, may stand.
            if (!text.startsWith('{"refused"'))
              expect(result).toEqual(originals.get(hex)?.expected ?? expected);
          },
        ),
        { numRuns: Math.ceil(numRuns / 4) },
      );
    },
    timeout,
  );
});

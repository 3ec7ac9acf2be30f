/** Valid bytes of every binary form, from the frozen vectors and from what the encoders make of them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { decodeFrame, encodeEntries, encodePacks } from '../../protocol/commit.ts';
import {
  fromHex,
  type Hash,
  type NodeId,
  type PackName,
  type SealedObject,
  type VaultId,
} from '../../protocol/ids.ts';
import {
  encodeChangesPage,
  encodeCommitEvent,
  encodeEvent,
  encodeHeadersPage,
  encodeHistoryPage,
  encodeStatePage,
} from '../../protocol/pages.ts';
import type { Json, Vector } from '../vectors/operations.ts';

const folder = path.join(import.meta.dirname, '..', 'vectors');

export function vectorsOf(file: string): Vector[] {
  return JSON.parse(readFileSync(path.join(folder, `${file}.json`), 'utf8')) as Vector[];
}

function isRefusal(expected: Json): boolean {
  return expected === false || JSON.stringify(expected).startsWith('{"refused"');
}

/** A field of the inputs of one operation; of those that are accepted when `valid`. */
export function fieldsOf(file: string, operation: string, field: string, valid: boolean): Uint8Array[] {
  return vectorsOf(file)
    .filter((vector) => vector.operation === operation && !(valid && isRefusal(vector.expected)))
    .map(({ input }) => fromHex(input[field] as string));
}

const VAULT = 'fe3bdd764a972bf987aba660f2f03556' as VaultId;
const NODE = 'eb79a493841e1f16c0af968f42f0c50c' as NodeId;
const HASH = 'b9051d999fbe79d0ee4a7b2b0f17f100c169ef275d8f1850e63fb7291e1dc295' as Hash;
const PACK = 'deb14a08f506049d66a8d1b9051d999fbe79d0ee4a7b2b0f17f100c169ef275d' as PackName;
const NOW_MS = 1_800_000_000_000;

const frames = fieldsOf('log', 'commit-decode', 'frame', true);
const decoded = frames.map((frame) => decodeFrame(frame));
const commits = frames.map((frame) => ({ receivedAtMs: NOW_MS, frame }));
const headers = decoded.map(({ signed }) => ({ receivedAtMs: NOW_MS, signed }));
const objects = fieldsOf('records', 'record-open', 'sealed', true) as SealedObject[];
const indexes = fieldsOf('indexes', 'index-open', 'sealed', true) as SealedObject[];
const entries = vectorsOf('accounts')
  .filter(({ operation, expected }) => operation === 'chain-replay' && !isRefusal(expected))
  .flatMap(({ input }) => (input['entries'] as string[]).map(fromHex));
const [object] = objects;
if (object === undefined || indexes.length === 0) throw new Error('the vectors hold no samples');

export const samples = {
  frames,
  headers: decoded.map(({ signed }) => signed.bytes),
  entries: [encodeEntries([]), ...decoded.map((frame) => encodeEntries(frame.entries))],
  packs: decoded.map((frame) => encodePacks(frame.packs)),
  changes: [encodeChangesPage(3, HASH, commits), encodeChangesPage(0, HASH, [])],
  headersPage: [encodeHeadersPage(headers), encodeHeadersPage([])],
  state: [
    encodeStatePage({
      nodes: objects.map((one, at) => ({ node: NODE, revision: at + 1, object: one })),
      packs: indexes.map((one) => ({ name: PACK, size: 65_536, index: one })),
      nextCursor: 'more',
    }),
    encodeStatePage({ nodes: [], packs: [], nextCursor: null }),
  ],
  history: [
    encodeHistoryPage([]),
    encodeHistoryPage(
      decoded.map((frame, at) => ({
        receivedAtMs: NOW_MS,
        signed: frame.signed,
        entries: encodeEntries(frame.entries),
        revision: at + 1,
        object: at === 0 ? null : object,
      })),
    ),
  ],
  events: [
    ...commits.map(({ receivedAtMs, frame }) => encodeCommitEvent(VAULT, receivedAtMs, frame)),
    encodeEvent({ kind: 'head', vault: VAULT, seq: 9, hash: HASH }),
    encodeEvent({ kind: 'chain', length: 4 }),
    encodeEvent({ kind: 'vaults' }),
  ],
  chain: entries,
  recordPlain: fieldsOf('records', 'record-decode', 'bytes', false),
  indexPlain: fieldsOf('indexes', 'index-decode', 'bytes', true),
  lists: fieldsOf('segments', 'list-decode', 'bytes', true),
};

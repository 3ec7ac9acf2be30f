import { describe, expect, it } from 'vitest';
import { decodeFrame, NO_PACKS } from '../../protocol/commit.ts';
import {
  EMPTY_CONTENT,
  ROOT_NODE,
  ZERO_HASH,
  type Hash,
  type NodeId,
  type PackName,
  type VaultId,
} from '../../protocol/ids.ts';
import { MAX_RECORD_BYTES } from '../../protocol/limits.ts';
import { hashOf } from '../../protocol/signing.ts';
import { seededRandom } from '../../test/fakes/seeded-random.ts';
import { contentIdOf } from './content.ts';
import { buildCommit, verifyCommitSignature, type CommitDraft } from './commit-sign.ts';
import { makeBoxKeys, makeDeviceKeys } from './identity.ts';
import {
  decodeRecord,
  encodeRecord,
  openRecord,
  recordFault,
  sealRecord,
  type NodeRecord,
} from './record.ts';
import { LiveSum, type LiveTerm } from './root.ts';
import { epochKeyCheck, makeEpochKey, VaultKeys } from './vault-keys.ts';
import { openPreviousKey, openWrap, wrapEpochKey } from './wraps.ts';

const random = seededRandom('log tests');
const vault = '0c'.repeat(16) as VaultId;
const keys = new VaultKeys(vault, [
  [0, makeEpochKey(random)],
  [1, makeEpochKey(random)],
]);
const node = 'd1'.repeat(16) as NodeId;
const content = keys.chunkId(Buffer.from('content'));

const file: NodeRecord = {
  parent: ROOT_NODE,
  name: 'Überraschung 🎁.txt',
  type: 'file',
  mode: 0o644,
  mtimeUs: -1_234_567,
  size: 7,
  depth: 0,
  list: [{ chunk: content, length: 7 }],
  content: contentIdOf([{ chunk: content, length: 7 }]),
};
/** The same with another list, its content id following. */
function filled(
  list: NodeRecord['list'],
  size = list.reduce((sum, entry) => sum + entry.length, 0),
): NodeRecord {
  return { ...file, list, size, content: contentIdOf(list) };
}
const folder: NodeRecord = {
  ...file,
  type: 'folder',
  mode: 0o755,
  mtimeUs: 0,
  size: 0,
  list: [],
  content: null,
};
const symlink: NodeRecord = { ...file, type: 'symlink', mode: 0o777, mtimeUs: 0 };

describe('records', () => {
  it.each([file, folder, symlink, filled([])])('come back: $type of $size bytes', (record) => {
    const sealed = sealRecord(keys, 1, node, 4, record, random);
    expect(openRecord(keys, node, 4, sealed)).toEqual({ ok: true, record, epoch: 1 });
  });

  it('are bound to their node and revision', () => {
    const sealed = sealRecord(keys, 1, node, 4, file, random);
    const refused = { ok: false, fault: 'wrong-commitment' };
    expect(openRecord(keys, node, 5, sealed)).toEqual(refused);
    expect(openRecord(keys, 'd2'.repeat(16) as NodeId, 4, sealed)).toEqual(refused);
    const elsewhere = new VaultKeys('0d'.repeat(16) as VaultId, [[1, keys.epochKey(1)]]);
    expect(openRecord(elsewhere, node, 4, sealed)).toEqual(refused);
    expect(openRecord(new VaultKeys(vault, [[0, keys.epochKey(0)]]), node, 4, sealed)).toEqual({
      ok: false,
      fault: 'wrong-epoch',
    });
  });

  it('stay within their limit with the longest name and list, and look alike when small', () => {
    const list = Array.from({ length: 64 }, () => ({ chunk: content, length: 2 ** 44 }));
    const largest = { ...file, name: 'n'.repeat(255), depth: 2, list, size: 2 ** 50 };
    const sealed = sealRecord(keys, 1, node, 4, largest, random);
    expect(sealed.length).toBeLessThan(4096);
    expect(sealed.length).toBeLessThan(MAX_RECORD_BYTES);
    expect(openRecord(keys, node, 4, sealed)).toMatchObject({ ok: true, record: largest });
    const sizes = [1, 103, 104, 255].map(
      (length) => sealRecord(keys, 1, node, 4, { ...file, name: 'n'.repeat(length) }, random).length,
    );
    expect(sizes).toEqual([256, 256, 512, 512]);
  });

  it.each<[string, Partial<NodeRecord>, string]>([
    ['an empty name', { name: '' }, 'bad-name'],
    ['.', { name: '.' }, 'bad-name'],
    ['..', { name: '..' }, 'bad-name'],
    ['a separator', { name: 'a/b' }, 'bad-name'],
    ['a NUL', { name: 'a\0' }, 'bad-name'],
    ['half a surrogate pair', { name: 'a\ud800' }, 'bad-name'],
    ['256 bytes of name', { name: 'é'.repeat(128) }, 'bad-name'],
    ['a set-uid bit', { mode: 0o4755 }, 'bad-mode'],
    ['a negative mode', { mode: -1 }, 'bad-mode'],
    ['a fraction of a microsecond', { mtimeUs: 0.5 }, 'bad-encoding'],
    ['a size that is not the sum', { size: 8 }, 'bad-content'],
    ['an empty entry', filled([{ chunk: content, length: 0 }]), 'bad-content'],
    ['an entry larger than a pack', filled([{ chunk: content, length: 2 ** 30 }]), 'bad-content'],
    ['depth without a list', { ...filled([]), depth: 1 }, 'bad-content'],
    ['a list too deep', { depth: 5 }, 'bad-content'],
    ['65 entries', filled(Array.from({ length: 65 }, () => ({ chunk: content, length: 1 }))), 'bad-content'],
    ['another content id than the list gives', { content: EMPTY_CONTENT }, 'bad-content'],
    ['a file without a content id', { content: null }, 'bad-content'],
    ['a folder with content', { type: 'folder' }, 'bad-content'],
    ['a folder with a content id', { ...folder, content: EMPTY_CONTENT }, 'bad-content'],
    ['a symlink to nowhere', { ...filled([]), type: 'symlink' }, 'bad-content'],
    ['a symlink with a list of lists', { type: 'symlink', depth: 1 }, 'bad-content'],
    [
      'a symlink of 64 KiB and 1',
      { ...filled([{ chunk: content, length: 65_537 }]), type: 'symlink' },
      'bad-content',
    ],
  ])('refuse %s', (_, change, fault) => {
    const record = { ...file, ...change };
    expect(recordFault(record)).toBe(fault);
    expect(() => encodeRecord(record)).toThrow(RangeError);
  });

  it('refuse what is behind them unless it is zeros, and text that is not UTF-8', () => {
    const bytes = Buffer.from(encodeRecord(folder));
    expect(decodeRecord(Buffer.concat([bytes, Buffer.alloc(9)]))).toMatchObject({ ok: true });
    expect(decodeRecord(Buffer.concat([bytes, Buffer.from([0, 1])]))).toEqual({
      ok: false,
      fault: 'bad-padding',
    });
    bytes[bytes.length - 1] = 0xff;
    expect(decodeRecord(bytes)).toEqual({ ok: false, fault: 'bad-encoding' });
    for (let length = 0; length < bytes.length; length += 1) {
      expect(decodeRecord(bytes.subarray(0, length)).ok).toBe(false);
    }
  });
});

describe('the root', () => {
  const terms: LiveTerm[] = [
    { kind: 'node', node, revision: 1, objectHash: hashOf(Buffer.from('1')) },
    { kind: 'node', node, revision: 2, objectHash: hashOf(Buffer.from('1')) },
    { kind: 'node', node, revision: 1, objectHash: hashOf(Buffer.from('2')) },
    {
      kind: 'pack',
      name: hashOf(Buffer.from('3')) as string as PackName,
      indexHash: hashOf(Buffer.from('4')),
    },
  ];

  it('does not depend on the order, and what leaves leaves no trace', () => {
    const forward = new LiveSum(keys.rootKey(0));
    for (const term of terms) forward.add(term);
    const backward = new LiveSum(keys.rootKey(0));
    for (const term of [...terms].reverse()) backward.add(term);
    expect(backward.root(9)).toBe(forward.root(9));
    const before = forward.copy();
    forward.subtract(terms[0]!);
    expect(forward.root(9)).not.toBe(before.root(9));
    expect(forward.add(terms[0]!).value).toBe(before.value);
    for (const term of terms) forward.subtract(term);
    expect(forward.value).toBe('0'.repeat(64));
  });

  it('tells apart every term, sequence number and epoch', () => {
    const roots = terms.map((term) => new LiveSum(keys.rootKey(0)).add(term).root(1));
    roots.push(new LiveSum(keys.rootKey(0)).root(1), new LiveSum(keys.rootKey(0)).root(2));
    roots.push(new LiveSum(keys.rootKey(1)).root(1));
    expect(new Set(roots).size).toBe(roots.length);
  });

  it('goes on from a stored sum', () => {
    const sum = new LiveSum(keys.rootKey(0)).add(terms[0]!);
    const restored = new LiveSum(keys.rootKey(0), sum.value);
    expect(restored.add(terms[1]!).root(3)).toBe(sum.add(terms[1]!).root(3));
    expect(() => new LiveSum(keys.rootKey(0), 'zz')).toThrow(RangeError);
  });
});

describe('commits', () => {
  const device = makeDeviceKeys(random);
  const sealed = sealRecord(keys, 0, node, 1, file, random);
  const draft: CommitDraft = {
    vault,
    epoch: 0,
    seq: 1,
    previous: ZERO_HASH,
    device: device.device,
    chainLength: 3,
    chainHead: 'aa'.repeat(32) as Hash,
    root: 'bb'.repeat(32) as Hash,
    entries: [{ node, revision: 1, objectHash: hashOf(sealed) }],
    packs: NO_PACKS,
    heads: [],
    opening: null,
    rejoin: null,
    objects: [sealed],
    indexes: [],
    inline: [],
    wraps: null,
  };

  it('travel, and verify under the device key alone', () => {
    const built = buildCommit(draft, device.signSecret);
    const frame = decodeFrame(built.frame);
    expect(frame.header).toEqual(built.header);
    expect(hashOf(frame.signed.bytes)).toBe(built.hash);
    expect(verifyCommitSignature(frame.signed, device.signKey)).toBe(true);
    expect(verifyCommitSignature(frame.signed, makeDeviceKeys(random).signKey)).toBe(false);
    const bytes = Buffer.from(frame.signed.bytes);
    bytes[50]! ^= 1;
    expect(verifyCommitSignature({ ...frame.signed, bytes }, device.signKey)).toBe(false);
  });

  it('need an object for every entry, an index for every pack, keys for every opening', () => {
    expect(() => buildCommit({ ...draft, objects: [] }, device.signSecret)).toThrow(RangeError);
    expect(() => buildCommit({ ...draft, indexes: [null] }, device.signSecret)).toThrow(RangeError);
    expect(() => buildCommit({ ...draft, wraps: random(4) }, device.signSecret)).toThrow(RangeError);
  });
});

describe('wraps', () => {
  const device = makeDeviceKeys(random);
  const box = makeBoxKeys(random);
  const recipients = [
    { id: device.device, boxKey: device.boxKey },
    { id: 'account', boxKey: box.boxKey },
  ] as const;
  const key = keys.epochKey(1);
  const keyCheck = epochKeyCheck(key, vault, 1);
  const bytes = wrapEpochKey({ vault, epoch: 1, key, previousKey: keys.epochKey(0), recipients }, random);
  const toOpen = { bytes, vault, epoch: 1, recipient: device.device, boxSecret: device.boxSecret, keyCheck };

  it('open for each recipient, and lead back to the epoch before', () => {
    expect(openWrap(toOpen)).toMatchObject({ ok: true, key });
    expect(openWrap({ ...toOpen, recipient: 'account', boxSecret: box.boxSecret })).toMatchObject({
      ok: true,
      key,
    });
    const previous = openPreviousKey(bytes, vault, 1, key, epochKeyCheck(keys.epochKey(0), vault, 0));
    expect(previous.ok && Buffer.from(previous.key).equals(keys.epochKey(0))).toBe(true);
  });

  it('refuse everyone else and every other context', () => {
    const other = makeDeviceKeys(random);
    expect(openWrap({ ...toOpen, recipient: other.device })).toEqual({ ok: false, fault: 'not-for-us' });
    expect(openWrap({ ...toOpen, boxSecret: other.boxSecret })).toEqual({ ok: false, fault: 'bad-box' });
    expect(openWrap({ ...toOpen, epoch: 2 })).toEqual({ ok: false, fault: 'bad-box' });
    expect(openWrap({ ...toOpen, vault: '0d'.repeat(16) as VaultId })).toEqual({
      ok: false,
      fault: 'bad-box',
    });
    expect(openWrap({ ...toOpen, keyCheck: ZERO_HASH })).toEqual({ ok: false, fault: 'wrong-key' });
    expect(openWrap({ ...toOpen, bytes: bytes.subarray(1) })).toEqual({ ok: false, fault: 'malformed' });
    expect(openPreviousKey(bytes, vault, 1, key, keyCheck)).toEqual({ ok: false, fault: 'wrong-key' });
    expect(openPreviousKey(bytes, vault, 1, keys.epochKey(0), keyCheck).ok).toBe(false);
  });

  it('refuse public keys of small order, in either direction', () => {
    const zero = new Uint8Array(32);
    const request = {
      vault,
      epoch: 0,
      key,
      previousKey: null,
      recipients: [{ id: 'account', boxKey: zero }],
    } as const;
    expect(() => wrapEpochKey(request, random)).toThrow(RangeError);
    const forged = Buffer.from(bytes);
    forged.fill(0, 2 + 16, 2 + 16 + 32);
    expect(openWrap({ ...toOpen, bytes: forged })).toEqual({ ok: false, fault: 'bad-box' });
  });

  it('need the key before, except in the first epoch', () => {
    expect(() => wrapEpochKey({ vault, epoch: 1, key, previousKey: null, recipients }, random)).toThrow(
      RangeError,
    );
    const first = wrapEpochKey({ vault, epoch: 0, key, previousKey: null, recipients }, random);
    expect(openPreviousKey(first, vault, 0, key, keyCheck)).toEqual({ ok: false, fault: 'malformed' });
  });
});

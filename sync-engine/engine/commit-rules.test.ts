/** Who may commit where: each rule broken alone, in a commit that keeps all the others. */
import { describe, expect, it } from 'vitest';
import { commitHash, encodeHeader, type CommitHeader, type SignedHeader } from '../../protocol/commit.ts';
import { replayChain, type DeviceChain } from '../../protocol/device-chain.ts';
import { ZERO_HASH, type Hash, type VaultId } from '../../protocol/ids.ts';
import { seededRandom } from '../../test/fakes/seeded-random.ts';
import { addDeviceEntry, genesisEntries, revokeEntry } from '../crypto/chain-entries.ts';
import { accountKeysOf, makeBoxKeys, makeDeviceKeys, makeRootKey } from '../crypto/identity.ts';
import { sign } from '../crypto/sign.ts';
import { checkAuthor, checkSuccession, follows, readHeader, type LogPosition } from './commit-rules.ts';

const random = seededRandom('commit rules');
const account = accountKeysOf(makeRootKey(random));
const [first, second] = [makeDeviceKeys(random), makeDeviceKeys(random)];
const vault = 'ab'.repeat(16) as VaultId;
const hashOf = (byte: string): Hash => byte.repeat(32) as Hash;

const founding = [...genesisEntries(account, makeBoxKeys(random), named(first, 'a'), random)];
founding.push(addDeviceEntry(account, replayed(founding), named(second, 'b'), random));

/** Four entries, and perhaps the removal of the second device. */
function chainOf(removal: { readonly seq: number; readonly hash: Hash } | null): DeviceChain {
  const chain = replayed(founding);
  if (removal === null) return chain;
  return replayed([...founding, revokeEntry(account, chain, second.device, [{ vault, ...removal }])]);
}

function replayed(entries: typeof founding): DeviceChain {
  const result = replayChain(entries);
  return result.ok ? result.chain : expect.fail(result.fault);
}

function named(keys: typeof first, name: string) {
  return { keys, name, createdAtMs: 1 };
}

function headerOn(chain: DeviceChain, other: Partial<CommitHeader>): CommitHeader {
  const chainLength = other.chainLength ?? chain.length;
  return {
    vault,
    epoch: 0,
    seq: 8,
    previous: hashOf('07'),
    device: second.device,
    chainLength,
    chainHead: chain.hashes[chainLength - 1] ?? ZERO_HASH,
    entriesHash: hashOf('e1'),
    packsHash: hashOf('e2'),
    headsHash: hashOf('e3'),
    openingHash: ZERO_HASH,
    rejoinHash: ZERO_HASH,
    root: hashOf('e4'),
    ...other,
  };
}

function signedBy(keys: typeof first, header: CommitHeader): SignedHeader {
  const bytes = encodeHeader(header);
  return { bytes, signature: sign('commit', bytes, keys.signSecret) };
}

describe('the author of a commit', () => {
  const chain = chainOf(null);
  const author = (on: DeviceChain, other: Partial<CommitHeader>, keys = second) => {
    const header = headerOn(on, other);
    return () => checkAuthor(vault, signedBy(keys, header), header, on);
  };

  it('is a device of the chain that signs with its own key', () => {
    expect(author(chain, {})).not.toThrow();
    expect(author(chain, { device: first.device }, first)).not.toThrow();
    expect(author(chain, {}, first)).toThrow(expect.objectContaining({ code: 'bad-signature' }));
  });

  it.each<[string, Partial<CommitHeader>]>([
    ['bad-chain', { vault: '0c'.repeat(16) as VaultId }],
    ['bad-device-chain', { chainLength: 0 }],
    ['bad-device-chain', { chainLength: 5 }],
    ['bad-device-chain', { chainHead: hashOf('99') }],
    ['bad-device', { device: makeDeviceKeys(random).device }],
    // Before it was added.
    ['bad-device', { chainLength: 3 }],
  ])('is refused as %s: %j', (code, other) => {
    expect(author(chain, other)).toThrow(expect.objectContaining({ code }));
  });

  it('may be a removed device up to its pin, and with the commit that was pinned', () => {
    const pinned = signedBy(second, headerOn(chain, {}));
    const after = chainOf({ seq: 8, hash: commitHash(pinned.bytes) });
    expect(() => checkAuthor(vault, pinned, headerOn(chain, {}), after)).not.toThrow();
    const refused = expect.objectContaining({ code: 'bad-device' });
    expect(author(after, { chainLength: 4, root: hashOf('ff') })).toThrow(refused);
    expect(author(after, { chainLength: 4, seq: 9 })).toThrow(refused);
    expect(author(after, { chainLength: 5, seq: 7 })).toThrow(refused);
    const elsewhere = '0c'.repeat(16) as VaultId;
    const header = headerOn(after, { chainLength: 4, vault: elsewhere });
    expect(() => checkAuthor(elsewhere, signedBy(second, header), header, after)).toThrow(refused);
  });

  it('knows of a removal once the log is past its pin', () => {
    const after = chainOf({ seq: 8, hash: hashOf('08') });
    expect(author(after, { device: first.device, seq: 9 }, first)).not.toThrow();
    expect(author(after, { device: first.device, seq: 9, chainLength: 4 }, first)).toThrow(
      expect.objectContaining({ code: 'bad-device-chain' }),
    );
  });
});

describe('the place of a commit', () => {
  const chain = chainOf({ seq: 7, hash: hashOf('07') });
  const position: LogPosition = { seq: 7, hash: hashOf('07'), epoch: 0, chainLength: 4 };
  const opening = hashOf('0a');
  const rejoin = hashOf('0b');
  const place = (at: LogPosition, other: Partial<CommitHeader>) => () =>
    checkSuccession(at, headerOn(chain, { chainLength: 4, ...other }), chain);
  const start: LogPosition = { seq: 0, hash: ZERO_HASH, epoch: 0, chainLength: 0 };
  const begin = { seq: 1, previous: ZERO_HASH, openingHash: opening };

  it('is the next on the head, opening an epoch when a device was removed since', () => {
    expect(place(position, {})).not.toThrow();
    expect(place(position, { chainLength: 5, epoch: 1, openingHash: opening })).not.toThrow();
    expect(place(position, { seq: 20, rejoinHash: rejoin, epoch: 3, openingHash: opening })).not.toThrow();
    expect(place(start, begin)).not.toThrow();
  });

  it.each<[string, LogPosition, Partial<CommitHeader>]>([
    ['bad-chain', position, { seq: 9 }],
    ['bad-chain', position, { seq: 7 }],
    ['bad-chain', position, { seq: 7, rejoinHash: rejoin, epoch: 1, openingHash: opening }],
    ['forked', position, { previous: hashOf('77') }],
    ['bad-device-chain', position, { chainLength: 3 }],
    ['bad-epoch', position, { epoch: 1 }],
    ['bad-epoch', position, { openingHash: opening }],
    ['bad-epoch', position, { epoch: 2, openingHash: opening }],
    // After a removal under the old key.
    ['bad-epoch', position, { chainLength: 5 }],
    ['bad-epoch', position, { seq: 20, rejoinHash: rejoin, epoch: 3 }],
    ['bad-epoch', position, { seq: 20, rejoinHash: rejoin, openingHash: opening }],
    ['bad-epoch', start, { ...begin, openingHash: ZERO_HASH }],
    ['bad-epoch', start, { ...begin, epoch: 1 }],
  ])('is refused as %s: from %j, %j', (code, at, other) => {
    expect(place(at, other)).toThrow(expect.objectContaining({ code }));
  });

  it('skips numbers for a rejoin alone', () => {
    const head = { seq: 7, hash: hashOf('07') };
    expect(follows(head, headerOn(chain, {}))).toBe(true);
    expect(follows(head, headerOn(chain, { previous: hashOf('77') }))).toBe(false);
    expect(follows(head, headerOn(chain, { seq: 9 }))).toBe(false);
    expect(follows(head, headerOn(chain, { seq: 9, rejoinHash: rejoin }))).toBe(true);
    expect(follows(head, headerOn(chain, { seq: 7, rejoinHash: rejoin }))).toBe(false);
  });

  it('is read from a header of one size', () => {
    const signed = signedBy(second, headerOn(chain, {}));
    expect(readHeader(signed)).toEqual(headerOn(chain, {}));
    const refused = expect.objectContaining({ code: 'bad-object' });
    expect(() => readHeader({ ...signed, bytes: signed.bytes.subarray(1) })).toThrow(refused);
    expect(() => readHeader({ ...signed, bytes: new Uint8Array(signed.bytes.length) })).toThrow(refused);
  });
});

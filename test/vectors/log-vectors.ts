/** Roots, commits and signatures. */
import { ByteWriter } from '../../protocol/bytes.ts';
import { encodeHeader, hashLists, NO_PACKS, type CommitHeader } from '../../protocol/commit.ts';
import { fromHex, toHex, ZERO_HASH, type VaultId } from '../../protocol/ids.ts';
import { hashOf } from '../../protocol/signing.ts';
import { sign } from '../../sync-engine/crypto/sign.ts';
import { epochKeyCheck } from '../../sync-engine/crypto/vault-keys.ts';
import { plain, run, type Vector } from './operations.ts';
import {
  Collection,
  device,
  deviceSeed,
  drawing,
  epochKeys,
  file,
  flip,
  index,
  node,
  pack,
  vault,
} from './shared.ts';

const draw = drawing('log');

export async function log(): Promise<Vector[]> {
  const out = new Collection();
  const objectHash = draw(32);
  const terms = [
    { kind: 'node', node, revision: 1, objectHash },
    { kind: 'node', node: draw(16), revision: 7, objectHash: draw(32) },
    { kind: 'pack', name: pack, indexHash: draw(32) },
  ] as const;
  const input = { vault, epochKeys, epoch: 1, seq: 12 };
  await out.make('of nothing', 'root', { ...input, add: [], subtract: [] });
  await out.make('of a node', 'root', { ...input, add: [terms[0]], subtract: [] });
  await out.make('of a pack', 'root', { ...input, add: [terms[2]], subtract: [] });
  await out.make('of all', 'root', { ...input, add: terms, subtract: [] });
  await out.make('of all, at another commit', 'root', { ...input, seq: 13, add: terms, subtract: [] });
  await out.make('of all, in another epoch', 'root', { ...input, epoch: 0, add: terms, subtract: [] });
  await out.make('after a change', 'root', {
    ...input,
    add: [...terms, { ...terms[0], revision: 2 }],
    subtract: [terms[0]],
  });
  await out.make('below zero and back', 'root', {
    ...input,
    add: [terms[1]],
    subtract: [terms[0], terms[1]],
  });

  const sealed = (await run({
    operation: 'record-seal',
    input: { vault, epochKeys, node, revision: 1, epoch: 0, record: plain(file), random: draw(32) },
  })) as string;
  const packBytes = draw(1024);
  const packName = hashOf(fromHex(packBytes));
  const sealedIndex = (await run({
    operation: 'index-seal',
    input: { vault, epochKeys, pack: packName, epoch: 0, index: plain(index), random: draw(32) },
  })) as string;
  const wraps = (await run({
    operation: 'wraps-make',
    input: {
      vault,
      epoch: 0,
      key: epochKeys[0],
      previousKey: null,
      recipients: [{ id: device.device, boxKey: toHex(device.boxKey) }],
      random: draw(32),
    },
  })) as string;
  const first = {
    vault,
    epoch: 0,
    seq: 1,
    previous: ZERO_HASH,
    device: device.device,
    chainLength: 3,
    chainHead: draw(32),
    root: draw(32),
    entries: [
      { node, revision: 1, objectHash: hashOf(fromHex(sealed)) },
      { node: draw(16), revision: 2, objectHash: ZERO_HASH },
    ],
    packs: {
      added: [{ name: packName, size: 1024, indexHash: hashOf(fromHex(sealedIndex)) }],
      revived: [],
      dropped: [],
    },
    heads: [{ device: draw(16), seq: 9, hash: draw(32) }],
    opening: {
      keyCheck: epochKeyCheck(fromHex(epochKeys[0]), vault as VaultId, 0),
      wrapsHash: hashOf(fromHex(wraps)),
    },
    rejoin: null,
    objects: [sealed, null],
    indexes: [sealedIndex],
    inline: [{ name: packName, bytes: packBytes }],
    wraps,
  };
  const signSeed = deviceSeed;
  const built = (await out.make('a first commit', 'commit-build', { signSeed, draft: first })) as {
    hash: string;
    frame: string;
  };
  const later = {
    ...first,
    seq: 2,
    previous: built.hash,
    packs: plain(NO_PACKS),
    heads: [],
    entries: [{ node, revision: 2, objectHash: ZERO_HASH }],
    opening: null,
    objects: [null],
    indexes: [],
    inline: [],
    wraps: null,
  } as const;
  await out.make('a tombstone', 'commit-build', { signSeed, draft: later });
  const lost = built.frame.slice(0, 640);
  const lostSignature = built.frame.slice(640, 768);
  const rejoin = { lost: [{ bytes: lost, signature: lostSignature }] };
  const rejoined = (await out.make('a rejoin', 'commit-build', {
    signSeed,
    draft: { ...later, rejoin },
  })) as {
    frame: string;
  };
  const signKey = toHex(device.signKey);
  await out.make('a first commit', 'commit-decode', { frame: built.frame, signKey });
  await out.make('a rejoin', 'commit-decode', { frame: rejoined.frame, signKey });

  const decode = (name: string, fault: string, frame: string, key = signKey): void =>
    out.refuse(name, 'commit-decode', { frame, signKey: key }, fault);
  decode('another device', 'bad-signature', built.frame, draw(32));
  decode('a flipped bit of the signature', 'bad-signature', flip(built.frame, 320));
  decode('a flipped bit of the root', 'bad-signature', flip(built.frame, 319));
  decode('another magic', 'not a commit of version 1', flip(built.frame, 0));
  decode(
    'a flipped bit of an entry',
    'the entries are not the ones the header signs',
    flip(built.frame, 320 + 64 + 3),
  );
  const at = (needle: string): number => built.frame.lastIndexOf(needle) / 2;
  decode(
    'a flipped bit of a pack entry',
    'the packs are not the ones the header signs',
    flip(built.frame, 320 + 64 + 1 + 99 + 5),
  );
  decode('a flipped bit of a record', 'a record with another hash', flip(built.frame, at(sealed) + 200));
  decode(
    'a flipped bit of an index',
    'a pack index with another hash',
    flip(built.frame, at(sealedIndex) + 200),
  );
  decode(
    'a flipped bit of an inline pack',
    'an inline pack with another hash',
    flip(built.frame, at(packBytes) + 9),
  );
  decode(
    'a flipped bit of the keys',
    'the keys are not the ones the header signs',
    flip(built.frame, at(wraps) + 60),
  );
  decode('a byte behind it', '1 bytes too many', `${built.frame}00`);
  decode('cut short', 'the bytes end too early', built.frame.slice(0, -20));
  decode('a header alone', 'the bytes end too early', built.frame.slice(0, 768));

  const twice = [
    { node, revision: 1, objectHash: ZERO_HASH },
    { node, revision: 2, objectHash: ZERO_HASH },
  ] as never;
  const lists = { entries: twice, packs: NO_PACKS, heads: [], opening: null, rejoin: null };
  const header = encodeHeader({ ...(later as unknown as CommitHeader), ...hashLists(lists) });
  const frame = new ByteWriter()
    .raw(header)
    .raw(sign('commit', header, device.signSecret))
    .blob(
      new ByteWriter()
        .varint(2)
        .hex(node, 16)
        .varint(1)
        .hex(ZERO_HASH, 32)
        .hex(node, 16)
        .varint(2)
        .hex(ZERO_HASH, 32)
        .finish(),
    );
  decode('a node twice', 'a node twice in one commit', `${toHex(frame.finish())}03000000010000000000`);

  // Signature domains: what is signed as one thing is not valid as another.
  const body = draw(32);
  const signature = toHex(sign('recovery', fromHex(body), device.signSecret));
  const verify = { body, publicKey: signKey, signature };
  out.expect('its own domain', 'signature-verify', { ...verify, domain: 'recovery' }, true);
  out.expect('another domain', 'signature-verify', { ...verify, domain: 'token' }, false);
  out.expect(
    '63 bytes',
    'signature-verify',
    { ...verify, domain: 'recovery', signature: signature.slice(2) },
    false,
  );
  out.expect(
    'another body',
    'signature-verify',
    { ...verify, domain: 'recovery', body: flip(body, 0) },
    false,
  );
  out.expect(
    'a key that is no point',
    'signature-verify',
    { ...verify, domain: 'recovery', publicKey: 'ff'.repeat(32) },
    false,
  );
  return out.vectors;
}

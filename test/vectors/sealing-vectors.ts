/** Objects, keys, chunk ids, content lists, segments and padding. */
import { EMPTY_CONTENT, fromHex, toHex } from '../../protocol/ids.ts';
import { hkdf } from '../../sync-engine/crypto/hmac.ts';
import { OBJECT_TYPES } from '../../sync-engine/crypto/object.ts';
import { hash } from 'node:crypto';
import { collide } from './colliding-object.ts';
import { run, type Input, type Vector } from './operations.ts';
import { Collection, drawing, epochKeys, flip, otherVault, vault } from './shared.ts';

const draw = drawing('sealing');

export async function objects(): Promise<Vector[]> {
  const out = new Collection();
  const key = draw(32);
  for (const type of Object.keys(OBJECT_TYPES)) {
    const context = { key, type, epoch: 5, vault: type === 'device-name' ? null : vault, extra: draw(24) };
    const plaintext = draw(40);
    const sealed = await out.make(type, 'object-seal', { ...context, plaintext, random: draw(32) });
    out.expect(type, 'object-open', { ...context, sealed }, plaintext);
  }
  const context = { key, type: 'record', epoch: 5, vault, extra: draw(24) };
  const sealed = (await out.make('without plaintext', 'object-seal', {
    ...context,
    plaintext: '',
    random: draw(32),
  })) as string;
  out.expect('without plaintext', 'object-open', { ...context, sealed }, '');
  const whole = (await run({
    operation: 'object-seal',
    input: { ...context, plaintext: draw(100), random: draw(32) },
  })) as string;
  const open = (name: string, fault: string, change: Input): void =>
    out.refuse(name, 'object-open', { ...context, sealed: whole, ...change }, fault);
  open('another key', 'wrong-commitment', { key: draw(32) });
  open('another vault', 'wrong-commitment', { vault: otherVault });
  open('no vault', 'wrong-commitment', { vault: null });
  open('another context', 'wrong-commitment', { extra: draw(24) });
  open('a longer context', 'wrong-commitment', { extra: `${context.extra}00` });
  open('another type', 'wrong-type', { type: 'index' });
  open('another type, its byte rewritten', 'wrong-commitment', { type: 'index', sealed: flip(whole, 3, 3) });
  open('another epoch', 'wrong-epoch', { epoch: 6 });
  open('another epoch, its bytes rewritten', 'wrong-commitment', { epoch: 4, sealed: flip(whole, 7) });
  open('another suite', 'wrong-suite', { sealed: flip(whole, 2, 3) });
  open('suite 0', 'wrong-suite', { sealed: flip(whole, 2) });
  open('another magic', 'malformed', { sealed: flip(whole, 1) });
  open('a flipped bit of the salt', 'wrong-commitment', { sealed: flip(whole, 8) });
  open('a flipped bit of the commitment', 'wrong-commitment', { sealed: flip(whole, 71, 128) });
  open('a flipped bit of the ciphertext', 'bad-tag', { sealed: flip(whole, 72) });
  open('a flipped bit of the tag', 'bad-tag', { sealed: flip(whole, -1) });
  open('its last byte missing', 'bad-tag', { sealed: whole.slice(0, -2) });
  open('a byte behind it', 'bad-tag', { sealed: `${whole}00` });
  open('87 bytes', 'malformed', { sealed: whole.slice(0, 174) });
  open('nothing', 'malformed', { sealed: '' });

  // Key commitment: without it this object would open under both keys.
  const twoKeys = [draw(32), draw(32)] as const;
  const salt = draw(32);
  const header = `4631010100000005`;
  const data = Buffer.from(header + vault + context.extra, 'hex');
  const info = Buffer.concat([Buffer.from('F1/\u0001', 'latin1'), hash('sha256', data, 'buffer')]);
  const derived = twoKeys.map((one) => hkdf(fromHex(one), fromHex(salt), info, 64));
  const [first, second] = derived as [Buffer, Buffer];
  const { ciphertext, tag } = collide(first.subarray(0, 32), second.subarray(0, 32));
  for (const [name, one] of [
    ['two keys, one ciphertext: the first', first],
    ['two keys, one ciphertext: the second', second],
  ] as const) {
    await out.make(name, 'aes-256-gcm-open', {
      key: toHex(one.subarray(0, 32)),
      nonce: '00'.repeat(12),
      aad: '',
      ciphertext: toHex(ciphertext),
      tag: toHex(tag),
    });
  }
  const colliding = header + salt + toHex(first.subarray(32)) + toHex(ciphertext) + toHex(tag);
  await out.make('two keys: the committed one', 'object-open', {
    ...context,
    key: twoKeys[0],
    sealed: colliding,
  });
  out.refuse(
    'two keys: the other one',
    'object-open',
    { ...context, key: twoKeys[1], sealed: colliding },
    'wrong-commitment',
  );
  return out.vectors;
}

export async function segments(): Promise<Vector[]> {
  const out = new Collection();
  await out.make('epoch 0', 'vault-keys', { vault, epoch: 0, key: epochKeys[0] });
  await out.make('epoch 1', 'vault-keys', { vault, epoch: 1, key: epochKeys[1] });
  await out.make('one key in another vault', 'vault-keys', {
    vault: otherVault,
    epoch: 0,
    key: epochKeys[0],
  });
  await out.make('short', 'chunk-id', { vault, epochKeys, plaintext: '68656c6c6f' });
  await out.make('empty', 'chunk-id', { vault, epochKeys, plaintext: '' });
  await out.make('above 4 KiB', 'chunk-id', { vault, epochKeys, plaintext: '61'.repeat(5000) });
  await out.make('another vault', 'chunk-id', { vault: otherVault, epochKeys, plaintext: '68656c6c6f' });
  const list = [
    { chunk: draw(32), length: 5 },
    { chunk: draw(32), length: 1_048_576 },
  ];
  out.expect('of nothing', 'content-id', { list: [] }, EMPTY_CONTENT);
  await out.make('of two chunks', 'content-id', { list });
  await out.make('in another order', 'content-id', { list: [...list].reverse() });
  const leaf = (await out.make('level 1', 'list-encode', { list, level: 1 })) as string;
  const branch = (await out.make('level 2', 'list-encode', {
    list: [{ chunk: draw(32), length: 2 ** 40 }],
    level: 2,
  })) as string;
  out.expect('level 1', 'list-decode', { bytes: leaf, level: 1 }, list);
  await out.make('level 2', 'list-decode', { bytes: branch, level: 2 });
  const decode = (name: string, bytes: string, fault: string): void =>
    out.refuse(name, 'list-decode', { bytes, level: 1 }, fault);
  decode('half an entry', leaf.slice(0, -2), 'the bytes end too early');
  decode('no entry', '', 'the bytes end too early');
  decode('an entry without content', `${'11'.repeat(32)}00000000`, 'a list entry without content');
  decode('an entry above 16 MiB', `${'11'.repeat(32)}01000001`, 'a chunk larger than a pack');

  const plaintext = draw(60);
  for (const epoch of [0, 1]) {
    const input = { vault, epochKeys, epoch };
    const sealed = await out.make(`epoch ${epoch}`, 'segment-seal', {
      ...input,
      plaintext,
      random: draw(32),
    });
    out.expect(`epoch ${epoch}`, 'segment-open', { ...input, sealed }, plaintext);
  }
  const input = { vault, epochKeys, epoch: 1, plaintext, random: draw(32) };
  const sealed = (await run({ operation: 'segment-seal', input })) as string;
  const open = (name: string, fault: string, change: Input): void =>
    out.refuse(name, 'segment-open', { vault, epochKeys, epoch: 1, sealed, ...change }, fault);
  open('another epoch', 'wrong-commitment', { epoch: 0 });
  open('an epoch without a key', 'wrong-epoch', { epoch: 2 });
  open('another vault', 'wrong-commitment', { vault: otherVault });
  open('a flipped bit', 'bad-tag', { sealed: flip(sealed, 64) });
  open('shifted by a byte', 'wrong-commitment', { sealed: sealed.slice(2) });
  open('79 bytes', 'malformed', { sealed: sealed.slice(0, 158) });

  const sizes = [
    0,
    1,
    2,
    3,
    7,
    8,
    9,
    10,
    15,
    16,
    17,
    100,
    255,
    256,
    257,
    511,
    512,
    1000,
    1023,
    1025,
    4097,
    65_535,
    65_537,
    1_000_000,
    16_777_215,
    16_777_216,
    2 ** 32 - 1,
    2 ** 32 + 1,
    2 ** 40 + 1,
  ];
  for (const size of sizes) await out.make(`${size}`, 'padme', { size });
  await out.make('to the least size', 'pack-pad', { segments: [draw(90), draw(100)], random: draw(834) });
  await out.make('to a Padmé size', 'pack-pad', { segments: [draw(1100)], random: draw(52) });
  return out.vectors;
}

/**
 * What a vector exercises: one function an operation, JSON in and JSON out, bytes as hex. A refusal is the value
 * `{refused: fault}`. `random` is the stream of bytes the operation draws from, in order.
 */
import { createDecipheriv, createPublicKey, hkdfSync, verify } from 'node:crypto';
import nacl from 'tweetnacl';
import { MalformedError } from '../../protocol/bytes.ts';
import { bundleSchema } from '../../protocol/cloud.ts';
import { commitHash, decodeFrame } from '../../protocol/commit.ts';
import { decodeSignedEntry, encodeSignedEntry, replayChain } from '../../protocol/device-chain.ts';
import {
  fromHex,
  toHex,
  type AccountId,
  type DeviceId,
  type Hash,
  type NodeId,
  type PackName,
  type VaultId,
} from '../../protocol/ids.ts';
import { verifySignature, type SignatureDomain } from '../../protocol/signing.ts';
import { makeBundle, openBundle, openPhrase, type RootWrap } from '../../sync-engine/crypto/bundle.ts';
import { genesisEntries } from '../../sync-engine/crypto/chain-entries.ts';
import {
  buildCommit,
  verifyCommitSignature,
  type CommitDraft,
} from '../../sync-engine/crypto/commit-sign.ts';
import { contentIdOf, decodeList, encodeList, type ListEntry } from '../../sync-engine/crypto/content.ts';
import {
  openDeviceSecrets,
  sealDeviceSecrets,
  type DeviceSecrets,
} from '../../sync-engine/crypto/device-secrets.ts';
import { HmacKey } from '../../sync-engine/crypto/hmac.ts';
import {
  accountKeysOf,
  boxKeysOf,
  deviceKeysOf,
  openDeviceName,
  sealDeviceName,
} from '../../sync-engine/crypto/identity.ts';
import { openUnlockKey, wrapUnlockKey } from '../../sync-engine/crypto/key-file.ts';
import { openObject, sealObject, type ObjectType } from '../../sync-engine/crypto/object.ts';
import {
  decodePackIndex,
  openPackIndex,
  sealPackIndex,
  type PackIndex,
} from '../../sync-engine/crypto/pack-index.ts';
import { padme, padPack } from '../../sync-engine/crypto/padding.ts';
import type { StretchingCost } from '../../sync-engine/crypto/password.ts';
import { parsePhrase, recoveryKeysOf } from '../../sync-engine/crypto/phrase.ts';
import { decodeRecord, openRecord, sealRecord, type NodeRecord } from '../../sync-engine/crypto/record.ts';
import { LiveSum, type LiveTerm } from '../../sync-engine/crypto/root.ts';
import { openSegment, sealSegment } from '../../sync-engine/crypto/segment.ts';
import { derivePurposeKey, epochKeyCheck, VaultKeys } from '../../sync-engine/crypto/vault-keys.ts';
import { openPreviousKey, openWrap, wrapEpochKey } from '../../sync-engine/crypto/wraps.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Input = Readonly<Record<string, Json>>;

const text = (input: Input, name: string): string => {
  const value = input[name];
  if (typeof value !== 'string') throw new TypeError(`${name} is missing`);
  return value;
};
const number = (input: Input, name: string): number => {
  const value = input[name];
  if (typeof value !== 'number') throw new TypeError(`${name} is missing`);
  return value;
};
const bytes = (input: Input, name: string): Uint8Array => fromHex(text(input, name));
/** A structured input has the shape its operation takes; a wrong one fails the comparison. */
function given(input: Input, name: string): unknown {
  return input[name];
}

function drawing(input: Input): (size: number) => Uint8Array {
  const stream = bytes(input, 'random');
  let at = 0;
  return (size) => {
    if (at + size > stream.length) throw new RangeError('the vector holds too little randomness');
    at += size;
    return Uint8Array.from(stream.subarray(at - size, at));
  };
}

/** A keyring from `{"0": hex, ...}`. */
function keyring(input: Input): VaultKeys {
  const epochs = Object.entries(given(input, 'epochKeys') as Record<string, string>);
  return new VaultKeys(
    text(input, 'vault') as VaultId,
    epochs.map(([epoch, key]) => [Number(epoch), fromHex(key)] as const),
  );
}

/** JSON form of a value: bytes as hex. */
export function plain(value: unknown): Json {
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  }
  return value as Json;
}

type Result = { readonly ok: true } | { readonly ok: false; readonly fault: unknown };
function outcome<T extends Result>(result: T, pick: (value: Extract<T, { ok: true }>) => unknown): Json {
  if (!result.ok) return { refused: plain(result.fault) };
  return plain(pick(result as Extract<T, { ok: true }>));
}

function objectContext(input: Input) {
  return {
    key: bytes(input, 'key'),
    type: text(input, 'type') as ObjectType,
    epoch: number(input, 'epoch'),
    vault: given(input, 'vault') as VaultId | null,
    extra: bytes(input, 'extra'),
  };
}

function spkiOf(publicKey: Uint8Array) {
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey]);
  return createPublicKey({ key: der, format: 'der', type: 'spki' });
}

function secretsOf(input: Input): DeviceSecrets {
  const raw = given(input, 'secrets') as Input;
  return {
    account: text(raw, 'account') as AccountId,
    masterKey: bytes(raw, 'masterKey'),
    bundleVersion: number(raw, 'bundleVersion'),
    serverKey: text(raw, 'serverKey'),
    signSeed: bytes(raw, 'signSeed'),
    boxSecret: bytes(raw, 'boxSecret'),
    metadataKey: bytes(raw, 'metadataKey'),
    refreshToken: text(raw, 'refreshToken'),
    epochKeys: (given(raw, 'epochKeys') as { vault: VaultId; epoch: number; key: string }[]).map((entry) => ({
      ...entry,
      key: fromHex(entry.key),
    })),
  };
}

function draftOf(input: Input): CommitDraft {
  const draft = given(input, 'draft') as CommitDraft;
  const raw = (list: readonly unknown[]): never[] =>
    list.map((item) => (typeof item === 'string' ? fromHex(item) : item)) as never[];
  return {
    ...draft,
    objects: raw(draft.objects),
    indexes: raw(draft.indexes),
    inline: draft.inline.map(({ name, bytes: pack }) => ({
      name,
      bytes: fromHex(pack as unknown as string),
    })) as never,
    wraps: draft.wraps === null ? null : fromHex(draft.wraps as unknown as string),
    rejoin:
      draft.rejoin === null
        ? null
        : {
            lost: draft.rejoin.lost.map((one) => ({
              bytes: fromHex(one.bytes as unknown as string),
              signature: fromHex(one.signature as unknown as string),
            })),
          },
  };
}

const operations: Readonly<Record<string, (input: Input) => Json | Promise<Json>>> = {
  'hkdf-sha256': (input) =>
    toHex(
      new Uint8Array(
        hkdfSync(
          'sha256',
          bytes(input, 'ikm'),
          bytes(input, 'salt'),
          bytes(input, 'info'),
          number(input, 'size'),
        ),
      ),
    ),
  'hmac-sha256': (input) => toHex(new HmacKey(bytes(input, 'key')).mac(bytes(input, 'message'))),
  'ed25519-sign': (input) => {
    const pair = nacl.sign.keyPair.fromSeed(bytes(input, 'seed'));
    const signature = nacl.sign.detached(bytes(input, 'message'), pair.secretKey);
    return { publicKey: toHex(pair.publicKey), signature: toHex(signature) };
  },
  'ed25519-verify': (input) =>
    verify(null, bytes(input, 'message'), spkiOf(bytes(input, 'publicKey')), bytes(input, 'signature')),
  x25519: (input) => toHex(nacl.scalarMult(bytes(input, 'scalar'), bytes(input, 'point'))),
  'aes-256-gcm-open': (input) => {
    const decipher = createDecipheriv('aes-256-gcm', bytes(input, 'key'), bytes(input, 'nonce'), {
      authTagLength: 16,
    });
    decipher.setAAD(bytes(input, 'aad'));
    decipher.setAuthTag(bytes(input, 'tag'));
    const plaintext = decipher.update(bytes(input, 'ciphertext'));
    try {
      decipher.final();
    } catch {
      return { refused: 'bad-tag' };
    }
    return toHex(plaintext);
  },

  'signature-verify': (input) =>
    verifySignature(
      text(input, 'domain') as SignatureDomain,
      bytes(input, 'body'),
      bytes(input, 'signature'),
      bytes(input, 'publicKey'),
    ),
  'object-seal': (input) =>
    toHex(
      sealObject({ ...objectContext(input), plaintext: bytes(input, 'plaintext'), random: drawing(input) }),
    ),
  'object-open': (input) =>
    outcome(
      openObject({ ...objectContext(input), sealed: bytes(input, 'sealed') }),
      ({ plaintext }) => plaintext,
    ),

  'vault-keys': (input) => {
    const vault = text(input, 'vault') as VaultId;
    const epoch = number(input, 'epoch');
    const key = bytes(input, 'key');
    const derive = (purpose: Parameters<typeof derivePurposeKey>[3]) =>
      toHex(derivePurposeKey(key, vault, epoch, purpose));
    return {
      meta: derive('meta'),
      data: derive('data'),
      root: derive('root'),
      id: derive('id'),
      cdc: derive('cdc'),
      previous: derive('previous'),
      keyCheck: epochKeyCheck(key, vault, epoch),
    };
  },
  'chunk-id': (input) => keyring(input).chunkId(bytes(input, 'plaintext')),
  'content-id': (input) => contentIdOf(given(input, 'list') as ListEntry[]),
  'list-encode': (input) => toHex(encodeList(given(input, 'list') as ListEntry[], number(input, 'level'))),
  'list-decode': (input) => plain(decodeList(bytes(input, 'bytes'), number(input, 'level'))),
  'segment-seal': (input) =>
    toHex(sealSegment(keyring(input), number(input, 'epoch'), bytes(input, 'plaintext'), drawing(input))),
  'segment-open': (input) =>
    outcome(
      openSegment(keyring(input), number(input, 'epoch'), bytes(input, 'sealed')),
      ({ plaintext }) => plaintext,
    ),
  padme: (input) => padme(number(input, 'size')),
  'pack-pad': (input) => toHex(padPack((given(input, 'segments') as string[]).map(fromHex), drawing(input))),

  'record-seal': (input) =>
    toHex(
      sealRecord(
        keyring(input),
        number(input, 'epoch'),
        given(input, 'node') as NodeId,
        number(input, 'revision'),
        given(input, 'record') as NodeRecord,
        drawing(input),
      ),
    ),
  'record-open': (input) =>
    outcome(
      openRecord(
        keyring(input),
        given(input, 'node') as NodeId,
        number(input, 'revision'),
        bytes(input, 'sealed'),
      ),
      ({ record, epoch }) => ({ record, epoch }),
    ),
  'record-decode': (input) => outcome(decodeRecord(bytes(input, 'bytes')), ({ record }) => record),

  'index-seal': (input) =>
    toHex(
      sealPackIndex(
        keyring(input),
        number(input, 'epoch'),
        given(input, 'pack') as PackName,
        given(input, 'index') as PackIndex,
        drawing(input),
      ),
    ),
  'index-open': (input) =>
    outcome(
      openPackIndex(keyring(input), given(input, 'pack') as PackName, bytes(input, 'sealed')),
      ({ index, epoch }) => ({
        index,
        epoch,
      }),
    ),
  'index-decode': (input) => plain(decodePackIndex(bytes(input, 'bytes'))),

  root: (input) => {
    const sum = new LiveSum(keyring(input).rootKey(number(input, 'epoch')));
    for (const term of given(input, 'add') as LiveTerm[]) sum.add(term);
    for (const term of given(input, 'subtract') as LiveTerm[]) sum.subtract(term);
    return { sum: sum.value, root: sum.root(number(input, 'seq')) };
  },

  'commit-build': (input) => {
    const pair = nacl.sign.keyPair.fromSeed(bytes(input, 'signSeed'));
    const built = buildCommit(draftOf(input), pair.secretKey);
    return { hash: built.hash, frame: toHex(built.frame) };
  },
  'commit-decode': (input) => {
    const frame = decodeFrame(bytes(input, 'frame'));
    if (!verifyCommitSignature(frame.signed, bytes(input, 'signKey'))) return { refused: 'bad-signature' };
    return {
      hash: commitHash(frame.signed.bytes),
      header: plain(frame.header),
      entries: plain(frame.entries),
    };
  },

  'chain-genesis': (input) => {
    const account = accountKeysOf(bytes(input, 'rootKey'));
    const keys = deviceKeysOf(bytes(input, 'signSeed'), bytes(input, 'deviceBoxSecret'));
    const device = { keys, name: text(input, 'name'), createdAtMs: number(input, 'createdAtMs') };
    const entries = genesisEntries(
      account,
      boxKeysOf(bytes(input, 'accountBoxSecret')),
      device,
      drawing(input),
    );
    return entries.map((entry) => toHex(encodeSignedEntry(entry)));
  },
  'chain-replay': (input) =>
    outcome(
      replayChain((given(input, 'entries') as string[]).map((entry) => decodeSignedEntry(fromHex(entry)))),
      ({ chain }) => ({
        account: chain.account,
        masterKey: chain.masterKey,
        length: chain.length,
        head: chain.head,
        devices: [...chain.devices.values()].map(({ device, revoked }) => ({ device, revoked })),
      }),
    ),
  'device-name-seal': (input) =>
    toHex(
      sealDeviceName(
        bytes(input, 'metadataKey'),
        text(input, 'account') as AccountId,
        text(input, 'device') as DeviceId,
        text(input, 'name'),
        drawing(input),
      ),
    ),
  'device-name-open': (input) =>
    outcome(
      openDeviceName(
        bytes(input, 'metadataKey'),
        text(input, 'account') as AccountId,
        text(input, 'device') as DeviceId,
        bytes(input, 'sealed'),
      ),
      ({ name }) => name,
    ),

  'wraps-make': (input) =>
    toHex(
      wrapEpochKey(
        {
          vault: text(input, 'vault') as VaultId,
          epoch: number(input, 'epoch'),
          key: bytes(input, 'key'),
          previousKey: input['previousKey'] === null ? null : bytes(input, 'previousKey'),
          recipients: (given(input, 'recipients') as { id: DeviceId | 'account'; boxKey: string }[]).map(
            ({ id, boxKey }) => ({ id, boxKey: fromHex(boxKey) }),
          ),
        },
        drawing(input),
      ),
    ),
  'wraps-open': (input) =>
    outcome(
      openWrap({
        bytes: bytes(input, 'wraps'),
        vault: text(input, 'vault') as VaultId,
        epoch: number(input, 'epoch'),
        recipient: text(input, 'recipient') as DeviceId,
        boxSecret: bytes(input, 'boxSecret'),
        keyCheck: text(input, 'keyCheck') as Hash,
      }),
      ({ key }) => key,
    ),
  'wraps-previous': (input) =>
    outcome(
      openPreviousKey(
        bytes(input, 'wraps'),
        text(input, 'vault') as VaultId,
        number(input, 'epoch'),
        bytes(input, 'key'),
        text(input, 'previousKeyCheck') as Hash,
      ),
      ({ key }) => key,
    ),

  'phrase-parse': (input) =>
    outcome(parsePhrase(text(input, 'text')), ({ phrase, entropy }) => {
      const { recoveryKey, authKey } = recoveryKeysOf(entropy);
      return { phrase, entropy, recoveryKey, authKey };
    }),
  'bundle-make': (input) =>
    plain(
      makeBundle(
        accountKeysOf(bytes(input, 'rootKey')),
        bytes(input, 'passwordKey'),
        recoveryKeysOf(bytes(input, 'entropy')),
        drawing(input),
      ),
    ),
  'bundle-make-2': (input) => {
    const entropy = bytes(input, 'entropy');
    const recovery = { ...recoveryKeysOf(entropy), entropy };
    const account = accountKeysOf(bytes(input, 'rootKey'));
    return plain(makeBundle(account, bytes(input, 'passwordKey'), recovery, drawing(input)));
  },
  'bundle-phrase': (input) =>
    outcome(
      openPhrase(accountKeysOf(bytes(input, 'rootKey')), bundleSchema.parse(input['bundle'])),
      ({ phrase }) => ({ phrase }),
    ),
  'bundle-open': (input) =>
    outcome(
      openBundle(bundleSchema.parse(input['bundle']), text(input, 'wrap') as RootWrap, bytes(input, 'key'), {
        account: null,
        leastVersion: number(input, 'leastVersion'),
      }),
      ({ account }) => ({ account: account.account, rootKey: account.rootKey }),
    ),
  'key-file-make': async (input) =>
    toHex(
      await wrapUnlockKey(
        bytes(input, 'unlockKey'),
        text(input, 'passphrase'),
        drawing(input),
        given(input, 'cost') as StretchingCost,
      ),
    ),
  'key-file-open': async (input) =>
    outcome(
      await openUnlockKey(
        bytes(input, 'file'),
        text(input, 'passphrase'),
        given(input, 'least') as StretchingCost,
      ),
      ({ unlockKey }) => unlockKey,
    ),
  'device-secrets-seal': (input) =>
    toHex(sealDeviceSecrets(bytes(input, 'unlockKey'), secretsOf(input), drawing(input))),
  'device-secrets-open': (input) =>
    outcome(openDeviceSecrets(bytes(input, 'unlockKey'), bytes(input, 'sealed')), ({ secrets }) => secrets),
};

export interface Vector {
  readonly name: string;
  readonly operation: string;
  readonly input: Input;
  readonly expected: Json;
}

/** Runs a vector's operation; a decoder's MalformedError is a refusal that names what was wrong. */
export async function run(vector: Pick<Vector, 'operation' | 'input'>): Promise<Json> {
  const operation = operations[vector.operation];
  if (operation === undefined) throw new TypeError(`no operation ${vector.operation}`);
  try {
    return await operation(vector.input);
  } catch (error) {
    if (error instanceof MalformedError) return { refused: error.message };
    throw error;
  }
}

/**
 * Countermeasures taken away, one line at a time: each must turn the test of its attack red. Where two layers
 * guard one thing, the one that a test can tell from the other is listed. Run by ../check-mutations.mjs.
 */
export interface Mutation {
  /** The attack, which names the test file; `mutating`: altered answers. */
  readonly attack: string;
  /** What is taken away. */
  readonly what: string;
  readonly file: string;
  /** Stands in the file at least once; every place is replaced. */
  readonly find: string;
  readonly replace: string;
}

const RULES = 'sync-engine/engine/commit-rules.ts';
const LOG = 'sync-engine/engine/vault-log.ts';
const LOG_APPLY = 'sync-engine/engine/log-apply.ts';
const LOG_EPOCHS = 'sync-engine/engine/log-epochs.ts';
const LOG_FOLLOW = 'sync-engine/engine/log-follow.ts';
const REJOIN = 'sync-engine/engine/rejoin.ts';
const LOG_STATE = 'sync-engine/engine/log-state.ts';
const OBJECT = 'sync-engine/crypto/object.ts';
const KEYS = 'sync-engine/crypto/vault-keys.ts';
const RECORD = 'sync-engine/crypto/record.ts';

export const MUTATIONS: readonly Mutation[] = [
  {
    attack: 'MS-01',
    what: 'the signature of the bundle',
    file: 'sync-engine/crypto/bundle.ts',
    find: "if (!verifyBundle(bundle, masterKey)) return 'bad-signature';",
    replace: '',
  },
  {
    attack: 'MS-02',
    what: 'the signed opening of an epoch',
    file: 'sync-engine/account/vault-keys.ts',
    find: "if (header.openingHash !== hashOf(answer.opening)) return 'bad-epoch';",
    replace: '',
  },
  {
    attack: 'MS-04',
    what: 'the signature of a commit',
    file: RULES,
    find: "if (!verifyCommitSignature(signed, device.signKey)) throw new LogFault('bad-signature');",
    replace: '',
  },
  {
    attack: 'MS-04',
    what: 'that a device was added before it commits',
    file: RULES,
    find: ' || device.addedAt >= header.chainLength',
    replace: '',
  },
  {
    attack: 'MS-04',
    what: 'the vault of a commit',
    file: RULES,
    find: "if (header.vault !== vault) throw new LogFault('bad-chain');",
    replace: '',
  },
  {
    attack: 'MS-04',
    what: 'the device chain a commit names',
    file: RULES,
    find: "if (chain.hashes[header.chainLength - 1] !== header.chainHead) throw new LogFault('bad-device-chain');",
    replace: '',
  },
  {
    attack: 'MS-04',
    what: 'commits under the own key that were not made here',
    file: LOG_FOLLOW,
    find: 'header.device === identity.device && store.meta(PENDING) !== hash',
    replace: 'false',
  },
  {
    attack: 'MS-05',
    what: 'the hash of each object',
    file: 'protocol/commit.ts',
    find: 'if (hashOf(bytes) !== expected) throw new MalformedError(`a ${what} with another hash`);',
    replace: '',
  },
  {
    attack: 'MS-05',
    what: 'the root of a commit',
    file: LOG_APPLY,
    find: "if (sum.root(header.seq) !== header.root) throw new LogFault('bad-root');",
    replace: '',
  },
  {
    attack: 'MS-05',
    what: 'the root of the live state',
    file: 'sync-engine/engine/snapshot.ts',
    find: "if (sum.root(seq) !== header.root) throw new LogFault('bad-root');",
    replace: '',
  },
  {
    attack: 'MS-05',
    what: 'the size of a pack by its index',
    file: 'sync-engine/engine/snapshot.ts',
    find: "if (opened.ok && size !== packSizeOf(opened.index)) throw new LogFault('bad-root');",
    replace: '',
  },
  {
    attack: 'MS-05',
    what: 'the revision a record is bound to',
    file: RECORD,
    find: '.u64(revision)',
    replace: '.u64(0)',
  },
  {
    attack: 'MS-05',
    what: 'the node a record is bound to',
    file: RECORD,
    find: 'new ByteWriter(24).hex(node, 16)',
    replace: "new ByteWriter(24).hex('0'.repeat(32), 16)",
  },
  {
    attack: 'MS-05',
    what: 'revisions one after another',
    file: LOG_APPLY,
    find: "if (node.revision !== (known?.revision ?? 0) + 1) throw new LogFault('bad-revision');",
    replace: '',
  },
  {
    attack: 'MS-05',
    what: 'that a version stands in the verified log',
    file: 'sync-engine/engine/history.ts',
    find: 'await checkChained(log, cloud, header.seq, commitHash(item.signed.bytes));',
    replace: '',
  },
  {
    attack: 'MS-06',
    what: 'the id of a chunk, computed again',
    file: 'sync-engine/transfer/open.ts',
    find: 'return chunk !== null && keys.chunkId(chunk) === id ? chunk : null;',
    replace: 'return chunk;',
  },
  { attack: 'MS-07', what: 'the tag', file: OBJECT, find: 'decipher.final();', replace: '' },
  {
    attack: 'MS-08',
    what: 'the fresh salt',
    file: OBJECT,
    find: 'const salt = random(SALT_BYTES);',
    replace: 'const salt = new Uint8Array(SALT_BYTES);',
  },
  {
    attack: 'MS-09',
    what: 'the suite as a constant',
    file: OBJECT,
    find: "if (sealed[2] !== SUITE) return { ok: false, fault: 'wrong-suite' };",
    replace: '',
  },
  {
    attack: 'MS-09',
    what: 'the pinned cost of the password',
    file: 'sync-engine/crypto/password.ts',
    find: 'memory: 65_536, iterations: 3',
    replace: 'memory: 8, iterations: 1',
  },
  {
    attack: 'MS-10',
    what: 'the commitment to the key',
    file: OBJECT,
    find: '!timingSafeEqual(commit, body.subarray(commitAt, textAt))',
    replace: 'false',
  },
  {
    attack: 'MS-11',
    what: 'the high-water mark',
    file: LOG,
    find: "if (page.headSeq < cursor.seq) throw new LogFault('rolled-back');",
    replace: '',
  },
  {
    attack: 'MS-11',
    what: 'the hash of the head',
    file: LOG,
    find: "if (page.headSeq === cursor.seq && page.headHash !== cursor.hash) throw new LogFault('forked');",
    replace: '',
  },
  {
    attack: 'MS-11',
    what: 'the chain of commits',
    file: RULES,
    find: "if (header.previous !== position.hash) throw new LogFault('forked');",
    replace: '',
  },
  {
    attack: 'MS-11',
    what: 'that live state descends from what was seen',
    file: LOG_STATE,
    find: 'if (anchor !== null && anchor.seq > 0) {',
    replace: 'if (anchor !== null && anchor.seq < 0) {',
  },
  {
    attack: 'MS-11',
    what: 'the heads that commits carry of other devices',
    file: LOG_FOLLOW,
    find: "if (known !== undefined && known !== head.hash) throw new LogFault('forked');",
    replace: '',
  },
  {
    attack: 'MS-11',
    what: 'that a rejoin names what this device saw last',
    file: REJOIN,
    find: 'frame.rejoin !== null && names(frame.rejoin, mark)',
    replace: 'frame.rejoin !== null',
  },
  {
    attack: 'MS-11',
    what: 'who signed the headers a rejoin carries',
    file: REJOIN,
    find: 'checkAuthor(vault, signed, lost, chain);',
    replace: '',
  },
  {
    attack: 'MS-11',
    what: 'that the headers a rejoin carries are one history',
    file: REJOIN,
    find: "if (before !== null && !follows(before, lost)) throw new LogFault('bad-rejoin');",
    replace: '',
  },
  {
    attack: 'MS-11',
    what: 'that a rejoin leads to a higher epoch',
    file: REJOIN,
    find: "if (lost.epoch >= header.epoch) throw new LogFault('bad-epoch');",
    replace: '',
  },
  {
    attack: 'MS-11',
    what: 'that nothing of a removed device is taken with the restored head',
    file: REJOIN,
    find: "if (chain.devices.get(header.device)?.revoked !== null) throw new LogFault('bad-device');",
    replace: '',
  },
  {
    attack: 'MS-11',
    what: 'that a device chain is given back only onto the chain that was seen',
    file: 'sync-engine/account/chain-follow.ts',
    find: 'if (last === undefined || hashOf(last.bytes) !== this.#chain.hashes[length - 1]) throw forked();',
    replace: '',
  },
  {
    attack: 'MS-11',
    what: 'that voided commits do not return',
    file: RULES,
    find: 'checkVoids(vault, header, chain);',
    replace: '',
  },
  {
    attack: 'MS-11',
    what: 'the count of answers that cannot be read',
    file: 'sync-engine/engine/bad-answers.ts',
    find: 'this.#inARow += 1;',
    replace: '',
  },
  {
    attack: 'MS-11',
    what: 'that one good look between two bad answers ends nothing',
    file: 'sync-engine/engine/bad-answers.ts',
    find: 'this.#isFresh = true;',
    replace: '',
  },
  {
    attack: 'MS-13',
    what: 'the key of the chunk ids',
    file: KEYS,
    find: "derivePurposeKey(this.#of(0).key, this.vault, 0, 'id')",
    replace: 'new Uint8Array(32)',
  },
  {
    attack: 'MS-13',
    what: 'the key of the chunker',
    file: KEYS,
    find: "derivePurposeKey(this.#of(0).key, this.vault, 0, 'cdc')",
    replace: 'Buffer.alloc(32)',
  },
  {
    attack: 'MS-13',
    what: 'the padding of packs',
    file: 'sync-engine/crypto/padding.ts',
    find: 'Math.max(MIN_PACK_BYTES, padme(length))',
    replace: 'Math.max(MIN_PACK_BYTES, length)',
  },
  {
    attack: 'MS-13',
    what: 'the padding of records and indexes',
    file: 'sync-engine/crypto/padding.ts',
    find: 'padme(Math.max(least, encoded.length + overhead))',
    replace: 'Math.max(least, encoded.length + overhead)',
  },
  {
    attack: 'MS-14',
    what: 'the key of the chunk ids',
    file: KEYS,
    find: "derivePurposeKey(this.#of(0).key, this.vault, 0, 'id')",
    replace: 'new Uint8Array(32)',
  },
  {
    attack: 'MS-14',
    what: 'that a pack which failed is relied on no more',
    file: 'sync-engine/engine/setbacks.ts',
    find: 'vault.setPackTrusted(pack, false);',
    replace: 'void 0;',
  },
  {
    attack: 'MS-16',
    what: 'that a new epoch leaves removed devices out',
    file: LOG_EPOCHS,
    find: '.filter((device) => device.revoked === null)',
    replace: '',
  },
  {
    attack: 'MS-16',
    what: 'the pin of a revocation',
    file: RULES,
    find: "if (pin === undefined || header.seq > pin.seq) throw new LogFault('bad-device');",
    replace: '',
  },
  {
    attack: 'MS-16',
    what: 'that commits after a removal know of it',
    file: RULES,
    find: "if (header.seq > pin.seq && header.chainLength <= revoked.at) throw new LogFault('bad-device-chain');",
    replace: '',
  },
  {
    attack: 'MS-16',
    what: 'that a commit of a new epoch is sealed under its key',
    file: LOG_FOLLOW,
    find: "if (opened.ok && opened.epoch !== header.epoch) throw new LogFault('bad-epoch');",
    replace: '',
  },
  {
    attack: 'MS-16',
    what: 'that the packs of a removed device are not relied on',
    file: LOG_APPLY,
    find: 'trusted: isVouched,',
    replace: 'trusted: true,',
  },
  {
    attack: 'MS-16',
    what: 'that packs learnt before the removal lose their trust with it',
    file: 'sync-engine/engine/pack-trust.ts',
    find: 'store.distrustPacksOf(removed);',
    replace: '',
  },
  {
    attack: 'MS-17',
    what: 'the master key’s signature on the device chain',
    file: 'protocol/device-chain.ts',
    find: "if (!verifySignature('chain', entry.bytes, entry.signature, chain.masterKey)) {",
    replace: 'if (entry.bytes.length === 0) {',
  },
  {
    attack: 'MS-18',
    what: 'the names that lead elsewhere',
    file: RECORD,
    find: "if (name === '' || name === '.' || name === '..') return 'bad-name';",
    replace: '',
  },
  {
    attack: 'MS-18',
    what: 'that nothing stands beneath a link',
    file: 'sync-engine/engine/remote-apply.ts',
    find: "if (current !== id && node.type !== 'folder') return 'orphan';",
    replace: '',
  },
  {
    attack: 'MS-18',
    what: 'that no link is followed on the way to a target',
    file: 'sync-engine/local-fs/node-disk.ts',
    find: 'constants.O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK',
    replace: 'constants.O_RDONLY | O_DIRECTORY | O_NONBLOCK',
  },
  {
    attack: 'mutating',
    what: 'the root of the live state',
    file: 'sync-engine/engine/snapshot.ts',
    find: "if (sum.root(seq) !== header.root) throw new LogFault('bad-root');",
    replace: '',
  },
  {
    attack: 'mutating',
    what: 'whose session it is',
    file: 'sync-engine/remote/session.ts',
    find: 'if (session.account !== account || session.device !== device) {',
    replace: 'if (session.account === undefined) {',
  },
  {
    attack: 'mutating',
    what: 'the pace of an answer',
    file: 'sync-engine/remote/http-client.ts',
    find: 'else if (!pace.keeps(piece.length)) started.abort(tooSlow());',
    replace: '',
  },
  {
    attack: 'mutating',
    what: 'the code of what does not decode',
    file: 'sync-engine/remote/http-cloud.ts',
    find: 'throw toCloudError(error);',
    replace: 'throw error;',
  },
  {
    attack: 'mutating',
    what: 'the master key’s signature on the device chain',
    file: 'protocol/device-chain.ts',
    find: "if (!verifySignature('chain', entry.bytes, entry.signature, chain.masterKey)) {",
    replace: 'if (entry.bytes.length === 0) {',
  },
];

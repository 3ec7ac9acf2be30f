/** Vectors of the standards beneath the format, as their documents print them. */
import type { Vector } from './operations.ts';

const hex = (value: string): string => Buffer.from(value, 'ascii').toString('hex');
const range = (from: number, to: number): string =>
  Buffer.from(Array.from({ length: to - from + 1 }, (_, index) => from + index)).toString('hex');

const ED1 = {
  seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
  publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
  signature:
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
};
const ED2 = {
  seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
  publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
  signature:
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
};
const ED3 = {
  seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
  publicKey: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
  signature:
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
};
/** The signature of ED1 with the group order added to S: valid to a lax verifier. */
const malleated = (): string => {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const signature = Buffer.from(ED1.signature, 'hex');
  let s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + order;
  for (let index = 32; index < 64; index += 1) {
    signature[index] = Number(s & 255n);
    s >>= 8n;
  }
  return signature.toString('hex');
};

const GCM_KEY = 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308';
const GCM_NONCE = 'cafebabefacedbaddecaf888';
const GCM_PLAINTEXT =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255';
const GCM_CIPHERTEXT =
  '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad';
const GCM15 = {
  key: GCM_KEY,
  nonce: GCM_NONCE,
  aad: '',
  ciphertext: GCM_CIPHERTEXT,
  tag: 'b094dac5d93471bdec1a502270e3cc6c',
};
const GCM16 = {
  ...GCM15,
  aad: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
  ciphertext: GCM_CIPHERTEXT.slice(0, 120),
  tag: '76fc6ece0f4e1768cddf8853bb2d551b',
};
const ZERO_GCM = { key: '00'.repeat(32), nonce: '00'.repeat(12), aad: '' };
const BOB = '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb';
const refused = { refused: 'bad-tag' };

export const PUBLISHED: readonly Vector[] = [
  {
    name: 'RFC 5869 A.1',
    operation: 'hkdf-sha256',
    input: { ikm: '0b'.repeat(22), salt: range(0, 12), info: range(0xf0, 0xf9), size: 42 },
    expected: '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  },
  {
    name: 'RFC 5869 A.2',
    operation: 'hkdf-sha256',
    input: { ikm: range(0, 0x4f), salt: range(0x60, 0xaf), info: range(0xb0, 0xff), size: 82 },
    expected:
      'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
  },
  {
    name: 'RFC 5869 A.3',
    operation: 'hkdf-sha256',
    input: { ikm: '0b'.repeat(22), salt: '', info: '', size: 42 },
    expected: '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
  },
  {
    name: 'RFC 4231 4.2',
    operation: 'hmac-sha256',
    input: { key: '0b'.repeat(20), message: hex('Hi There') },
    expected: 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
  },
  {
    name: 'RFC 4231 4.3',
    operation: 'hmac-sha256',
    input: { key: hex('Jefe'), message: hex('what do ya want for nothing?') },
    expected: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  },
  {
    name: 'RFC 4231 4.4',
    operation: 'hmac-sha256',
    input: { key: 'aa'.repeat(20), message: 'dd'.repeat(50) },
    expected: '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe',
  },
  {
    name: 'RFC 4231 4.5',
    operation: 'hmac-sha256',
    input: { key: range(1, 25), message: 'cd'.repeat(50) },
    expected: '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
  },
  ...[
    ['RFC 8032 7.1 test 1', ED1, ''] as const,
    ['RFC 8032 7.1 test 2', ED2, '72'] as const,
    ['RFC 8032 7.1 test 3', ED3, 'af82'] as const,
  ].flatMap(([name, { seed, publicKey, signature }, message]) => [
    { name, operation: 'ed25519-sign', input: { seed, message }, expected: { publicKey, signature } },
    { name, operation: 'ed25519-verify', input: { publicKey, message, signature }, expected: true },
  ]),
  {
    name: 'another message',
    operation: 'ed25519-verify',
    input: { publicKey: ED1.publicKey, message: '00', signature: ED1.signature },
    expected: false,
  },
  {
    name: 'another key',
    operation: 'ed25519-verify',
    input: { publicKey: ED2.publicKey, message: '', signature: ED1.signature },
    expected: false,
  },
  {
    name: 'S + L',
    operation: 'ed25519-verify',
    input: { publicKey: ED1.publicKey, message: '', signature: malleated() },
    expected: false,
  },
  {
    name: 'RFC 7748 5.2 first',
    operation: 'x25519',
    input: {
      scalar: 'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
      point: 'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
    },
    expected: 'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
  },
  {
    name: 'RFC 7748 5.2 second',
    operation: 'x25519',
    input: {
      scalar: '4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d',
      point: 'e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493',
    },
    expected: '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
  },
  {
    name: "RFC 7748 6.1 Bob's public key",
    operation: 'x25519',
    input: { scalar: BOB, point: `09${'00'.repeat(31)}` },
    expected: 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
  },
  {
    name: 'RFC 7748 6.1 shared secret',
    operation: 'x25519',
    input: { scalar: BOB, point: '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a' },
    expected: '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
  },
  {
    name: 'GCM specification, case 13',
    operation: 'aes-256-gcm-open',
    input: { ...ZERO_GCM, ciphertext: '', tag: '530f8afbc74536b9a963b4f1c4cb738b' },
    expected: '',
  },
  {
    name: 'GCM specification, case 14',
    operation: 'aes-256-gcm-open',
    input: {
      ...ZERO_GCM,
      ciphertext: 'cea7403d4d606b6e074ec5d3baf39d18',
      tag: 'd0d1c8a799996bf0265b98b5d48ab919',
    },
    expected: '00'.repeat(16),
  },
  {
    name: 'GCM specification, case 15',
    operation: 'aes-256-gcm-open',
    input: GCM15,
    expected: GCM_PLAINTEXT,
  },
  {
    name: 'GCM specification, case 16',
    operation: 'aes-256-gcm-open',
    input: GCM16,
    expected: GCM_PLAINTEXT.slice(0, 120),
  },
  {
    name: 'case 16 with a bit of the tag flipped',
    operation: 'aes-256-gcm-open',
    input: { ...GCM16, tag: `77${GCM16.tag.slice(2)}` },
    expected: refused,
  },
  {
    name: 'case 16 with a bit of the ciphertext flipped',
    operation: 'aes-256-gcm-open',
    input: { ...GCM16, ciphertext: `53${GCM16.ciphertext.slice(2)}` },
    expected: refused,
  },
  {
    name: 'case 16 with other associated data',
    operation: 'aes-256-gcm-open',
    input: { ...GCM16, aad: `ff${GCM16.aad.slice(2)}` },
    expected: refused,
  },
  {
    name: 'case 16 with another nonce',
    operation: 'aes-256-gcm-open',
    input: { ...GCM16, nonce: `cb${GCM_NONCE.slice(2)}` },
    expected: refused,
  },
];

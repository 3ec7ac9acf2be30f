/**
 * The recovery phrase: 256 random bits as 24 words (BIP-39, English). They give the key that wraps the account
 * root key a second time, and an Ed25519 key that proves to the server that one knows them.
 */
import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import nacl from 'tweetnacl';
import { hkdf } from './hmac.ts';
import type { Random } from './random.ts';

const WORDS = 24;
const KNOWN = new Set(wordlist);
const NO_SALT = new Uint8Array(0);

export interface RecoveryPhrase {
  /** 24 lower-case words, one space between: never stored as they are. */
  readonly phrase: string;
  /** 32 bytes. */
  readonly entropy: Uint8Array;
}

export function makePhrase(random: Random): RecoveryPhrase {
  const entropy = Uint8Array.from(random(32));
  return { phrase: phraseOf(entropy), entropy };
}

/** @param entropy 32 bytes */
export function phraseOf(entropy: Uint8Array): string {
  return entropyToMnemonic(entropy, wordlist);
}

export type PhraseFault =
  | { readonly kind: 'wrong-count'; readonly count: number }
  /** 1 to 24. The word itself is not repeated: it may be half of a secret. */
  | { readonly kind: 'unknown-word'; readonly position: number }
  /** Every word exists, yet they do not belong together: one is wrong, or two changed places. */
  | { readonly kind: 'bad-checksum' };

export type ParsedPhrase =
  ({ readonly ok: true } & RecoveryPhrase) | { readonly ok: false; readonly fault: PhraseFault };

/** Takes what people type: any case, any white space, commas, and the numbers of a numbered list. */
export function parsePhrase(text: string): ParsedPhrase {
  const words = text
    .normalize('NFKD')
    .toLowerCase()
    .split(/[\s,;]+/u)
    .filter((word) => word !== '' && !/^\d+[.):]?$/u.test(word));
  const unknown = words.findIndex((word) => !KNOWN.has(word));
  if (unknown >= 0) return { ok: false, fault: { kind: 'unknown-word', position: unknown + 1 } };
  if (words.length !== WORDS) return { ok: false, fault: { kind: 'wrong-count', count: words.length } };
  const phrase = words.join(' ');
  try {
    return { ok: true, phrase, entropy: mnemonicToEntropy(phrase, wordlist) };
  } catch {
    return { ok: false, fault: { kind: 'bad-checksum' } }; // count and words were checked above
  }
}

export interface RecoveryKeys {
  /** 32 bytes: wraps the account root key. */
  readonly recoveryKey: Uint8Array;
  /** Ed25519: public key of 32 bytes, secret key of 64. */
  readonly authKey: Uint8Array;
  readonly authSecret: Uint8Array;
}

export function recoveryKeysOf(entropy: Uint8Array): RecoveryKeys {
  if (entropy.length !== 32) throw new RangeError('a recovery phrase holds 32 bytes');
  const seed = hkdf(entropy, NO_SALT, 'coffre/recovery-auth', 32);
  const pair = nacl.sign.keyPair.fromSeed(seed);
  seed.fill(0);
  return {
    recoveryKey: hkdf(entropy, NO_SALT, 'coffre/recovery-key', 32),
    authKey: pair.publicKey,
    authSecret: pair.secretKey,
  };
}

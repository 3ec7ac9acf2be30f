/**
 * Which names the account may hold, and how a name the file system cannot hold is written instead
 * (docs/threat-model.md, "Hostile names"). A local alias is reversible and never reaches the account.
 */
import { MAX_DEPTH, MAX_NAME_BYTES } from '../../protocol/limits.ts';
import type { Capabilities } from './capabilities.ts';
import { PAIR_FOLDER } from './ignore-rules.ts';

const MAX_PATH_BYTES = 4096;

export type NameProblem = 'empty' | 'dots' | 'slash' | 'nul' | 'not-unicode' | 'too-long';

/** Whether a name may stand in a record, on any system; null when it may. */
export function nameProblem(name: string): NameProblem | null {
  if (name === '') return 'empty';
  if (name === '.' || name === '..') return 'dots';
  if (name.includes('/')) return 'slash';
  if (name.includes('\0')) return 'nul';
  if (!name.isWellFormed()) return 'not-unicode';
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return 'too-long';
  return null;
}

export type PathProblem = NameProblem | 'reserved' | 'too-deep' | 'path-too-long';

/** Whether a path relative to the pair may be used on this disk; null when it may. */
export function pathProblem(path: string): PathProblem | null {
  const names = path.split('/');
  if (names.length > MAX_DEPTH) return 'too-deep';
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return 'path-too-long';
  if (isReserved(names[0] ?? '')) return 'reserved';
  for (const name of names) {
    const problem = nameProblem(name);
    if (problem !== null) return problem;
  }
  return null;
}

/**
 * Whether a name at the top of the pair could be `.coffre` to some file system: in another case, with
 * characters HFS+ does not see (CVE-2014-9390), with the trailing dots and spaces, stream or short name of
 * Windows.
 */
export function isReserved(name: string): boolean {
  const seen = name
    .normalize('NFKC')
    .replace(/[\u200c-\u200f\u202a-\u202e\u2060-\u2064\u206a-\u206f\ufeff]/g, '')
    .replace(/:.*$/s, '')
    .replace(/[. ]+$/, '')
    .toLowerCase();
  return seen === PAIR_FOLDER || /^coffre~\d+$/.test(seen);
}

/**
 * Equal for two names exactly when this file system takes them for one. The set of taken names handed to
 * localNameFor is made of these.
 */
export function nameKey(name: string, capabilities: Capabilities): string {
  const composed = capabilities.unicodeSensitive ? name : name.normalize('NFC');
  return capabilities.caseSensitive ? composed : foldCase(composed);
}

/** As file systems fold: letter by letter, so that ſ is s, and ß is not ss. */
function foldCase(name: string): string {
  let folded = '';
  for (const letter of name) {
    const upper = letter.toUpperCase();
    const lower = (upper.length === letter.length ? upper : letter).toLowerCase();
    folded += lower.length === letter.length ? lower : letter;
  }
  return folded;
}

/**
 * The marker of an alias. A fullwidth percent sign is legal everywhere, hardly ever typed, and kept by NFC.
 * `％XX` stands for the character of that code (`％25` for the sign itself where it would read as a marker),
 * `％(N)` for nothing: it tells the N-th twin of a name apart.
 */
const SIGN = '\uFF05';
const ESCAPED = /\uFF05([0-9A-F]{2})/g;
const LOOKS_ESCAPED = /\uFF05(?=[0-9A-F]{2}|\([0-9]+\))/g;
const TWIN = /\uFF05\([0-9]+\)/;
const MAX_TWINS = 1000;

export type LocalName =
  { readonly name: string; readonly alias: boolean } | { readonly problem: 'too-long' | 'illegal' | 'twins' };

/**
 * The name to write on this disk for an account's name: the name itself wherever possible.
 * `taken` holds the nameKey of every other name in the folder.
 */
export function localNameFor(
  name: string,
  capabilities: Capabilities,
  taken: ReadonlySet<string>,
): LocalName {
  if (!canAlias(capabilities)) return { name, alias: false };
  const legal = escapeName(name, capabilities);
  if (!taken.has(nameKey(legal, capabilities))) return fitted(name, legal, capabilities);
  for (let twin = 2; twin <= MAX_TWINS; twin += 1) {
    const candidate = withTwin(legal, twin);
    if (!taken.has(nameKey(candidate, capabilities))) return fitted(name, candidate, capabilities);
  }
  return { problem: 'twins' };
}

/**
 * The account's name of a local one; undoes localNameFor. A name a person typed with such a marker in it
 * reads as an alias too, which loses nothing: its local name stays as typed.
 */
export function remoteNameOf(localName: string, capabilities: Capabilities): string {
  if (!canAlias(capabilities)) return localName;
  const name = localName
    .replace(TWIN, '')
    .replace(ESCAPED, (_, hex: string) =>
      hex === '25' ? SIGN : String.fromCharCode(Number.parseInt(hex, 16)),
    );
  // What no account can hold was no alias.
  return nameProblem(name) === null ? name : localName;
}

/** A file system that holds every name as it is needs no aliases, and there no name reads as one. */
function canAlias(capabilities: Capabilities): boolean {
  return (
    !capabilities.caseSensitive ||
    !capabilities.unicodeSensitive ||
    capabilities.windowsNames ||
    capabilities.illegal !== ''
  );
}

function escapeName(name: string, capabilities: Capabilities): string {
  const signs = name.replace(LOOKS_ESCAPED, escapeOne(SIGN));
  let legal = '';
  for (const character of signs) {
    legal += isIllegal(character, capabilities) ? escapeOne(character) : character;
  }
  if (!capabilities.windowsNames) return legal;
  if (/[. ]$/.test(legal)) legal = legal.slice(0, -1) + escapeOne(legal.slice(-1));
  // A device whatever follows its first dot, with superscript digits too.
  if (/^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])(?= *(\.|$))/i.test(legal)) {
    legal = escapeOne(legal.slice(0, 1)) + legal.slice(1);
  }
  return legal;
}

function isIllegal(character: string, capabilities: Capabilities): boolean {
  if (capabilities.illegal.includes(character)) return true;
  return capabilities.windowsNames && /[\u0000-\u001f\\:<>"|?*]/.test(character);
}

function escapeOne(character: string): string {
  if (character === SIGN) return `${SIGN}25`;
  return SIGN + character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0');
}

/** The marker stands before the extension, so that programs still know the file. */
function withTwin(name: string, twin: number): string {
  const dot = name.lastIndexOf('.');
  const at = dot > 0 ? dot : name.length;
  return `${name.slice(0, at)}${SIGN}(${twin})${name.slice(at)}`;
}

function fitted(name: string, local: string, capabilities: Capabilities): LocalName {
  const length = capabilities.windowsNames ? local.length : Buffer.byteLength(local);
  if (length > MAX_NAME_BYTES) return { problem: 'too-long' };
  if (remoteNameOf(local, capabilities) !== name) return { problem: 'illegal' };
  return { name: local, alias: local !== name };
}

/** A name or path to show: controls and what turns the writing direction as `\u{...}`. */
export function displayName(name: string): string {
  return name.replace(
    /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\p{Surrogate}/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

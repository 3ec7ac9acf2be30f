/**
 * Stands numbers in the place of what a bug report must not tell: ids, names, contents, sizes and times. The same
 * thing has the same number throughout one pair's part of a report, and another one in the next report.
 */
import { ROOT_NODE, TRASH_NODE, type ContentId, type NodeId } from '../../protocol/ids.ts';
import type {
  FileKind,
  NameTrait,
  ReportedName,
  ReportedPlace,
  ReportedState,
} from '../../protocol/report.ts';
import type { Capabilities } from '../local-fs/capabilities.ts';
import { BUILT_IN_PATTERNS, IGNORE_FILE, IgnoreRules } from '../local-fs/ignore-rules.ts';
import { localNameFor, nameKey } from '../local-fs/path-rules.ts';
import { PARKED_NODE, type NodeState } from '../plan/tree.ts';

/** Gives out numbers in the order in which things are first met. */
class Numbers<T> {
  readonly #known = new Map<T, number>();

  of(thing: T): number {
    const known = this.#known.get(thing);
    if (known !== undefined) return known;
    const number = this.#known.size + 1;
    this.#known.set(thing, number);
    return number;
  }
}

export class Redaction {
  /** What `name` numbers stand for. */
  readonly names: ReportedName[] = [];
  readonly #nodes = new Numbers<NodeId>();
  readonly #contents = new Numbers<ContentId>();
  readonly #groups = new Numbers<string>();
  readonly #spellings = new Map<string, Numbers<string>>();
  readonly #forms = new Map<string, Numbers<string>>();
  readonly #nameIndexes = new Map<string, number>();
  readonly #capabilities: Capabilities;
  readonly #nowMs: number;
  readonly #bound: NodeId;

  /** @param bound the pair's folder in the account: the report's root */
  constructor(capabilities: Capabilities, bound: NodeId, nowMs: number) {
    this.#capabilities = capabilities;
    this.#bound = bound;
    this.#nowMs = nowMs;
  }

  node(id: NodeId): number {
    return this.#nodes.of(id);
  }

  place(id: NodeId): ReportedPlace {
    if (id === this.#bound) return 'root';
    if (id === ROOT_NODE) return 'outside';
    if (id === TRASH_NODE) return 'trash';
    return id === PARKED_NODE ? 'parked' : this.node(id);
  }

  name(name: string): number {
    const known = this.#nameIndexes.get(name);
    if (known !== undefined) return known;
    const composed = name.normalize('NFC');
    const folded = nameKey(composed, FOLDING);
    const spelling = numbersIn(this.#spellings, folded).of(composed) - 1;
    const index = this.names.length;
    this.#nameIndexes.set(name, index);
    this.names.push({
      group: this.#groups.of(folded),
      spelling,
      form: this.#form(name, composed),
      kind: kindOf(name),
      traits: traitsOf(name, this.#capabilities),
    });
    return index;
  }

  #form(name: string, composed: string): number {
    if (name === composed) return 0;
    if (name === name.normalize('NFD')) return 1;
    return 1 + numbersIn(this.#forms, composed).of(name);
  }

  /** All states of one node at once: sizes and times that are unlike stay unlike. */
  states(states: readonly (NodeState | undefined)[]): (ReportedState | null)[] {
    const sizes: number[] = [];
    const times: number[] = [];
    return states.map((state) => {
      if (state === undefined) return null;
      const sizeVariant = variant(sizes, state.size);
      const modifiedVariant = variant(times, state.mtimeUs);
      return {
        parent: this.place(state.parent),
        name: this.name(state.name),
        type: state.type,
        mode: modeText(state.mode),
        size: roundedSize(state.size),
        ...(sizeVariant === 0 ? {} : { sizeVariant }),
        content: state.content === null ? null : this.#contents.of(state.content),
        modifiedAgoS: state.mtimeUs === 0 ? null : this.agoS(state.mtimeUs / 1000),
        ...(modifiedVariant === 0 ? {} : { modifiedVariant }),
      };
    });
  }

  agoS(atMs: number): number {
    return rounded(Math.trunc((this.#nowMs - atMs) / 1000));
  }
}

const FOLDING = { caseSensitive: false, unicodeSensitive: false } as Capabilities;

function numbersIn(map: Map<string, Numbers<string>>, key: string): Numbers<string> {
  const known = map.get(key) ?? new Numbers<string>();
  map.set(key, known);
  return known;
}

function variant(seen: number[], value: number): number {
  const known = seen.indexOf(value);
  return known >= 0 ? known : seen.push(value) - 1;
}

export function modeText(mode: number): string {
  return (mode & 0o777).toString(8).padStart(3, '0');
}

/** Up to a power of two; what is nothing is told. */
export function roundedSize(size: number): number {
  return size <= 0 ? 0 : 2 ** Math.ceil(Math.log2(Math.max(size, 64)));
}

/** Two significant digits, towards nought. */
export function rounded(value: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.abs(value) || 1)) - 1);
  return Math.trunc(value / unit) * unit || 0;
}

const KINDS: Readonly<Record<Exclude<FileKind, 'none' | 'other'>, string>> = {
  text: 'txt md csv log ini conf cfg json xml yml yaml toml',
  document: 'pdf doc docx odt rtf xls xlsx ods ppt pptx odp pages numbers key epub',
  picture: 'jpg jpeg png gif webp heic tif tiff svg bmp raw cr2 nef dng psd',
  sound: 'mp3 flac ogg opus wav m4a aac aiff',
  film: 'mp4 mov mkv avi webm m4v',
  archive: 'zip tar gz xz zst bz2 7z rar iso dmg',
  code: 'ts js mjs py c h cpp rs go java rb php sh html css sql o so',
  temporary: 'tmp temp part partial crdownload swp bak lock',
};

function kindOf(name: string): FileKind {
  const dot = name.lastIndexOf('.');
  if (dot <= 0 || dot === name.length - 1) return 'none';
  const ending = name.slice(dot + 1).toLowerCase();
  for (const [kind, endings] of Object.entries(KINDS))
    if (endings.split(' ').includes(ending)) return kind as FileKind;
  return 'other';
}

const NO_RULES = new IgnoreRules();
const MARK = /\uFF05([0-9A-F]{2}|\([0-9]+\))/;

function traitsOf(name: string, capabilities: Capabilities): NameTrait[] {
  const traits: readonly (readonly [NameTrait, boolean])[] = [
    ['hidden', name.startsWith('.')],
    ['impossible', isImpossible(name, capabilities)],
    ['trailing', /[. ]$/.test(name)],
    ['device', /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(name)],
    ['conflict', / \(conflict, .*\d{4}-\d\d-\d\d.*\)/.test(name)],
    ['alias', MARK.test(name)],
    ['long', Buffer.byteLength(name) > 200],
    ['not-ascii', /[^\x20-\x7e]/.test(name)],
    ['built-in', BUILT_IN_PATTERNS.includes(name) || NO_RULES.ignoresEntry(name, false)],
    ['ignore-file', name === IGNORE_FILE],
  ];
  return traits.flatMap(([trait, holds]) => (holds ? [trait] : []));
}

/** Whether this disk has to give it another name, whatever else is there. */
function isImpossible(name: string, capabilities: Capabilities): boolean {
  const found = localNameFor(name, capabilities, new Set());
  return 'problem' in found || found.alias;
}

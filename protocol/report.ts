/**
 * A bug report: what an engine knows about its pairs, without names, contents, addresses, keys, or ids that lead
 * to an account. `coffre report` writes it, `npm run sim -- --replay` reads it; docs/report.md tells every field.
 */
import { z } from 'zod';

export const REPORT_FORMAT = 'coffre-report';
export const REPORT_VERSION = 1;

const index = z.number().int().nonnegative();
/** Seconds before the report was made; less than none is to come. */
const agoS = z.number().int();

/** What programs take a name's ending for; `none` where it has no ending. */
const fileKinds = [
  'none',
  'text',
  'document',
  'picture',
  'sound',
  'film',
  'archive',
  'code',
  'temporary',
  'other',
] as const;
export type FileKind = (typeof fileKinds)[number];

/** What a disk, a planner or an ignore rule may see in a name. */
const nameTraits = [
  'hidden', // begins with a dot
  'impossible', // holds a character that this disk refuses
  'trailing', // ends with a dot or a space
  'device', // of Windows: nul, con, ...
  'conflict', // as conflict copies are named
  'alias', // holds a mark as local names do that stand for others
  'long', // more than 200 bytes
  'not-ascii',
  'built-in', // a built-in ignore rule is about it
  'ignore-file', // a file of ignore rules
] as const;
export type NameTrait = (typeof nameTraits)[number];

const nameSchema = z.object({
  /** The same for names that differ in case and composition of letters alone. */
  group: index,
  /** Within the group, the same for names that differ in composition alone. */
  spelling: index,
  /** 0 composed (NFC), 1 decomposed (NFD), above that neither. */
  form: index,
  kind: z.enum(fileKinds),
  traits: z.array(z.enum(nameTraits)),
});
export type ReportedName = z.infer<typeof nameSchema>;

/** `root`: the pair's folder. `outside`: the vault's root, where that is another. `parked`: aside on this disk. */
const placeSchema = z.union([index, z.enum(['root', 'outside', 'trash', 'parked'])]);
export type ReportedPlace = z.infer<typeof placeSchema>;

const stateSchema = z.object({
  parent: placeSchema,
  /** Into `names`. */
  name: index,
  type: z.enum(['file', 'folder', 'symlink']),
  /** Permission bits, octal. */
  mode: z.string().regex(/^[0-7]{3}$/),
  /** Rounded up to a power of two. */
  size: index,
  /** Tells sizes of one node apart. */
  sizeVariant: index.optional(),
  /** The same for the same content; null: a folder, or not read yet. */
  content: index.nullable(),
  /** Two significant digits; null: none is kept. */
  modifiedAgoS: agoS.nullable(),
  /** Tells times of one node apart. */
  modifiedVariant: index.optional(),
});
export type ReportedState = z.infer<typeof stateSchema>;

const nodeSchema = z.object({
  id: index,
  /** What the log says; null: not there, or not beneath the pair's folder and of no interest here. */
  remote: stateSchema.nullable(),
  /** What the disk was last seen to hold; `remote`: the same. */
  local: z.union([stateSchema, z.literal('remote')]).nullable(),
  /** What both last agreed on. */
  synced: z.union([stateSchema, z.enum(['remote', 'local'])]).nullable(),
  /** Into `names`: its name on the disk, where that is another one. */
  diskName: index.optional(),
  parked: z.literal(true).optional(),
  /** Something else was found in its place, and a scan under way looks where it went. */
  evicted: z.literal(true).optional(),
  /** Why its record cannot be used. */
  fault: z.string().optional(),
  dirty: z.literal(true).optional(),
  /** In quarantine: so often it failed, and how long it waits. */
  waits: z
    .object({ attempts: index, forS: z.union([z.number().int(), z.enum(['room', 'person'])]) })
    .optional(),
  unsettled: z.literal(true).optional(),
  /** A person left it out. */
  deselected: z.literal(true).optional(),
  /** It is kept out of the folder, itself or through a folder above it. */
  excluded: z.enum(['deselected', 'ignored']).optional(),
  underWay: z.enum(['reading', 'fetching', 'committing']).optional(),
});
export type ReportedNode = z.infer<typeof nodeSchema>;

const operationSchema = z.object({
  kind: z.string(),
  node: index,
  reason: z.string(),
  state: stateSchema.optional(),
  parent: placeSchema.optional(),
  name: index.optional(),
  mode: z.string().optional(),
  /** Of `adopt`: the node it takes the id of. */
  remote: index.optional(),
  held: z.literal(true).optional(),
  /** The last that was heard of it; null: nothing (it waits, or was not possible any more). */
  outcome: z.string().nullable(),
  afterMs: index.optional(),
});
export type ReportedOperation = z.infer<typeof operationSchema>;

const planSchema = z.object({
  agoMs: z.number().int(),
  /** Dirty nodes it was made for. */
  asked: index,
  clean: index,
  operations: z.array(operationSchema),
  /** Operations that are not listed. */
  more: index,
});

const capabilitiesSchema = z.object({
  caseSensitive: z.boolean(),
  unicodeSensitive: z.boolean(),
  unicodePreserving: z.boolean(),
  symlinks: z.boolean(),
  hardLinks: z.boolean(),
  modes: z.boolean(),
  illegal: z.string().max(64),
  windowsNames: z.boolean(),
  mtimeGranularityUs: index,
});

const pairSchema = z.object({
  id: index,
  /** The same for pairs of one vault. */
  vault: index,
  /** Whether it is bound to a folder of the vault, not to the whole. */
  isBoundWithin: z.boolean(),
  /** An issue code: why it does not sync at all. */
  paused: z.string().nullable(),
  isSettled: z.boolean(),
  /** Content moves. */
  isBusy: z.boolean(),
  /** Removals wait for a person. */
  isHolding: z.boolean(),
  hasHints: z.boolean(),
  hasIgnoreRules: z.boolean(),
  vaultStopped: z.boolean(),
  commitsWaiting: index,
  /** Commits that were seen before and are not there now. */
  commitsBehind: index,
  capabilities: capabilitiesSchema,
  counts: z.object({ local: index, syncedFiles: index, dirty: index }),
  names: z.array(nameSchema),
  nodes: z.array(nodeSchema),
  /** Nodes that are not listed. */
  leftOut: index,
  /** Newest first. */
  plans: z.array(planSchema),
});
export type ReportedPair = z.infer<typeof pairSchema>;
export type ReportedPlan = z.infer<typeof planSchema>;

export const reportSchema = z.object({
  format: z.literal(REPORT_FORMAT),
  version: z.literal(REPORT_VERSION),
  /** For whoever opens it. */
  about: z.string(),
  program: z.object({
    version: z.string(),
    platform: z.string(),
    arch: z.string(),
    node: z.string(),
    electron: z.boolean(),
    startedAgoS: agoS,
  }),
  state: z.string(),
  /** Two significant digits. */
  counters: z.record(z.string(), z.number()),
  issues: z.array(
    z.object({
      code: z.string(),
      pair: index.nullable(),
      node: index.nullable(),
      sinceS: agoS,
      ways: z.array(z.string()),
    }),
  ),
  issuesLeftOut: index,
  pairs: z.array(pairSchema),
});
export type Report = z.infer<typeof reportSchema>;

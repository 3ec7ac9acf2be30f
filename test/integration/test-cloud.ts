/**
 * The account server that devices of a test speak to: whichever of them it is, devices must not notice. The variable
 * COFFRE_TEST_CLOUD chooses for a whole run.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const KINDS = ['embedded', 'scaled', 'nodes'] as const;
const CLOUD = join(import.meta.dirname, '../../cloud/main.ts');

/**
 * - embedded: one process on a data directory
 * - scaled: one process on PostgreSQL and S3
 * - nodes: three on those, behind a load balancer, and one of them is killed and replaced every five seconds
 */
export type CloudKind = (typeof KINDS)[number];

/** What this run is against. */
export function chosenKind(): CloudKind {
  const given = process.env['COFFRE_TEST_CLOUD'] ?? 'embedded';
  const kind = KINDS.find((name) => name === given);
  if (kind === undefined) throw new Error(`COFFRE_TEST_CLOUD wants one of ${KINDS.join(', ')}`);
  return kind;
}

export interface TestCloud {
  /** Where devices find it on this machine: the same over restarts. */
  readonly port: number;
  /** Its data directory, where it has one. */
  readonly data: string;
  /** What it wrote to its standard error. */
  readonly log: string;
  start(): Promise<void>;
  /** As a crash would, all of it. */
  kill9(): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** For the end of this process. */
  killNow(): void;
  /** What is kept of it beside its processes goes. */
  end(): Promise<void>;
  /** Every byte that it keeps. */
  kept(): Promise<Buffer>;
  packSizes(): Promise<readonly number[]>;
  /** A copy of it while it runs; taking it back kills it, and begins again on the copy. */
  backup(): Promise<() => Promise<void>>;
}

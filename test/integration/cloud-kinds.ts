/** What the account server behind the devices of a test may be; `test-cloud.ts` makes it. */

const KINDS = ['embedded', 'scaled', 'nodes'] as const;

/**
 * - embedded: one process on a data directory
 * - scaled: one process on PostgreSQL and S3
 * - nodes: three on those, behind a load balancer; one of them is killed and replaced every five seconds
 */
export type CloudKind = (typeof KINDS)[number];

export interface TestCloud {
  /** Where devices find it on this machine: the same over restarts. */
  readonly port: number;
  /** Its data directory. @throws where everything is kept elsewhere */
  readonly data: string;
  /** The file of what it wrote to its standard error. */
  readonly log: string;
  start(): Promise<void>;
  /** All of it, as a crash would. */
  kill9(): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Kills it, and nothing listens any more. */
  end(): Promise<void>;
  /** For the end of this process. */
  killNow(): void;
  /** A command of `coffre-cloud` on what it keeps, as its operator gives it. What it wrote to its output. */
  operate(...words: readonly string[]): Promise<string>;
  /** Every byte that it keeps. */
  kept(): Promise<Buffer>;
  /** In bytes, of those that are no part of a commit. */
  packSizes(): Promise<readonly number[]>;
  /** Copies all of it while it runs; what comes back kills it, and begins again on that copy. */
  backup(): Promise<() => Promise<void>>;
}

/** What this run is against. */
export function chosenKind(): CloudKind {
  const given = process.env['COFFRE_TEST_CLOUD'] ?? 'embedded';
  const kind = KINDS.find((name) => name === given);
  if (kind === undefined) throw new Error(`COFFRE_TEST_CLOUD wants one of ${KINDS.join(', ')}`);
  return kind;
}

/** What is kept outside a data directory, and how to look at it. */
export type OutsideStorage = Pick<TestCloud, 'operate' | 'kept' | 'packSizes'> & {
  /** What comes back is for when no server runs. */
  backup(): Promise<() => Promise<void>>;
};

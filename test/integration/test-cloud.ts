/**
 * The account server that the devices of a test speak to. Whichever it is, they must not notice: the variable
 * COFFRE_TEST_CLOUD chooses for a whole run.
 */
import { Server } from './server.ts';

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

/**
 * Not started yet.
 * @param place a folder of its own
 * @param options further options of `coffre-cloud serve`; those that say where things are kept say what kind it is
 */
export async function makeTestCloud(
  place: string,
  options: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
  kind: CloudKind = chosenKind(),
): Promise<TestCloud> {
  if (kind === 'embedded' || options.includes('--s3-endpoint')) return new Server(place, options, env);
  const { ScaledStorage } = await import('../scaled/scaled-storage.ts');
  const storage = await ScaledStorage.make();
  const all = [...storage.options, ...options];
  const environment = { ...storage.env, ...env };
  if (kind === 'scaled') return new Server(place, all, environment, storage);
  const { NodesCloud } = await import('../scaled/nodes-cloud.ts');
  return NodesCloud.make(place, { options: all, env: environment }, storage);
}

/**
 * The durable steps by name (durable-steps.ts makes the names), in the order of the lives in which they are reached.
 * A step that a run meets and that is not here fails the test, and so does one that is here and is not reached.
 */
import type { Point } from './steps.ts';

/** With `middle`, what an engine that was killed there before leaves to be put right is what leads there. */
export interface NamedPoint extends Point {
  readonly middle?: Point | undefined;
}

/**
 * `all`: before and after each. `each`: on the side that is worse, a file changed and no row tells. Another word: the
 * steps alone that have it in their names. Nothing: each third, which is what a run of everything has time for.
 */
const WANTED = process.env['COFFRE_FAULT_POINTS'] ?? '';
const BOTH = WANTED === 'all';
export const IS_PART = WANTED !== 'each' && !BOTH;
let count = 0;

function isWanted(name: string): boolean {
  if (!IS_PART) return true;
  count += 1;
  return WANTED === '' ? count % 3 === 2 : name.includes(WANTED);
}

function sideOf(name: string): Point['side'] {
  return /: (?:commit|row|checkpoint)$/.test(name) ? 'before' : 'after';
}

function points(where: string, calls: string, middle?: string): NamedPoint[] {
  return calls.split(', ').flatMap((call) => {
    const name = `${where}: ${call}`;
    if (!isWanted(name)) return [];
    const died: Point | undefined = middle === undefined ? undefined : { name: middle, side: sideOf(middle) };
    const sides: readonly Point['side'][] = BOTH ? ['before', 'after'] : [sideOf(name)];
    return sides.map((side) => ({ name, side, middle: died }));
  });
}

const HOME = 'sync-engine/account/home';
const ENGINE = 'sync-engine/engine';
const LOCAL = 'sync-engine/local-fs';
const FILE = 'open, writeFile, sync';

/** A device is made one of the account. */
export const LOGIN: readonly NamedPoint[] = [
  ...points(`${HOME} open`, 'mkdir, chmod'),
  ...points('sync-engine/control/listen listenPrivately', 'mkdir, chmod'),
  ...points('sync-engine/host/engine-handlers prepareFolder', 'mkdir'),
  ...points(`${HOME} install`, `mkdir, ${FILE}, rename secrets, rename chain`),
  ...points(`${HOME} saveConfig`, `${FILE}, rename config.json`),
  ...points(`${HOME} #removeIdentities`, 'rm', `${HOME} install: rename secrets`),
  ...points('sync-engine/host/pair-file writePairs', `${FILE}, rename pairs.json`),
  ...points('sync-engine/host/running-device start', 'row'),
  ...points(`${ENGINE}/log-state keepState`, 'commit'),
  ...points(`${LOCAL}/root-marker makePairFolders`, 'mkdir'),
  ...points(`${LOCAL}/root-marker createMarker`, 'open, write, fsync, rename'),
  ...points(`${LOCAL}/root-marker createMarker`, 'unlink', `${LOCAL}/root-marker createMarker: write`),
  ...points(`${ENGINE}/open-pair openPair`, 'commit'),
];

/** An engine starts after it was killed at work. */
export const START: readonly NamedPoint[] = [
  ...points('sync-engine/control/listen removeLeftover', 'unlink'),
  ...points(`${HOME} writeIdentity`, `${FILE}, rename secrets`),
  ...points(`${ENGINE}/sync-engine start`, 'row'),
  ...points(`${ENGINE}/vaults open`, 'row'),
  ...points(`${ENGINE}/open-pair openPair`, 'row'),
  ...points(`${ENGINE}/issue-board clear`, 'row'),
  ...points(`${LOCAL}/capabilities probe`, 'mkdir'),
  ...points(`${LOCAL}/capabilities tryAll`, 'open, write, symlink, link'),
  ...points(`${LOCAL}/capabilities holdsModes`, 'chmod'),
  ...points(`${LOCAL}/capabilities holdsName`, 'open, write, unlink'),
  ...points(`${LOCAL}/capabilities granularity`, 'lutimes'),
  ...points(`${LOCAL}/capabilities clear`, 'unlink, rmdir'),
  ...points(`${ENGINE}/pair-sync`, 'commit'),
  ...points(`${ENGINE}/held-additions release`, 'commit'),
];

/** It puts right what a kill in a certain place left. */
export const RECOVERY: readonly NamedPoint[] = [
  ...points(`${HOME} tidy`, 'rm', `${HOME} writeIdentity: open`),
  ...points(`${ENGINE}/vaults forgetUnsent`, 'commit', `${ENGINE}/pack-uploads #send: row`),
  ...points(`${ENGINE}/unsettled verify`, 'commit', `${LOCAL}/apply #replace: link`),
  ...points(`${ENGINE}/unsettled #settle`, 'commit', `${LOCAL}/apply #replace: link`),
  ...points(`${LOCAL}/displace putBack`, 'link, unlink', `${LOCAL}/displace displace: rename`),
  ...points(`${LOCAL}/displace recoverOne`, 'unlink, rmdir', `${LOCAL}/displace displace: rename`),
  ...points(`${LOCAL}/displace recoverOne`, 'rename', `${LOCAL}/apply #replace: link`),
  ...points(`${LOCAL}/displace recoverDisplaced`, 'unlink', `${LOCAL}/apply #takeStaged: rename`),
  ...points('sync-engine/workers/jobs run', 'spawn', `${LOCAL}/apply #replace: link`),
  ...points(
    `${LOCAL}/staged-folder dropStaged`,
    'unlink, rmdir',
    `${LOCAL}/staged-folder finishStagedFolder: chmod`,
  ),
  ...points('sync-engine/transfer/fetch #take', 'unlink', `${LOCAL}/apply #replace: link`),
];

/** Changes go up and come down. */
export const WORK: readonly NamedPoint[] = [
  ...points(`${ENGINE}/observe batch`, 'commit'),
  ...points(`${ENGINE}/observe scan`, 'commit'),
  ...points(`${ENGINE}/unmarked-nodes mark`, 'commit'),
  ...points(`${ENGINE}/pair-rooms retryDelayed`, 'commit'),
  ...points(`${ENGINE}/pair-sync #planAndDo`, 'commit'),
  ...points(`${ENGINE}/held-removals sift`, 'commit'),
  ...points(`${ENGINE}/executor run`, 'commit'),
  ...points(`${ENGINE}/pack-uploads record`, 'commit'),
  ...points(`${ENGINE}/pack-uploads #send`, 'row'),
  ...points(`${ENGINE}/ingest-lane #run`, 'commit'),
  ...points(`${ENGINE}/commit-queue #attempt`, 'commit'),
  ...points(`${ENGINE}/log-propose commit`, 'row, checkpoint, commit'),
  ...points(`${ENGINE}/log-follow acceptCommit`, 'commit'),
  ...points(`${LOCAL}/staged-folder makeStagedFolder`, 'mkdir'),
  ...points('sync-engine/transfer/fetch #take', 'open, write'),
  ...points(`${LOCAL}/staged-folder finishStagedFolder`, 'chmod, lutimes'),
  ...points(`${LOCAL}/staged-folder makeStagedLink`, 'unlink, symlink'),
  ...points(`${ENGINE}/placement place`, 'commit, checkpoint'),
  ...points(`${LOCAL}/apply #placeFolder`, 'rename'),
  ...points(`${LOCAL}/apply #setMode`, 'chmod'),
  ...points(`${LOCAL}/apply #makeFolder`, 'mkdir'),
  ...points(`${LOCAL}/apply #takeStaged`, 'rename, lutimes'),
  ...points(`${LOCAL}/displace displace`, 'mkdir, open, write, rename'),
  ...points(`${LOCAL}/apply #replace`, 'link, unlink, symlink'),
  ...points(`${LOCAL}/displace trash`, 'rename'),
  ...points(`${LOCAL}/apply #move`, 'rename, link, unlink, symlink'),
  ...points(`${LOCAL}/displace forget`, 'unlink, rmdir'),
  ...points(`${LOCAL}/apply #park`, 'rename'),
  ...points(`${LOCAL}/apply #unpark`, 'rename'),
  ...points(`${ENGINE}/pair-disk takeTarget`, 'unlink'),
  ...points(`${LOCAL}/apply #setAttributes`, 'lutimes'),
  ...points(`${ENGINE}/step-runner run`, 'commit'),
  ...points(`${ENGINE}/unsettled flush`, 'checkpoint'),
];

const EMBEDDED = 'cloud/store/embedded';

/** A server is started on no data, and the first account is made on it. */
export const SERVER_BEGINNING: readonly NamedPoint[] = [
  ...points('cloud/storage openEmbedded', 'mkdir'),
  ...points(`${EMBEDDED}/settings writeSetting`, 'commit'),
  ...points(`${EMBEDDED}/legacy`, 'commit'),
  ...points(`${EMBEDDED}/audit`, 'commit'),
  ...points(`${EMBEDDED}/upkeep releaseUploads`, 'commit'),
  ...points(`${EMBEDDED}/file-blobs openFileBlobs`, 'rm, mkdir'),
  ...points('cloud/storage openEmbedded', `${FILE}, rename opaque-setup`),
  ...points('cloud/storage openEmbedded', 'rm', 'cloud/storage openEmbedded: open'),
  ...points(`${EMBEDDED}/upkeep`, 'commit'),
  ...points(`${EMBEDDED}/accounts`, 'commit'),
  ...points(`${EMBEDDED}/accounts addDevice`, 'commit'),
  ...points(`${EMBEDDED}/sessions`, 'commit'),
  ...points(`${EMBEDDED}/sessions addTokens`, 'commit'),
  ...points(`${EMBEDDED}/log-append createVault`, 'commit'),
];

/** It takes packs and commits. */
export const SERVER_WORK: readonly NamedPoint[] = [
  ...points(`${EMBEDDED}/file-blobs put`, 'open, writev, datasync, rename, sync'),
  ...points(`${EMBEDDED}/file-blobs makeFolder`, 'mkdir, sync'),
  ...points(`${EMBEDDED}/packs`, 'commit'),
  ...points(`${EMBEDDED}/packs takeUpload`, 'commit'),
  ...points(`${EMBEDDED}/usage moveBytes`, 'commit'),
  ...points(`${EMBEDDED}/log-append writeHead`, 'commit'),
  ...points(`${EMBEDDED}/log-append writeRecords`, 'commit'),
  ...points(`${EMBEDDED}/log-append writePacks`, 'commit'),
  ...points(`${EMBEDDED}/log-append setLive`, 'commit'),
];

/** Files whose steps a run may meet when things happen to coincide; each is a row that the next plan makes good. */
export const BY_THE_WAY: readonly string[] = [
  `${ENGINE}/account-steps`,
  `${ENGINE}/setbacks`,
  `${ENGINE}/conflicts`,
  // Without it more is looked at than has to be.
  `${ENGINE}/pair-run`,
];

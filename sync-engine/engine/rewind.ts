/**
 * Taking a vault back to an older head because a person says so: after a device that was stolen or taken over wrote
 * rubbish. First the device is removed, or it would write the same again; then a `void` entry of the device chain
 * names the head that counts. What the other devices wrote since, each of them proposes again by itself.
 */
import type { DeviceChain, HeadPin } from '../../protocol/device-chain.ts';
import { PersonError } from '../../protocol/errors.ts';
import type { VaultHead, VaultWriter } from '../../protocol/control-vault.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import { voidLog } from '../account/void-log.ts';
import type { HeaderRow } from '../manifest/manifest.ts';
import { CloudError } from '../remote/cloud.ts';
import { checkAuthor } from './commit-rules.ts';
import { checkDescends } from './header-chain.ts';
import { checkKnown } from './history.ts';
import { LogFault } from './log-fault.ts';
import { asked } from './person-work.ts';
import { touchedSince, type Touched } from './rewind-touched.ts';
import { cloudOf, type TreeDevice } from './tree-host.ts';
import { authorOf, chosenVault, headOf, type VaultChoice } from './vault-heads.ts';
import type { VaultSync } from './vault-sync.ts';

export interface RewindRequest extends VaultChoice {
  readonly to: number;
  readonly hash?: string | undefined;
  readonly includeLive: boolean;
  readonly password?: string | undefined;
}

export interface Rewound extends Touched {
  readonly vault: string;
  readonly to: VaultHead;
  readonly commits: number;
  readonly unverified: number;
  readonly writers: VaultWriter[];
  readonly done: boolean;
}

/** What the commits after a head are, by the signed headers. */
interface TakenBack {
  readonly target: HeaderRow;
  readonly commits: ReadonlyMap<DeviceId, number>;
  readonly unverified: number;
}

const HEADERS_PER_PAGE = 1000;

/** @throws PersonError refused, not-found, bad-input, verification, server-unreachable */
export function rewindVault(at: TreeDevice, request: RewindRequest): Promise<Rewound> {
  return asked(async () => {
    const vault = chosenVault(at, request);
    await at.device.followChain();
    const taken = await judge(at, vault, request);
    const { seq, hash } = taken.target;
    const pin: HeadPin = { vault: vault.vault, seq, hash };
    // Another device may have done the same a moment ago.
    const isDone = ({ commits }: TakenBack): boolean =>
      commits.size === 0 && isPinned(at.device.chain(), pin, vault.log.cursor().chainLength);
    if (request.password === undefined || !isDone(taken))
      requireRemoved(at, vault, taken, request.includeLive);
    const seen: Omit<Rewound, 'done'> = {
      vault: vault.name(),
      to: headOf(at, vault, taken.target),
      commits: total(taken),
      unverified: taken.unverified,
      writers: writersOf(at, taken),
      ...(await touchedSince(at, vault, seq)),
    };
    if (request.password === undefined) return { ...seen, done: false };
    await voidLog(at.device, {
      password: request.password,
      pinOn: async () => {
        const now = await judge(at, vault, { ...request, hash });
        if (isDone(now)) return null;
        requireRemoved(at, vault, now, request.includeLive);
        return pin;
      },
    });
    await followNow(at, vault);
    return { ...seen, done: true };
  });
}

/** Where the server is away by now, the engine goes back when it is there again. */
async function followNow(at: TreeDevice, vault: VaultSync): Promise<void> {
  try {
    await at.engine.followVault(vault.vault);
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
  }
}

function isPinned(chain: DeviceChain, pin: HeadPin, chainLength: number): boolean {
  return chain.voids.some(
    ({ at, pin: known }) =>
      at >= chainLength && known.vault === pin.vault && known.seq === pin.seq && known.hash === pin.hash,
  );
}

/** Reads the log to its end, and what lies above the head that was chosen. @throws PersonError, CloudError, LogFault */
async function judge(at: TreeDevice, vault: VaultSync, request: RewindRequest): Promise<TakenBack> {
  const unverified = await readOn(at, vault);
  const { store } = vault.log;
  if (request.to > 0 && request.to <= vault.log.cursor().seq) await known(at, vault, request.to);
  const target = store.header(request.to);
  if (target === undefined || (request.hash !== undefined && request.hash !== target.hash)) {
    throw new PersonError(
      'not-found',
      request.hash === undefined
        ? `there is no revision ${request.to} in the log of ${vault.name()}`
        : `revision ${request.to} is not the one that was chosen any more`,
      'See them with `coffre vault log`.',
    );
  }
  const commits = new Map<DeviceId, number>();
  const add = (device: DeviceId): void => void commits.set(device, (commits.get(device) ?? 0) + 1);
  for (let from = target.seq + 1; ;) {
    const page = store.headersFrom(from, HEADERS_PER_PAGE);
    for (const { device } of page) add(device);
    const last = page.at(-1);
    if (last === undefined) break;
    from = last.seq + 1;
  }
  unverified.forEach(add);
  return { target, commits, unverified: unverified.length };
}

/** Devices of the commits above what this device can verify, oldest first; none where the log is sound. */
async function readOn(at: TreeDevice, vault: VaultSync): Promise<DeviceId[]> {
  try {
    await vault.log.pull();
    return [];
  } catch (error) {
    // What looks like a restored server, or a copy of this device, is another question, with its own ways out.
    const isOther = ['rolled-back', 'forked', 'copied-home'].includes(
      error instanceof LogFault ? error.code : '',
    );
    if (!(error instanceof LogFault) || isOther) throw error;
  }
  const devices: DeviceId[] = [];
  const cloud = cloudOf(at);
  const listed = (await cloud.vaults()).find((one) => one.vault === vault.vault);
  if (listed === undefined) throw new LogFault('rolled-back');
  await checkDescends(cloud, vault.vault, vault.log.cursor(), listed.head, (signed, header) => {
    checkAuthor(vault.vault, signed, header, at.device.chain());
    devices.push(header.device);
  });
  return devices;
}

async function known(at: TreeDevice, vault: VaultSync, seq: number): Promise<void> {
  try {
    await checkKnown(vault.log, cloudOf(at), seq);
  } catch (error) {
    // A restored server's log skips numbers: there may be none of this one.
    if (!(error instanceof LogFault && error.code === 'bad-chain')) throw error;
  }
}

function total({ commits }: TakenBack): number {
  return [...commits.values()].reduce((sum, count) => sum + count, 0);
}

function writersOf(at: TreeDevice, { commits }: TakenBack): VaultWriter[] {
  return [...commits].map(([device, count]) => ({
    ...authorOf(at, device),
    current: device === at.device.device,
    commits: count,
  }));
}

/** A device that stays would propose again what was taken from it. @throws PersonError */
function requireRemoved(at: TreeDevice, vault: VaultSync, taken: TakenBack, includeLive: boolean): void {
  const { seq } = taken.target;
  const writers = writersOf(at, taken);
  if (writers.length === 0) {
    const what = `nothing was written in ${vault.name()} after revision ${seq}`;
    throw new PersonError('bad-input', what, 'See the revisions with `coffre vault log`.');
  }
  if (includeLive) return;
  const live = writers.filter(({ removed, current }) => !removed && !current);
  const [first] = live;
  if (first !== undefined) {
    const names = live.map(({ deviceName, commits }) => `${deviceName} (${commits})`).join(', ');
    throw new PersonError(
      'refused',
      `after revision ${seq} there are commits of devices that are in the account: ${names}`,
      `Remove the device that did harm first: coffre devices revoke ${first.device}. ` +
        'What the others wrote they write again by themselves; add --include-live if that is meant.',
    );
  }
  if (!writers.some(({ removed }) => removed)) {
    throw new PersonError(
      'refused',
      `after revision ${seq} only this device wrote, and it would write the same again`,
      'To undo your own changes use `coffre restore PATH --at TIME`.',
    );
  }
}

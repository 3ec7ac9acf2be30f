/** Handlers of protocol/control-engine.ts: the engine, its pairs, its issues, its settings. */
import { mkdir, realpath, stat } from 'node:fs/promises';
import { basename, sep } from 'node:path';
import { PersonError } from '../../protocol/errors.ts';
import { ROOT_NODE } from '../../protocol/ids.ts';
import type { ControlHandlers } from '../control/facade.ts';
import { asked } from '../engine/person-work.ts';
import type { IssueCode } from '../engine/issue-codes.ts';
import { parseAccountPath, resolveSteps } from '../engine/paths.ts';
import type { VaultSync } from '../engine/vault-sync.ts';
import type { ConfigKey } from '../../protocol/control-engine.ts';
import { issueOf, type Host } from './host.ts';
import type { RunningDevice } from './running-device.ts';

type EngineMethod =
  | 'status'
  | 'wait'
  | 'pause'
  | 'resume'
  | 'nudge'
  | 'unlock'
  | 'stop'
  | 'pairs.add'
  | 'pairs.list'
  | 'pairs.remove'
  | 'select'
  | 'issues.list'
  | 'issues.removals'
  | 'issues.resolve'
  | 'activity.list'
  | 'config.get'
  | 'config.set';

/** Of the server or the stored data: `coffre wait` exits 7. */
const FAULTS: ReadonlySet<string> = new Set<IssueCode>([
  'log-fault',
  'bad-answers',
  'rolled-back',
  'forked',
  'copied-home',
]);

export function engineHandlers(host: Host): Pick<ControlHandlers, EngineMethod> {
  const state = (): { state: ReturnType<Host['status']>['state'] } => ({ state: host.status().state });
  return {
    status: () => Promise.resolve(host.status()),
    wait: async ({ timeoutMs }, { signal }) => {
      const { engine } = host.running();
      if (host.status().state === 'signed-out') throw signedOut();
      const outcome = await engine.wait(timeoutMs ?? null, signal);
      switch (outcome) {
        case 'in-sync':
          return {
            seq: Object.fromEntries(engine.vaults().map((vault) => [vault.vault, vault.log.cursor().seq])),
          };
        case 'timeout':
          throw new PersonError(
            'timeout',
            'not everything is in sync yet',
            'See `coffre status` for what is going on.',
          );
        case 'quota':
          throw new PersonError(
            'quota',
            'your storage is full, so the rest waits here',
            'Free some space or empty the trash; see `coffre quota`.',
          );
        case 'out-of-sync': {
          const isFault = engine.issues().some((issue) => FAULTS.has(issue.code));
          throw isFault
            ? new PersonError(
                'verification',
                'the server or the stored data failed verification',
                'See `coffre issues`. Nothing was applied or deleted.',
              )
            : new PersonError(
                'out-of-sync',
                'some things cannot be brought in sync',
                'See `coffre issues` for each of them and its ways out.',
              );
        }
      }
    },
    pause: ({ untilMs }) => {
      if (untilMs !== null && untilMs <= Date.now()) {
        throw new PersonError('bad-input', 'that time is past', 'Give one to come, or none.');
      }
      host.running().engine.pause(untilMs);
      return Promise.resolve(state());
    },
    resume: () => {
      host.running().engine.resume();
      return Promise.resolve(state());
    },
    nudge: () => {
      host.running().engine.nudge();
      return Promise.resolve(state());
    },
    unlock: async (request) => {
      await host.unlock(
        'unlockKey' in request
          ? { kind: 'keychain', unlockKey: Buffer.from(request.unlockKey, 'base64') }
          : { kind: 'passphrase', passphrase: request.password },
      );
      return state();
    },
    stop: () => {
      host.requestStop();
      return Promise.resolve({});
    },

    'pairs.add': async ({ folder, into }) => {
      const running = host.running();
      const local = await prepareFolder(host, running, folder);
      if (into === null) {
        const vault = await running.makeVault(vaultName(running, basename(local)));
        const record = await running.addPair(local, vault, ROOT_NODE);
        return { pair: host.pairOf(running, record.config.id) };
      }
      const { vault, node } = locate(running, into);
      requireFree(running, vault, node);
      const record = await running.addPair(local, vault, node);
      return { pair: host.pairOf(running, record.config.id) };
    },
    'pairs.list': () => {
      const running = host.running();
      return Promise.resolve({
        pairs: running.pairs.map((record) => host.pairOf(running, record.config.id)),
      });
    },
    'pairs.remove': async ({ id }) => {
      const running = host.running();
      host.pairOf(running, id);
      await running.engine.removePair(id);
      return { id };
    },
    select: ({ path, on }) => {
      const running = host.running();
      const { vault, node } = locate(running, path);
      const sync = running.engine.pairs().find((pair) => pair.vault === vault && pair.contains(node));
      if (sync === undefined) {
        throw new PersonError(
          'bad-input',
          'that is in no folder linked on this device',
          'List the pairs with `coffre pair list`.',
        );
      }
      sync.select(node, on);
      return Promise.resolve({ path: `${vault.name()}:${vault.pathOf(node)}`, on });
    },

    'issues.list': ({ limit, cursor }) => {
      const from = cursor === null ? 0 : Number(cursor);
      const issues = host.running().engine.issues();
      const page = issues.slice(from, from + limit).map(issueOf);
      return Promise.resolve({
        issues: page,
        nextCursor: from + limit < issues.length ? String(from + limit) : null,
      });
    },
    'issues.removals': ({ id, limit }) => {
      const { files, paths, deleted } = host.running().engine.heldRemovals(id, limit);
      return Promise.resolve({ files, paths: [...paths], deleted });
    },
    'issues.resolve': async ({ id, way }) => {
      await asked(() => host.running().engine.resolveIssue(id, way));
      return { id };
    },
    'activity.list': ({ limit, cursor, after, actions, pair }) => {
      const { manifest } = host.running();
      const before = cursor === null ? null : Number(cursor);
      const rows = manifest.activityPage({ limit: limit + 1, after, before, actions, pair });
      const page = rows.slice(0, limit);
      return Promise.resolve({
        rows: page,
        nextCursor: rows.length > limit ? String(page.at(-1)?.id) : null,
      });
    },

    'config.get': ({ key }) => {
      const values = { ...host.settings.values, ...host.ownName() };
      return Promise.resolve({ values: key === null ? { ...values } : { [key]: values[key] } });
    },
    'config.set': async ({ key, value }) => {
      await host.settings.set(key, value);
      await applySetting(host, key);
      return { values: { [key]: host.settings.values[key] } };
    },
  };
}

function signedOut(): PersonError {
  return new PersonError(
    'signed-out',
    'the server no longer knows this device',
    'Run `coffre login` to add it again. Your files stay as they are.',
  );
}

async function applySetting(host: Host, key: ConfigKey): Promise<void> {
  if (!host.isRunning) return;
  const running = host.running();
  if (key === 'device-name') await running.device.rename(String(host.settings.values[key]));
  const up = host.settings.number('upload-limit');
  const down = host.settings.number('download-limit');
  running.engine.traffic.setLimits(up === 0 ? null : up, down === 0 ? null : down);
}

/** An existing or new folder that overlaps no other pair and not the home; its real path. */
export async function prepareFolder(
  host: Host,
  running: RunningDevice | null,
  folder: string,
): Promise<string> {
  let real: string;
  try {
    await mkdir(folder, { recursive: true });
    real = await realpath(folder);
    if (!(await stat(real)).isDirectory()) throw new Error('not a folder');
  } catch (error) {
    throw new PersonError(
      'bad-input',
      `${folder} cannot be used as a folder`,
      'Choose a folder you may read and write.',
      { cause: error },
    );
  }
  const home = await realpath(host.home.path);
  if (overlaps(real, home)) {
    throw new PersonError(
      'bad-input',
      'the folder overlaps with where Coffre keeps its own state',
      'Choose another folder.',
    );
  }
  for (const { config } of running?.pairs ?? []) {
    if (overlaps(real, config.folder)) {
      throw new PersonError(
        'bad-input',
        `the folder overlaps with ${config.folder}, which is linked already`,
        'Choose a folder that is neither in it nor around it.',
      );
    }
  }
  return real;
}

function overlaps(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}${sep}`) || other.startsWith(`${one}${sep}`);
}

function vaultName(running: RunningDevice, wanted: string): string {
  const names = new Set(running.engine.vaults().map((vault) => vault.name()));
  if (wanted === '') return vaultName(running, 'Folder');
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? wanted : `${wanted} ${number}`;
    if (!names.has(name)) return name;
  }
}

/** The node an account path names. @throws PersonError not-found */
function locate(running: RunningDevice, text: string): { vault: VaultSync; node: ReturnType<typeof nodeOf> } {
  const path = parseAccountPath(text);
  const vaults = running.engine.vaults();
  const first = running.pairs[0]?.config.vault;
  const vault =
    path.vault === null
      ? (vaults.find((candidate) => candidate.vault === first) ?? vaults[0])
      : vaults.find((candidate) => candidate.name() === path.vault);
  if (vault === undefined)
    throw new PersonError('not-found', `there is no vault for ${text}`, 'See the vaults with `coffre ls`.');
  return { vault, node: nodeOf(vault, path.steps, text) };
}

function nodeOf(vault: VaultSync, steps: readonly string[], text: string) {
  const node = resolveSteps(vault.log.store.remote, steps);
  if (node === undefined)
    throw new PersonError('not-found', `there is nothing at ${text}`, 'See what is there with `coffre ls`.');
  return node;
}

/** No other pair may hold the subtree, or a part of it. */
function requireFree(running: RunningDevice, vault: VaultSync, node: string): void {
  const { remote } = vault.log.store;
  if (node !== ROOT_NODE && remote.get(node as typeof ROOT_NODE)?.type !== 'folder') {
    throw new PersonError('bad-input', 'that is not a folder', 'Link a folder of the vault.');
  }
  const above = (from: string): Set<string> => {
    const ids = new Set<string>([from]);
    for (let id = from; id !== ROOT_NODE;) {
      const parent = remote.get(id as typeof ROOT_NODE)?.parent;
      if (parent === undefined || ids.has(parent)) break;
      ids.add(parent);
      id = parent;
    }
    return ids;
  };
  for (const { config } of running.pairs) {
    if (config.vault !== vault.vault) continue;
    if (above(node).has(config.bound) || above(config.bound).has(node)) {
      throw new PersonError(
        'bad-input',
        `${config.folder} is linked to that folder, or to one in or around it`,
        'Choose another folder of the vault.',
      );
    }
  }
}

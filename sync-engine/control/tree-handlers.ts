/** Handlers of protocol/control-tree.ts and control-vault.ts: what the account holds, its history, and undo. */
import { join } from 'node:path';
import type { ControlHandlers } from './facade.ts';
import { emptyTrash } from '../engine/empty-trash.ts';
import { exportAccount } from '../engine/export.ts';
import { listFolder, listVersions } from '../engine/listing.ts';
import { PastTrees } from '../engine/past-tree.ts';
import type { Clock, RandomSource } from '../engine/ports.ts';
import { proveRestorable } from '../engine/proof-of-restore.ts';
import { restore, restoreTrashed } from '../engine/restore.ts';
import { rewindVault } from '../engine/rewind.ts';
import { timeline } from '../engine/timeline.ts';
import { listTrash } from '../engine/trash.ts';
import type { TreeHost } from '../engine/tree-host.ts';
import { listHeads } from '../engine/vault-heads.ts';

type TreeMethod =
  | 'ls'
  | 'versions'
  | 'timeline'
  | 'restore'
  | 'trash.list'
  | 'trash.restore'
  | 'trash.empty'
  | 'check'
  | 'export'
  | 'vault.heads'
  | 'vault.rewind';

export function treeHandlers(host: TreeHost): Pick<ControlHandlers, TreeMethod> {
  const { tools } = host;
  const random: RandomSource = {
    bytes: (size) => tools.random(size),
    fraction: () => Buffer.from(tools.random(4)).readUInt32BE() / 2 ** 32,
  };
  const clock: Clock = { nowMs: tools.nowMs, monotonicMs: tools.monotonicMs, sleep: tools.sleep };
  const pasts = new PastTrees();
  return {
    ls: async (request, { signal }) => listFolder(host.running(), request, pasts, signal),
    versions: (request) => listVersions(host.running(), request.path, request),
    timeline: ({ path }) => timeline(host.running(), path, tools.nowMs()),
    restore: (request, context) => restore(host.running(), request, context),
    'trash.list': (request) => listTrash(host.running(), request),
    'trash.restore': (request, context) => restoreTrashed(host.running(), request, context),
    'trash.empty': ({ now, password }, context) =>
      emptyTrash(host.running(), { now, password: password ?? null }, { clock, random }, context),
    check: ({ readDataPercent: percent, phrase = null }, context) => {
      const world = { random, nowMs: tools.nowMs, tools, folder: join(host.home.path, 'check') };
      return proveRestorable(host.running(), { percent, phrase }, world, context);
    },
    'vault.heads': (request) => listHeads(host.running(), request, tools.nowMs()),
    'vault.rewind': (request) => rewindVault(host.running(), request),
    export: (request, context) => exportAccount(request, host.tools, context),
  };
}

import { expect, it } from 'vitest';
import {
  ZERO_HASH,
  type PackName,
  type SealedObject,
  type SealedPack,
  type VaultId,
} from '../../protocol/ids.ts';
import { openManifest } from '../manifest/open.ts';
import type { Cloud, CloudError } from '../remote/cloud.ts';
import { packBody } from '../transfer/pack-body.ts';
import type { PackToSend } from '../transfer/sealing-jobs.ts';
import { PackUploads } from './pack-uploads.ts';

const vault = 'ab'.repeat(16) as VaultId;
const name = 'cd'.repeat(32) as PackName;
const pack: PackToSend = {
  name,
  size: 3,
  bytes: Uint8Array.of(1, 2, 3) as SealedPack,
  indexHash: ZERO_HASH,
  index: new Uint8Array(1) as SealedObject,
  chunks: [],
};

it('waits before what the server says it is removing is sealed anew', async () => {
  const manifest = openManifest(':memory:');
  manifest.addVault(vault);
  const cloud = { putPack: () => Promise.resolve({ kind: 'deleting' }) } as unknown as Cloud;
  const waited = Promise.withResolvers<undefined>();
  const asked: CloudError[] = [];
  const uploads = new PackUploads(vault, manifest, cloud, { monotonicMs: () => 0 }, packBody, {
    quota: () => undefined,
    sent: () => undefined,
    retry: async (error) => {
      asked.push(error);
      await waited.promise;
    },
  });
  uploads.record(pack);
  await uploads.send(pack, new AbortController().signal);
  let isOver = false;
  const over = uploads.acknowledged(name).then((stored) => {
    isOver = true;
    return stored;
  });
  await new Promise(setImmediate);
  expect([isOver, asked.map(({ fault }) => fault)]).toEqual([false, ['pack-deleting']]);
  waited.resolve(undefined);
  expect(await over).toBe(false);
  expect(manifest.vault(vault).pack(name)).toBeUndefined();
  manifest.close();
});

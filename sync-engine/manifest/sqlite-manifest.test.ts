import { describe, expect, it } from 'vitest';
import { ROOT_NODE } from '../../protocol/ids.ts';
import { openManifestFrom } from './open.ts';
import {
  chunkRow,
  file,
  inLog,
  nodeId,
  onDisk,
  packRow,
  sample,
  vaultId,
} from '../../test/fakes/sample-manifest.ts';

describe('a transaction', () => {
  it('returns what the work returns, and keeps it', () => {
    const { manifest, pair } = sample();
    expect(manifest.transaction(() => (pair.markDirty(nodeId('a')), 5))).toBe(5);
    expect(pair.isDirty(nodeId('a'))).toBe(true);
  });

  it('takes back rows and counters alike when it throws', () => {
    const { manifest, vault, pair } = sample();
    pair.putSynced(file('kept', { size: 3 }));
    pair.markDirty(nodeId('kept'));
    const counts = () => [
      pair.localCount(),
      pair.syncedFileCount(),
      pair.syncedBytes(),
      pair.dirtyCount(),
      pair.pending(),
      vault.remoteCount(),
    ];
    const before = counts();
    expect(() =>
      manifest.transaction(() => {
        pair.putLocal(onDisk(file('a')));
        pair.putSynced(file('a'));
        pair.deleteSynced(nodeId('kept'));
        vault.putRemote(inLog(file('a')));
        pair.markDirty(nodeId('a'));
        pair.clearDirty(nodeId('kept'));
        expect(counts()).not.toEqual(before);
        throw new Error('stop');
      }),
    ).toThrow('stop');
    expect(counts()).toEqual(before);
    expect(pair.local.get(nodeId('a'))).toBeUndefined();
    pair.markDirty(nodeId('b'));
    expect(pair.dirty(9, 0, 0).ids).toEqual([nodeId('kept'), nodeId('b')]);
  });

  it('is joined by a nested one', () => {
    const { manifest, pair } = sample();
    expect(() =>
      manifest.transaction(() => {
        manifest.transaction(() => pair.markDirty(nodeId('inner')));
        throw new Error('stop');
      }),
    ).toThrow('stop');
    expect(pair.dirtyCount()).toBe(0);
  });

  it('commits nothing once a nested one threw, even where that was caught', () => {
    const { manifest, pair } = sample();
    expect(() =>
      manifest.transaction(() => {
        pair.markDirty(nodeId('outer'));
        expect(() =>
          manifest.transaction(() => {
            pair.markDirty(nodeId('half'));
            throw new Error('inner');
          }),
        ).toThrow('inner');
      }),
    ).toThrow('part of the transaction');
    expect(pair.dirtyCount()).toBe(0);
    manifest.transaction(() => pair.markDirty(nodeId('next')));
    expect(pair.dirtyCount()).toBe(1);
  });

  it('refuses asynchronous work', async () => {
    const { manifest, pair } = sample();
    expect(() =>
      manifest.transaction(async () => {
        pair.markDirty(nodeId('a'));
        await Promise.resolve();
        throw new Error('nobody waits for this');
      }),
    ).toThrow('synchronous');
    await Promise.resolve();
    expect(pair.dirtyCount()).toBe(0);
  });
});

describe('vaults and pairs', () => {
  it('are listed in the order they came', () => {
    const { manifest, vault, pair } = sample();
    const second = manifest.addVault(vaultId('second'));
    expect(manifest.addVault(vault.id)).toBe(vault);
    expect(manifest.vaults()).toEqual([vault.id, second.id]);
    expect(manifest.pairs()).toEqual([pair.config]);
    expect(manifest.pair(pair.config.id)).toBe(pair);
    expect(() => manifest.vault(vaultId('nobody'))).toThrow('no such vault');
    expect(() => manifest.pair('0000000000000000')).toThrow('no such pair');
    expect(() => manifest.addPair({ ...pair.config, id: '1', vault: vaultId('nobody') })).toThrow();
    expect(() => manifest.addPair(pair.config)).toThrow('UNIQUE');
  });

  it('added in a transaction that rolled back, are not there', () => {
    const { manifest } = sample();
    const id = vaultId('second');
    expect(() =>
      manifest.transaction(() => {
        manifest.addVault(id).putRemote(inLog(file('a')));
        throw new Error('stop');
      }),
    ).toThrow('stop');
    expect(() => manifest.vault(id)).toThrow('no such vault');
    expect(manifest.addVault(id).remoteCount()).toBe(0);
  });

  it('leave nothing behind when removed', () => {
    const { manifest, vault, pair } = sample();
    pair.putLocal(onDisk(file('a')));
    pair.putSynced(file('a'));
    pair.markDirty(nodeId('a'));
    pair.quarantine(nodeId('a'), 5);
    pair.markUnsettled(nodeId('a'), null);
    pair.deselect(nodeId('a'), true);
    pair.setMeta('k', 'v');
    const issue = { node: null, code: 'c', path: 'p', reason: 'r', ways: [], sinceMs: 1 };
    manifest.raiseIssue({ ...issue, pair: pair.config.id });
    manifest.raiseIssue({ ...issue, pair: null });
    vault.putRemote(inLog(file('a')));
    vault.addPack(packRow('p'), [chunkRow('c', 'p')]);
    vault.setMeta('k', 'v');
    expect(() => manifest.removeVault(vault.id)).toThrow('still bound');
    manifest.removePair(pair.config.id);
    manifest.removePair(pair.config.id);
    expect(manifest.issues().map((row) => row.pair)).toEqual([null]);
    expect(vault.remoteCount()).toBe(1);
    const again = manifest.addPair({ ...pair.config, bound: ROOT_NODE });
    expect(again.local.get(nodeId('a'))).toBeUndefined();
    expect(again.synced.get(nodeId('a'))).toBeUndefined();
    expect([again.localCount(), again.syncedFileCount(), again.dirtyCount()]).toEqual([0, 0, 0]);
    expect([again.attempts(nodeId('a')), again.unsettled(9), again.meta('k')]).toEqual([0, [], null]);
    expect(again.deselected().size).toBe(0);
    manifest.removePair(again.config.id);
    manifest.removeVault(vault.id);
    const empty = manifest.addVault(vault.id);
    expect([empty.remoteCount(), empty.pack(packRow('p').name), empty.meta('k')]).toEqual([
      0,
      undefined,
      null,
    ]);
  });
});

describe('named values', () => {
  it('belong to the device, a vault or a pair', () => {
    const { manifest, vault, pair } = sample();
    manifest.setMeta('k', 'device');
    vault.setMeta('k', 'vault');
    pair.setMeta('k', 'pair');
    expect([manifest.meta('k'), vault.meta('k'), pair.meta('k')]).toEqual(['device', 'vault', 'pair']);
    vault.setMeta('k', '');
    pair.setMeta('k', null);
    expect([manifest.meta('k'), vault.meta('k'), pair.meta('k')]).toEqual(['device', '', null]);
  });
});

describe('serialize', () => {
  it('makes bytes that open as a copy of its own', () => {
    const { manifest, pair } = sample();
    pair.putLocal(onDisk(file('a')));
    pair.markDirty(nodeId('a'));
    const copy = openManifestFrom(manifest.serialize());
    pair.clearDirty(nodeId('a'));
    const copied = copy.pair(pair.config.id);
    expect(copied.dirty(9, 0, 0).ids).toEqual([nodeId('a')]);
    copied.markDirty(nodeId('b'));
    expect(copied.dirty(9, 0, 0).ids).toEqual([nodeId('a'), nodeId('b')]);
    expect(pair.dirtyCount()).toBe(0);
  });
});

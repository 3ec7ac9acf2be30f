import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT_NODE, type NodeId, type VaultId } from '../../protocol/ids.ts';
import { openHeaderless, sealHeaderless, NO_EXTRA } from '../../sync-engine/crypto/object.ts';
import { secureRandom } from '../../sync-engine/crypto/random.ts';
import { openRecord, sealRecord } from '../../sync-engine/crypto/record.ts';
import { makeEpochKey, VaultKeys } from '../../sync-engine/crypto/vault-keys.ts';
import { FOLDER } from './folder-device.ts';
import { HostileWorld } from './hostile-world.ts';

const VAULT = '1'.repeat(32) as VaultId;

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const changed = Uint8Array.from(bytes);
  changed[at]! ^= 1 << (at % 8);
  return changed;
}

describe('MS-07: a bit flipped anywhere', () => {
  it('in a segment gives no plaintext at all: salt, commitment, text and tag', () => {
    const context = {
      key: secureRandom(32),
      type: 'segment',
      epoch: 0,
      vault: VAULT,
      extra: NO_EXTRA,
    } as const;
    const sealed = sealHeaderless({ ...context, plaintext: randomBytes(100), random: secureRandom });
    expect(openHeaderless({ ...context, sealed }).ok).toBe(true);
    for (let at = 0; at < sealed.length; at += 1) {
      const opened = openHeaderless({ ...context, sealed: flipped(sealed, at) });
      const fault = at < 64 ? 'wrong-commitment' : 'bad-tag';
      expect([at, opened]).toEqual([at, { ok: false, fault }]);
    }
    for (let length = 0; length < sealed.length; length += 1) {
      expect(openHeaderless({ ...context, sealed: sealed.subarray(0, length) }).ok).toBe(false);
    }
  });

  it('in a record makes it unreadable', () => {
    const keys = new VaultKeys(VAULT, [[0, makeEpochKey(secureRandom)]]);
    const node = '2'.repeat(32) as NodeId;
    const sealed = sealRecord(keys, 0, node, 1, { ...FOLDER, parent: ROOT_NODE, name: 'x' }, secureRandom);
    for (let at = 0; at < sealed.length; at += 1) {
      expect([at, openRecord(keys, node, 1, flipped(sealed, at)).ok]).toEqual([at, false]);
    }
  });

  it('in a pack on its way leaves folder and staging as they were', async () => {
    const world = await HostileWorld.start();
    try {
      const ann = await world.signup();
      const bob = await world.another(ann);
      bob.line.silent = true;
      for (const region of [0, 40, 70, -1] as const) {
        const path = `big${region}.bin`;
        ann.write(path, randomBytes(300 * 1024));
        await ann.settle();
        const node = ann.sync.log.store.remote.get(ann.node(path))!;
        const [entry] = ann.sync.log.store.content(node.content!)!.list;
        const place = ann.sync.log.store.locate(entry!.chunk)!;
        const at = region < 0 ? place.segmentOffset + place.segmentLength - 1 : place.segmentOffset + region;
        const before = bob.files();
        bob.line.lies = {
          getPack: async (honest, vault, name, start, end) => {
            const bytes = Uint8Array.from(await honest.getPack(vault, name, start, end));
            return name === place.pack && at >= start && at < end ? flipped(bytes, at - start) : bytes;
          },
        };
        expect([region, await bob.look()]).toEqual([region, ['corrupt']]);
        expect(bob.files()).toEqual(before);
        expect(readdirSync(join(bob.folder, '.coffre', 'staging'))).toEqual([]);
        bob.line.lies = {};
        await bob.until(() => bob.files()[path] !== undefined);
        await bob.settle();
      }
    } finally {
      await world.close();
    }
  });
});

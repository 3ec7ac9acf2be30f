import { mkdirSync, readdirSync, renameSync, symlinkSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ByteWriter } from '../../protocol/bytes.ts';
import { ROOT_NODE, fromHex, toHex, type NodeId, type SealedObject } from '../../protocol/ids.ts';
import { OBJECT_OVERHEAD_BYTES, sealObject } from '../../sync-engine/crypto/object.ts';
import { padPlaintext } from '../../sync-engine/crypto/padding.ts';
import { secureRandom } from '../../sync-engine/crypto/random.ts';
import { FOLDER, RANDOM } from './folder-device.ts';
import { HostileWorld, type HostileDevice } from './hostile-world.ts';
import { forge, sealed, type ForgedNode } from './insider.ts';
import { forgedPage } from './lies.ts';

let world: HostileWorld;
let ann: HostileDevice;
let bob: HostileDevice;

beforeEach(async () => {
  world = await HostileWorld.start();
  ann = await world.signup();
  ann.write('sub/kept.txt', 'kept');
  await ann.settle();
  bob = await world.another(ann);
  bob.line.silent = true;
});
afterEach(async () => {
  await world.close();
});

const newNode = (): NodeId => toHex(RANDOM.bytes(16)) as NodeId;

/** A folder's record with a name of any bytes: no honest device could seal it. */
function folderNamed(device: HostileDevice, node: NodeId, parent: NodeId, name: Uint8Array): SealedObject {
  const plaintext = new ByteWriter(512).u8(1).u8(1).hex(parent, 16).u16(0o755).i64(0).blob(name).finish();
  const keys = device.identity.vaultKeys(device.vault);
  return sealObject({
    key: keys.metaKey(0),
    type: 'record',
    epoch: 0,
    vault: device.vault,
    extra: new ByteWriter(24).raw(fromHex(node)).u64(1).finish(),
    plaintext: padPlaintext(plaintext, OBJECT_OVERHEAD_BYTES, 512),
    random: secureRandom,
  });
}

async function shown(nodes: readonly ForgedNode[]): Promise<string[]> {
  const built = forge(ann, nodes);
  const { seq } = built.header;
  bob.line.lies = {
    changes: (_honest, _vault, after) =>
      Promise.resolve(forgedPage({ seq, hash: built.hash }, after < seq ? [built.frame] : [])),
  };
  return bob.look();
}

/** What lies beside Bob's folder, and in the part of it that is the pair's own. */
const surroundings = (): string[] => [
  ...readdirSync(join(bob.folder, '..')),
  ...readdirSync(join(bob.folder, '.coffre')),
];

const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8');

describe('MS-18: a name that leads elsewhere', () => {
  it.each([
    ['..', utf8('..')],
    ['.', utf8('.')],
    ['nothing', utf8('')],
    ['a path', utf8('../escaped')],
    ['an absolute path', utf8('/tmp/escaped')],
    ['a NUL', utf8('a\0b')],
    ['bytes that are no UTF-8', Buffer.from([0x66, 0xff, 0xfe])],
    ['an overlong slash', Buffer.from([0x2e, 0x2e, 0xc0, 0xaf])],
    ['256 bytes', utf8('x'.repeat(256))],
  ])('is refused: %s; all else goes on', async (_, name) => {
    const [bad, good] = [newNode(), newNode()];
    const before = { around: surroundings(), files: bob.files() };
    const issues = await shown([
      { node: bad, object: folderNamed(ann, bad, ROOT_NODE, name) },
      { node: good, object: sealed(ann, good, { ...FOLDER, parent: ROOT_NODE, name: 'good' }) },
    ]);
    expect(issues).toEqual(['tree-fault']);
    expect(bob.files()).toEqual({ ...before.files, 'good/': '/' });
    expect(surroundings()).toEqual(before.around);
  });

  it('is refused where it is the pair’s own folder', async () => {
    const node = newNode();
    const inner = newNode();
    const before = { around: surroundings(), files: bob.files() };
    const issues = await shown([
      { node, object: sealed(ann, node, { ...FOLDER, parent: ROOT_NODE, name: '.coffre' }) },
      { node: inner, object: sealed(ann, inner, { ...FOLDER, parent: node, name: 'planted' }) },
    ]);
    expect(bob.files()).toEqual(before.files);
    expect(surroundings()).toEqual(before.around);
    expect(issues).not.toContain('log-fault');
  });
});

describe('MS-18: a link', () => {
  it('that leads out is kept as a link, and nothing is written through it', async () => {
    const outside = join(world.root, 'outside');
    mkdirSync(outside);
    symlinkSync(outside, join(ann.folder, 'link'));
    await ann.settle();
    bob.line.silent = false;
    await bob.settle();
    expect(bob.files()['link']).toBe(`-> ${outside}`);
    await ann.settle();
    const node = newNode();
    await shown([
      { node, object: sealed(ann, node, { ...FOLDER, parent: ann.node('link'), name: 'through' }) },
    ]);
    expect(readdirSync(outside)).toEqual([]);
    expect(bob.files()['link']).toBe(`-> ${outside}`);
  });

  it('that takes a folder’s place in the midst of a download is not followed', async () => {
    const outside = join(world.root, 'outside');
    mkdirSync(outside);
    ann.write('sub/new.bin', randomBytes(300_000));
    await ann.settle();
    let swapped = false;
    bob.line.lies = {
      getPack: async (honest, ...args) => {
        const bytes = await honest.getPack(...args);
        // The plan is made, the bytes are on their way: now the way to the target leads out.
        if (!swapped) {
          renameSync(join(bob.folder, 'sub'), join(bob.folder, 'was-sub'));
          symlinkSync(outside, join(bob.folder, 'sub'));
          swapped = true;
        }
        return bytes;
      },
    };
    await bob.engine.wait(5000, AbortSignal.timeout(20_000));
    expect(swapped).toBe(true);
    expect(readdirSync(outside)).toEqual([]);
    expect(bob.files()['was-sub/kept.txt']).toBe('kept');
  });
});

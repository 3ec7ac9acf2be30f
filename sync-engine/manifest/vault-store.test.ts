import { describe, expect, it } from 'vitest';
import type { HeaderRow } from './manifest.ts';
import { ROOT_NODE, TRASH_NODE, ZERO_HASH } from '../../protocol/ids.ts';
import {
  chunkId,
  chunkRow,
  contentId,
  deviceId,
  file,
  folder,
  hash,
  inLog,
  nodeId,
  packName,
  packRow,
  sample,
} from '../../test/fakes/sample-manifest.ts';

describe('the cursor of a vault', () => {
  it('starts at nothing and is read back as written', () => {
    const { vault, manifest } = sample();
    expect(vault.cursor()).toEqual({
      seq: 0,
      hash: ZERO_HASH,
      epoch: 0,
      sum: ZERO_HASH,
      chainLength: 0,
      highSeq: 0,
      highHash: ZERO_HASH,
    });
    const cursor = {
      seq: 2 ** 40,
      hash: hash('h'),
      epoch: 3,
      sum: hash('s'),
      chainLength: 9,
      highSeq: 2 ** 40 + 1,
      highHash: hash('hh'),
    };
    vault.setCursor(cursor);
    expect(manifest.vault(vault.id).cursor()).toEqual(cursor);
  });
});

describe('the remote tree', () => {
  it('returns a node as it was put, faults and times before 1970 included', () => {
    const { vault } = sample();
    const node = inLog(file('é\u{1f600}.txt', { mtimeUs: -(2 ** 52), size: 2 ** 50 }), {
      revision: 12,
      fault: 'clash',
    });
    const link = inLog(file('link', { type: 'symlink', mode: 0o777, mtimeUs: 0 }));
    vault.putRemote(node);
    vault.putRemote(link);
    expect(vault.remote.get(node.id)).toEqual(node);
    expect(vault.remote.get(link.id)).toEqual(link);
    expect(vault.remote.child(ROOT_NODE, node.name)).toEqual(node);
    expect(vault.remote.get(nodeId('nobody'))).toBeUndefined();
  });

  it('tells names apart by exact bytes', () => {
    const { vault } = sample();
    for (const name of ['caf\u00e9', 'cafe\u0301', 'CAFE', 'cafe']) vault.putRemote(inLog(file(name)));
    expect(vault.remoteCount()).toBe(4);
    expect(vault.remote.child(ROOT_NODE, 'cafe\u0301')?.id).toBe(nodeId('cafe\u0301'));
    expect(vault.remote.child(ROOT_NODE, 'Cafe')).toBeUndefined();
  });

  it('replaces, moves, counts and deletes', () => {
    const { vault } = sample();
    vault.putRemote(inLog(folder('papers')));
    vault.putRemote(inLog(file('a')));
    vault.putRemote(inLog(file('a', { parent: nodeId('papers'), name: 'b' }), { revision: 2 }));
    expect(vault.remoteCount()).toBe(2);
    expect(vault.remote.child(ROOT_NODE, 'a')).toBeUndefined();
    expect([...vault.remote.children(nodeId('papers'))].map((node) => node.name)).toEqual(['b']);
    vault.deleteRemote(nodeId('a'));
    vault.deleteRemote(nodeId('a'));
    expect(vault.remoteCount()).toBe(1);
    expect(vault.remote.get(nodeId('a'))).toBeUndefined();
  });

  it('lets names repeat in the trash', () => {
    const { vault } = sample();
    vault.putRemote(inLog(file('one', { parent: TRASH_NODE, name: 'same' })));
    vault.putRemote(inLog(file('two', { parent: TRASH_NODE, name: 'same' })));
    expect([...vault.remote.children(TRASH_NODE)]).toHaveLength(2);
    expect(vault.remote.child(TRASH_NODE, 'same')?.name).toBe('same');
  });

  it('streams every row in id order, and other statements may run between', () => {
    const { vault, manifest } = sample();
    const names = Array.from({ length: 2_000 }, (_, index) => `file ${index}`);
    manifest.transaction(() => names.forEach((name) => vault.putRemote(inLog(file(name)))));
    const seen: string[] = [];
    for (const node of vault.remoteRows()) {
      expect(vault.remote.get(node.id)?.name).toBe(node.name);
      seen.push(node.id);
    }
    expect(seen).toEqual(names.map(nodeId).sort());
  });

  it('keeps vaults apart', () => {
    const { vault, manifest } = sample();
    const other = manifest.addVault(nodeId('other') as string as typeof vault.id);
    vault.putRemote(inLog(file('a')));
    expect(other.remote.get(nodeId('a'))).toBeUndefined();
    expect(other.remoteCount()).toBe(0);
  });
});

describe('content', () => {
  it('returns lists and keeps one row for an id', () => {
    const { vault } = sample();
    const list = [
      { chunk: chunkId('a'), length: 1 },
      { chunk: chunkId('b'), length: 2 ** 45 },
    ];
    const content = { id: contentId('x'), size: 2 ** 45 + 1, depth: 1, list };
    vault.putContent(content);
    vault.putContent(content);
    vault.putContent({ id: contentId('empty'), size: 0, depth: 0, list: [] });
    expect(vault.content(contentId('x'))).toEqual(content);
    expect(vault.content(contentId('empty'))?.list).toEqual([]);
    expect(vault.content(contentId('y'))).toBeUndefined();
  });

  it('is collected once no tree names it', () => {
    const { vault, pair, manifest } = sample();
    for (const name of ['remote', 'local', 'synced', 'nobody']) {
      vault.putContent({ id: contentId(name), size: 1, depth: 0, list: [] });
    }
    vault.putRemote(inLog(file('remote')));
    vault.putRemote(inLog(folder('without content')));
    pair.putSynced(file('synced'));
    pair.putLocal({
      ...file('local'),
      localName: null,
      dev: 1,
      ino: 1,
      birthUs: 0,
      ctimeUs: 0,
      parked: false,
    });
    expect(manifest.collect()).toBe(1);
    expect(vault.content(contentId('nobody'))).toBeUndefined();
    for (const name of ['remote', 'local', 'synced']) expect(vault.content(contentId(name))).toBeDefined();
    expect(manifest.collect()).toBe(0);
  });
});

function header(seq: number, name: string, device: string): HeaderRow {
  const signed = { bytes: new Uint8Array(320).fill(seq), signature: new Uint8Array(64).fill(seq) };
  return { seq, hash: hash(name), device: deviceId(device), receivedAtMs: seq * 10, signed, nodes: seq };
}

describe('headers', () => {
  it('keep the signed bytes, in order and by place', () => {
    const { vault } = sample();
    const rows = [header(1, '1', 'laptop'), header(2, '2', 'desk'), header(9, '9', 'desk')];
    for (const row of rows) vault.addHeader(row);
    const plain = vault.headersFrom(2, 10).map(({ signed, ...row }) => ({
      ...row,
      signed: { bytes: Uint8Array.from(signed!.bytes), signature: Uint8Array.from(signed!.signature) },
    }));
    expect(plain).toEqual(rows.slice(1));
    expect(vault.headersFrom(1, 1).map(({ seq }) => seq)).toEqual([1]);
    expect(vault.headersBefore(9, 10).map(({ seq, nodes }) => [seq, nodes])).toEqual([
      [2, 2],
      [1, 1],
    ]);
    expect(vault.headersBefore(99, 1).map(({ seq }) => seq)).toEqual([9]);
    expect(vault.header(9)?.hash).toBe(hash('9'));
    expect(vault.header(8)).toBeUndefined();
    vault.addHeader({ ...header(10, '10', 'desk'), signed: null });
    expect(vault.header(10)?.signed).toBeNull();
  });

  it('keep the newest commit of each device, also after a rewind', () => {
    const { vault } = sample();
    vault.addHeader(header(1, '1', 'laptop'));
    vault.addHeader(header(2, '2', 'desk'));
    vault.addHeader(header(3, '3', 'laptop'));
    vault.addHeader(header(3, '3', 'laptop'));
    const seen = () => new Map(vault.lastSeen().map((row) => [row.device, row]));
    expect(seen().size).toBe(2);
    expect(seen().get(deviceId('laptop'))).toEqual({ device: deviceId('laptop'), seq: 3, hash: hash('3') });
    expect(vault.headerHash(2)).toBe(hash('2'));
    vault.deleteHeadersFrom(2);
    expect(vault.headerHash(2)).toBeUndefined();
    expect(vault.lastSeen()).toEqual([{ device: deviceId('laptop'), seq: 1, hash: hash('1') }]);
  });

  it('refuse a second commit at one place', () => {
    const { vault } = sample();
    vault.addHeader(header(1, '1', 'laptop'));
    expect(() => vault.addHeader(header(1, 'other', 'laptop'))).toThrow('another header');
    expect(vault.headerHash(1)).toBe(hash('1'));
    expect(sample().vault.lastSeen()).toEqual([]);
  });
});

describe('packs and chunks', () => {
  it('carry the sealed index until they are live', () => {
    const { vault } = sample();
    const index = new Uint8Array([1, 2, 3]);
    const row = packRow('p', { state: 'sealed', index });
    vault.addPack(row, [chunkRow('a', 'p'), chunkRow('b', 'p', { offset: 400 })]);
    expect(vault.pack(packName('p'))).toMatchObject({ ...row, index: Buffer.from(index) });
    vault.setPackState(packName('p'), 'uploaded');
    expect(vault.packs('uploaded').map((pack) => [...(pack.index ?? [])])).toEqual([[1, 2, 3]]);
    expect(vault.packs('sealed')).toEqual([]);
    vault.setPackState(packName('p'), 'live');
    expect(vault.pack(packName('p'))).toEqual(packRow('p'));
    expect(vault.chunksOf(packName('p'))).toEqual([chunkRow('a', 'p'), chunkRow('b', 'p', { offset: 400 })]);
  });

  it('are found in live packs before uploaded ones, and nowhere else', () => {
    const { vault } = sample();
    vault.addPack(packRow('up', { state: 'uploaded' }), [chunkRow('a', 'up')]);
    expect(vault.locate(chunkId('a'))).toEqual(chunkRow('a', 'up'));
    vault.addPack(packRow('live', { trusted: false }), [chunkRow('a', 'live', { offset: 8 })]);
    expect(vault.locate(chunkId('a'))).toEqual(chunkRow('a', 'live', { offset: 8 }));
    vault.addPack(packRow('sealed', { state: 'sealed' }), [chunkRow('b', 'sealed')]);
    vault.addPack(packRow('gone', { state: 'dropped' }), [chunkRow('c', 'gone')]);
    expect(vault.locate(chunkId('b'))).toBeUndefined();
    expect(vault.locate(chunkId('c'))).toBeUndefined();
  });

  it('are known for dedup only where that can be relied on', () => {
    const { vault } = sample();
    vault.addPack(packRow('foreign', { trusted: false }), [chunkRow('a', 'foreign')]);
    vault.addPack(packRow('gone', { state: 'dropped' }), [chunkRow('b', 'gone')]);
    vault.addPack(packRow('sealed', { state: 'sealed' }), [chunkRow('c', 'sealed')]);
    expect(vault.packHolding(chunkId('a'))).toBeUndefined();
    expect(vault.packHolding(chunkId('b'))).toBeUndefined();
    expect(vault.packHolding(chunkId('c'))?.name).toBe(packName('sealed'));
    vault.setPackTrusted(packName('foreign'), true);
    expect(vault.packHolding(chunkId('a'))).toEqual(packRow('foreign'));
    vault.addPack(packRow('up', { state: 'uploaded' }), [chunkRow('a', 'up')]);
    expect(vault.packHolding(chunkId('a'))?.name).toBe(packName('foreign'));
  });

  it('lose their trust with the device that vouched for them, or when nobody known did', () => {
    const { vault } = sample();
    const authors = {
      desk: deviceId('desk'),
      laptop: deviceId('laptop'),
      here: 'self',
      nobody: null,
    } as const;
    for (const [name, author] of Object.entries(authors)) {
      vault.addPack(packRow(name, { author }), [chunkRow(name, name)]);
      expect(vault.pack(packName(name))?.author).toBe(author);
    }
    vault.distrustPacksOf([deviceId('desk')]);
    const known = Object.keys(authors).filter((name) => vault.packHolding(chunkId(name)) !== undefined);
    expect(known).toEqual(['laptop', 'here']);
  });

  it('are read last once they failed, also where nobody vouches for the others', () => {
    const { vault } = sample();
    for (const name of ['one', 'two']) {
      vault.addPack(packRow(name, { trusted: false, author: null }), [chunkRow('a', name)]);
    }
    const first = vault.locate(chunkId('a'))!.pack;
    vault.setPackTrusted(first, false);
    expect(vault.locate(chunkId('a'))!.pack).not.toBe(first);
    vault.distrustPacksOf([]);
    expect(vault.locate(chunkId('a'))!.pack).not.toBe(first);
  });

  it('may be added again, and forgotten', () => {
    const { vault } = sample();
    vault.addPack(packRow('p', { state: 'uploaded' }), [chunkRow('a', 'p'), chunkRow('b', 'p')]);
    vault.addPack(packRow('p'), [chunkRow('a', 'p')]);
    expect(vault.chunksOf(packName('p'))).toEqual([chunkRow('a', 'p')]);
    vault.deletePack(packName('p'));
    expect(vault.pack(packName('p'))).toBeUndefined();
    expect(vault.locate(chunkId('a'))).toBeUndefined();
    expect(() => vault.setPackState(packName('p'), 'live')).toThrow();
    expect(() => vault.setPackTrusted(packName('p'), true)).toThrow();
  });

  it('keep the chunk rows of dropped packs until they are forgotten: a restore needs them', () => {
    const { vault, manifest } = sample();
    vault.addPack(packRow('p'), [chunkRow('a', 'p'), chunkRow('b', 'p')]);
    expect(vault.locateDropped(chunkRow('a', 'p').id)).toBeUndefined();
    vault.setPackState(packName('p'), 'dropped');
    manifest.collect();
    expect(vault.locate(chunkRow('a', 'p').id)).toBeUndefined();
    expect(vault.locateDropped(chunkRow('a', 'p').id)).toEqual(chunkRow('a', 'p'));
    vault.setPackState(packName('p'), 'live');
    expect(vault.locate(chunkRow('a', 'p').id)).toEqual(chunkRow('a', 'p'));
    vault.setPackState(packName('p'), 'dropped');
    vault.deletePack(packName('p'));
    expect(vault.locateDropped(chunkRow('a', 'p').id)).toBeUndefined();
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PersonError } from '../../protocol/errors.ts';
import { ROOT_NODE, type NodeId } from '../../protocol/ids.ts';
import { damageOf, ManifestDamagedError, setAsideDamaged } from './damage.ts';
import { MIGRATIONS } from './migrations/migrate.ts';
import { openManifest, openManifestFrom } from './open.ts';
import { file, inLog, nodeId, onDisk, vaultId } from '../../test/fakes/sample-manifest.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coffre-manifest-'));
  path = join(folder, 'manifest.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A manifest file with so many nodes, closed. */
function written(count = 500): void {
  const manifest = openManifest(path);
  const vault = manifest.addVault(vaultId('Files'));
  manifest.transaction(() => {
    for (let index = 0; index < count; index += 1) vault.putRemote(inLog(file(`node ${index}`)));
  });
  manifest.close();
}

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('opening', () => {
  it('finds everything again after closing', () => {
    written();
    const manifest = openManifest(path);
    expect(manifest.vaults()).toEqual([vaultId('Files')]);
    const vault = manifest.vault(vaultId('Files'));
    expect(vault.remoteCount()).toBe(500);
    expect(vault.remote.get(nodeId('node 7'))?.name).toBe('node 7');
    manifest.close();
    expect(readdirSync(folder)).toEqual(['manifest.sqlite']);
  });

  it('finds every committed row again after the process is killed', async () => {
    const program = `
      const { openManifest } = await import(${JSON.stringify(new URL('./open.ts', import.meta.url).href)});
      const manifest = openManifest(process.argv[1]);
      const vault = manifest.addVault('ab'.repeat(16));
      for (let seq = 1; ; seq += 1) {
        manifest.transaction(() => {
          vault.setMeta('first', String(seq));
          vault.setMeta('second', String(seq));
        });
        if (seq % 100 === 0) await new Promise((done) => process.stdout.write(seq + '\\n', done));
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, path]);
    const exit = once(child, 'exit');
    let said = 0;
    for await (const text of child.stdout) {
      said = Number(String(text).trim().split('\n').at(-1));
      if (said >= 300) break;
    }
    child.kill('SIGKILL');
    await exit;
    const manifest = openManifest(path);
    const vault = manifest.vault('ab'.repeat(16) as ReturnType<typeof vaultId>);
    expect(Number(vault.meta('first'))).toBeGreaterThanOrEqual(said);
    expect(vault.meta('first')).toBe(vault.meta('second'));
    manifest.close();
  });

  it('is refused while another has it open', () => {
    written();
    const first = openManifest(path);
    const error = thrownBy(() => openManifest(path));
    expect(error).toBeInstanceOf(PersonError);
    expect(error).toMatchObject({ code: 'engine-running' });
    first.close();
    openManifest(path).close();
  });

  it('opens the bytes of a file', () => {
    const manifest = openManifest(path, { synchronous: 'off' });
    manifest.addVault(vaultId('Files')).putRemote(inLog(file('a')));
    const copy = openManifestFrom(manifest.serialize());
    manifest.close();
    expect(copy.vault(vaultId('Files')).remoteCount()).toBe(1);
  });
});

describe('a damaged file', () => {
  it.each([
    ['garbage', () => writeFileSync(path, Buffer.alloc(20_000, 'x'))],
    ['garbage after a good header', () => damage(100, 3_000)],
    ['garbage in the middle', () => damage(4096 * 10, 4096 * 20)],
    ['a truncated file', () => truncateSync(path, 4096 * 5)],
    ['a file cut within a page', () => truncateSync(path, 5_000)],
    ['another SQLite file', () => foreign()],
  ])('is refused by type: %s', (_name, spoil) => {
    written();
    spoil();
    expect(thrownBy(() => openManifest(path))).toBeInstanceOf(ManifestDamagedError);
    // The handle is closed: the file can be moved and a new one made in its place.
    expect(setAsideDamaged(path)).toBe(`${path}.damaged-1`);
    openManifest(path).close();
    expect(readdirSync(folder).sort()).toEqual(['manifest.sqlite', 'manifest.sqlite.damaged-1']);
  });

  it('never replaces one that was put aside before', () => {
    for (const text of ['one', 'two']) {
      writeFileSync(path, text.repeat(3_000));
      setAsideDamaged(path);
    }
    writeFileSync(`${path}-wal`, 'log');
    writeFileSync(path, 'three');
    expect(setAsideDamaged(path)).toBe(`${path}.damaged-3`);
    expect(readFileSync(`${path}.damaged-1`, 'utf8').slice(0, 3)).toBe('one');
    expect(readFileSync(`${path}.damaged-2`, 'utf8').slice(0, 3)).toBe('two');
    expect(readFileSync(`${path}.damaged-3-wal`, 'utf8')).toBe('log');
  });

  it('is told from other errors, also while open', () => {
    expect(damageOf(new Error('no'))).toBeNull();
    expect(damageOf(new Sqlite.SqliteError('constraint', 'SQLITE_CONSTRAINT_UNIQUE'))).toBeNull();
    const corrupt = new Sqlite.SqliteError('malformed', 'SQLITE_CORRUPT_INDEX');
    expect(damageOf(corrupt)).toBeInstanceOf(ManifestDamagedError);
    expect(damageOf(corrupt)?.cause).toBe(corrupt);
  });

  function damage(from: number, to: number): void {
    const bytes = readFileSync(path);
    expect(bytes.length).toBeGreaterThan(to);
    bytes.fill(0xa5, from, to);
    writeFileSync(path, bytes);
  }

  function foreign(): void {
    rmSync(path);
    new Sqlite(path).exec('CREATE TABLE note (text TEXT)').close();
  }
});

describe('migration', () => {
  it('brings version 1 up with its rows, and counts them', () => {
    const old = new Sqlite(path);
    old.exec(readFileSync(new URL('./fixtures/version-1.sql', import.meta.url), 'utf8'));
    old.close();
    const manifest = openManifest(path);
    const vault = manifest.vault('a1'.repeat(16) as ReturnType<typeof vaultId>);
    expect(vault.cursor()).toMatchObject({ seq: 7, chainLength: 3, highSeq: 9 });
    expect(vault.remoteCount()).toBe(3);
    const pair = manifest.pair('b1b1b1b1b1b1b1b1');
    const edited = '11'.repeat(16) as NodeId;
    expect(pair.config.bound).toBe(ROOT_NODE);
    expect([pair.localCount(), pair.syncedFileCount(), pair.syncedBytes()]).toEqual([2, 1, 100]);
    expect(pair.dirtyCount()).toBe(2);
    // 130 bytes edited here, 40 to come.
    expect(pair.pending()).toEqual({ files: 2, bytes: 170 });
    expect(pair.diskPath(edited)).toBe('papers/a (1).txt');
    expect(pair.local.get(edited)).toMatchObject({ localName: 'a (1).txt', mtimeUs: -5, content: null });
    pair.markDirty(nodeId('new'));
    expect(pair.dirty(9, 6, 0).ids).toEqual([nodeId('new')]);
    pair.clearDirty(edited);
    expect(pair.pending()).toEqual({ files: 1, bytes: 40 });
    manifest.close();
    const database = new Sqlite(path);
    expect(database.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length);
    database.close();
  });

  it('makes the same tables from nothing and from version 1', () => {
    const schema = (database: Sqlite.Database) =>
      database.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY type, name').all();
    const old = new Sqlite(path);
    old.exec(readFileSync(new URL('./fixtures/version-1.sql', import.meta.url), 'utf8'));
    old.close();
    openManifest(path).close();
    const fresh = new Sqlite(openManifest(':memory:').serialize());
    const migrated = new Sqlite(path);
    expect(schema(migrated)).toEqual(schema(fresh));
    migrated.close();
  });

  it('refuses a version from the future and leaves the file alone', () => {
    written();
    const database = new Sqlite(path);
    database.pragma(`user_version = ${MIGRATIONS.length + 1}`);
    database.close();
    expect(thrownBy(() => openManifest(path))).toMatchObject({ name: 'PersonError', code: 'home-damaged' });
    const after = new Sqlite(path);
    expect(after.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length + 1);
    after.close();
  });
});

describe('speed', () => {
  it('holds 100,000 nodes', () => {
    const manifest = openManifest(path);
    const vault = manifest.addVault(vaultId('Files'));
    const config = { id: 'b1b1b1b1b1b1b1b1', folder: '/x', vault: vault.id, bound: ROOT_NODE };
    const pair = manifest.addPair(config);
    const nodes = Array.from({ length: 100_000 }, (_, index) =>
      onDisk(file(`node ${index}`), { ino: index }),
    );
    const timed = (name: string, work: () => void) => {
      const start = performance.now();
      work();
      const each = ((performance.now() - start) * 1_000) / nodes.length;
      console.log(`${name}: ${each.toFixed(1)} us`);
    };
    timed('putLocal', () => manifest.transaction(() => nodes.forEach((node) => pair.putLocal(node))));
    timed('markDirty', () => manifest.transaction(() => nodes.forEach((node) => pair.markDirty(node.id))));
    timed('get', () => nodes.forEach((node) => pair.local.get(node.id)));
    timed('child', () => nodes.forEach((node) => pair.local.child(ROOT_NODE, node.name)));
    expect(pair.localCount()).toBe(100_000);
    expect(pair.pending()).toEqual({ files: 100_000, bytes: 1_000_000 });
    manifest.close();
  }, 60_000);
});

/** MS-18: another program swaps a folder for a link to outside while changes are applied. */
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { applyBatch } from './apply.ts';
import type { ApplyOperation } from './apply-types.ts';
import { POSIX_CAPABILITIES } from './capabilities.ts';
import { openInside } from './inside.ts';
import { NodeDisk } from './node-disk.ts';
import { createMarker, type PairMarker } from './root-marker.ts';
import { walk } from './walk.ts';

const marker: PairMarker = { version: 1, pair: 'p', account: 'a', device: 'd', random: '0123456789abcdef' };
const disk = new NodeDisk();
let base: string;
let root: string;
let swapper: Worker;

/** Swaps `folder` for a link to `outside` and back as fast as it can, until told to stop. */
const SWAP = `
  const { workerData, parentPort } = require('node:worker_threads');
  const { renameSync, symlinkSync, unlinkSync } = require('node:fs');
  const { folder, outside, aside, flags } = workerData;
  symlinkSync(outside, aside + '.link');
  let swaps = 0;
  while (Atomics.load(flags, 0) === 0) {
    renameSync(folder, aside);
    renameSync(aside + '.link', folder);
    renameSync(folder, aside + '.link');
    renameSync(aside, folder);
    swaps += 1;
    Atomics.store(flags, 1, swaps);
  }
  parentPort.postMessage(swaps);
`;

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'coffre-swap-')));
  root = `${base}/pair`;
  mkdirSync(root);
  createMarker(disk, root, marker);
  mkdirSync(`${root}/a/b`, { recursive: true });
  mkdirSync(`${base}/outside/b`, { recursive: true });
});

afterEach(async () => {
  await swapper.terminate();
  rmSync(base, { recursive: true, force: true });
});

it('nothing outside is written, changed, moved, removed or read', { timeout: 20_000 }, async () => {
  for (let count = 0; count < 50; count += 1) {
    writeFileSync(`${base}/outside/b/victim-${count}`, 'outside');
    writeFileSync(`${base}/outside/victim-${count}`, 'outside');
  }
  const before = snapshot(`${base}/outside`);
  const flags = new Int32Array(new SharedArrayBuffer(8));
  const workerData = { folder: `${root}/a`, outside: `${base}/outside`, aside: `${base}/aside`, flags };
  swapper = new Worker(SWAP, { eval: true, workerData });
  await once(swapper, 'online');

  const outcomes = new Set<string>();
  const walked = new Set<string>();
  let opened = 0;
  for (let round = 0; round < 400; round += 1) {
    const victim = `victim-${round % 50}`;
    const known = disk.lstat(`${base}/outside/b/${victim}`)!;
    writeFileSync(`${root}/.coffre/staging/s`, 'staged');
    const operations: ApplyOperation[] = [
      { kind: 'place-file', staged: 's', path: `a/b/new-${round}`, known: null, mode: 0o644, mtimeUs: 0 },
      { kind: 'make-folder', path: `a/folder-${round}`, mode: 0o777 },
      { kind: 'place-link', target: '/etc/passwd', path: `a/b/link-${round}`, known: null },
      { kind: 'set-attributes', path: `a/b/${victim}`, known, mode: 0o777, mtimeUs: 0 },
      { kind: 'remove', path: `a/b/${victim}`, known, inside: [] },
      { kind: 'move', from: `a/b/${victim}`, to: `stolen-${round}`, known },
    ];
    const context = {
      root,
      expected: { marker, remembered: null },
      capabilities: POSIX_CAPABILITIES,
      nowMs: 1,
      batchId: `b${round}`,
    };
    for (const result of applyBatch(disk, context, operations)) {
      outcomes.add(result.outcome === 'applied' ? 'applied' : `${result.outcome} ${result.code}`);
    }
    walk(disk, { root, expected: context.expected, folders: [{ path: '', recursive: true }] }, (batch) => {
      for (const { entries } of batch) for (const { name } of entries) walked.add(name);
    });
    try {
      disk.close(openInside(disk, root, `a/b/${victim}`, 'read'));
      opened += 1;
    } catch {
      // Refused, or not there: the file is outside only.
    }
  }
  Atomics.store(flags, 0, 1);
  const [swaps] = (await once(swapper, 'message')) as [number];

  expect(snapshot(`${base}/outside`)).toEqual(before);
  expect(opened).toBe(0);
  expect([...walked].filter((name) => name.startsWith('victim'))).toEqual([]);
  expect(readdirSync(root).filter((name) => name.startsWith('stolen'))).toEqual([]);
  // It was a fight: the swapper ran, and both a link and a folder were met.
  expect(swaps).toBeGreaterThan(100);
  expect(outcomes).toContain('applied');
  expect(outcomes).toContain('blocked parent-is-link');
  expect(existsSync(`${root}/a`)).toBe(true);
});

function snapshot(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const { ino, mode, size, mtimeMs, ctimeMs, nlink } = statSync(`${folder}/${name}`);
    found[name] = [ino, mode, size, mtimeMs, ctimeMs, nlink].join(' ');
  }
  return found;
}

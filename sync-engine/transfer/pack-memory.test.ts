import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { MAX_PACK_BYTES } from '../../protocol/limits.ts';
import { PackMemory, releasePackMemory } from './pack-memory.ts';

it('gives what was released, and never what is taken', () => {
  const memory = new PackMemory();
  const [one, other] = [memory.take(), memory.take()];
  expect(one.length).toBe(MAX_PACK_BYTES);
  expect(other.buffer).not.toBe(one.buffer);
  releasePackMemory(one.subarray(5, 10));
  expect(memory.take().buffer).toBe(one.buffer);
  expect([one.buffer, other.buffer]).not.toContain(memory.take().buffer);
});

it('is released on another thread', async () => {
  const memory = new PackMemory();
  const taken = memory.take();
  const worker = new Worker(
    `const { workerData, parentPort } = require('node:worker_threads');
     import(workerData.module).then(({ releasePackMemory }) => {
       releasePackMemory(workerData.bytes);
       parentPort.postMessage('released');
     });`,
    {
      eval: true,
      workerData: { module: new URL('pack-memory.ts', import.meta.url).href, bytes: taken.subarray(0, 1000) },
    },
  );
  await once(worker, 'message');
  await worker.terminate();
  expect(memory.take().buffer).toBe(taken.buffer);
});

it('leaves bytes that are not its own, and lets go of what it has', () => {
  releasePackMemory(new Uint8Array(10));
  releasePackMemory(new Uint8Array(new SharedArrayBuffer(10)));
  const memory = new PackMemory();
  const taken = memory.take();
  expect(memory.clear()).toBe(MAX_PACK_BYTES);
  expect(memory.clear()).toBe(0);
  releasePackMemory(taken);
  expect(memory.take().buffer).not.toBe(taken.buffer);
});

/** What the desktop app asks for, of a real engine with a real server and a second device. */
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ControlMethod, ControlParams, ControlResult } from '../../protocol/control.ts';
import { World, type Device } from './harness.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let world: World;
let desk: Device;
let laptop: Device;
let pair: string;

async function ask<M extends ControlMethod>(
  device: Device,
  method: M,
  params: ControlParams<M>,
): Promise<ControlResult<M>> {
  return (await device.engine()).call(method, params);
}

const at = (device: Device, path: string): string => join(device.folder, path);
const settle = async (): Promise<void> => {
  for (const device of [desk, laptop, desk]) await device.ok('wait', '--timeout', '60');
};

beforeAll(async () => {
  world = await World.begin();
  desk = await world.device('Desk');
  laptop = await world.device('Laptop');
  mkdirSync(at(desk, 'work/build'), { recursive: true });
  writeFileSync(at(desk, 'work/thesis'), 'years of work');
  writeFileSync(at(desk, 'work/build/out.o'), 'made');
  writeFileSync(at(desk, 'bin'), 'x'.repeat(5000));
  await settle();
  const { pairs } = await ask(desk, 'pairs.list', {});
  pair = pairs[0]?.id ?? '';
});
afterAll(async () => {
  await world.end();
});

describe('ignore rules', () => {
  it('are read, tried out and written', async () => {
    const before = await ask(desk, 'ignore.rules', { pair });
    expect(before.text).toBe('');
    expect(before.builtIn).toContain('Thumbs.db');
    const preview = await ask(desk, 'ignore.preview', { pair, text: 'build/' });
    expect(preview.newlyIgnored).toEqual({ files: 1, paths: ['work/build/'] });
    const path = at(desk, 'work/build/out.o');
    expect(await ask(desk, 'ignore.test', { path, text: 'build/' })).toMatchObject({ ignored: true });
    expect(await ask(desk, 'ignore.test', { path })).toMatchObject({ ignored: false });
    await expect(
      ask(desk, 'ignore.setRules', { pair, text: 'build/', was: 'something else' }),
    ).rejects.toMatchObject({ code: 'exists' });
    await ask(desk, 'ignore.setRules', { pair, text: 'build/', was: '' });
    await settle();
    expect(await ask(desk, 'ignore.test', { path })).toMatchObject({
      ignored: true,
      rule: { file: '.coffreignore', pattern: 'build/' },
    });
    expect(readFileSync(at(laptop, '.coffreignore'), 'utf8')).toBe('build/');
  });

  it('that match everything delete nothing, on no device and not in the account', async () => {
    await ask(desk, 'ignore.setRules', { pair, text: '*\n' });
    await settle();
    for (const device of [desk, laptop]) {
      expect(readFileSync(at(device, 'work/thesis'), 'utf8')).toBe('years of work');
      expect(readFileSync(at(device, 'work/build/out.o'), 'utf8')).toBe('made');
    }
    const { entries } = await ask(desk, 'ls', { path: '/work' });
    expect(entries.map(({ name }) => name)).toEqual(['build', 'thesis']);
    await ask(desk, 'ignore.setRules', { pair, text: '' });
    await settle();
    for (const device of [desk, laptop]) expect(existsSync(at(device, 'work/thesis'))).toBe(true);
    expect((await ask(desk, 'trash.list', {})).entries).toEqual([]);
  });

  it('are not written through a link', async () => {
    rmSync(at(desk, '.coffreignore'));
    writeFileSync(join(world.place, 'elsewhere'), 'mine');
    symlinkSync(join(world.place, 'elsewhere'), at(desk, '.coffreignore'));
    await expect(ask(desk, 'ignore.setRules', { pair, text: '*' })).rejects.toMatchObject({ code: 'exists' });
    expect(readFileSync(join(world.place, 'elsewhere'), 'utf8')).toBe('mine');
    expect(lstatSync(at(desk, '.coffreignore')).isSymbolicLink()).toBe(true);
    rmSync(at(desk, '.coffreignore'));
    await settle();
  });
});

describe('what the app shows', () => {
  it('is live, versions and trash apart', async () => {
    expect((await ask(desk, 'quota', {})).trashBytes).toBeGreaterThanOrEqual(0);
    const before = (await ask(desk, 'quota', {})).trashBytes ?? 0;
    rmSync(at(desk, 'bin'));
    await settle();
    const after = await ask(desk, 'quota', {});
    expect((after.trashBytes ?? 0) - before).toBeGreaterThan(0);
    expect(after.trashBytes).toBeLessThanOrEqual(after.liveBytes);
    const { quota } = await ask(desk, 'status', {});
    expect(quota).toMatchObject({ liveBytes: after.liveBytes, trashBytes: after.trashBytes });
  });

  it('is what was done lately, by kind', async () => {
    const { rows } = await ask(desk, 'activity.list', { actions: ['upload'], pair, limit: 2 });
    expect(rows).toHaveLength(2);
    expect(rows.every((row) => row.action === 'upload' && row.pair === pair)).toBe(true);
    const newest = await ask(desk, 'activity.list', { limit: 1 });
    expect(newest.rows[0]?.id).toBeGreaterThanOrEqual(rows[0]?.id ?? 0);
  });

  it('is when each device joined', async () => {
    const { devices } = await ask(desk, 'devices.list', {});
    for (const { addedAtMs } of devices)
      expect(Math.abs(Date.now() - (addedAtMs ?? 0))).toBeLessThan(600_000);
  });

  it('is a proof of restore with progress, remembered over a restart', async () => {
    const steps: number[] = [];
    const engine = await desk.engine();
    const onProgress = ({ done }: { done: number }): void => void steps.push(done);
    const proven = await engine.call('check', { readDataPercent: 100 }, { onProgress });
    expect(proven.files).toBeGreaterThan(0);
    expect(steps.length).toBeGreaterThan(0);
    await desk.stop();
    await desk.start();
    const status = await ask(desk, 'status', {});
    expect(status.lastProvenRestorableMs).toBe(proven.lastProvenRestorableMs);
  });
});

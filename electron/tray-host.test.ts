import { expect, it } from 'vitest';
import { hasTrayHost } from './tray-host.ts';

const missing = () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOENT' }));

it('asks the session bus whether anybody shows tray icons', async () => {
  expect(await hasTrayHost('linux', async () => '(true,)')).toBe(true);
  expect(await hasTrayHost('linux', async () => '(false,)')).toBe(false);
  expect(await hasTrayHost('linux', () => Promise.reject(new Error('no bus')))).toBe(false);
});

it('asks with the other program when one is missing, and else assumes one', async () => {
  const asked: string[] = [];
  const ask = async (program: string) => {
    asked.push(program);
    return program === 'gdbus' ? missing() : '   boolean true';
  };
  expect(await hasTrayHost('linux', ask)).toBe(true);
  expect(asked).toEqual(['gdbus', 'dbus-send']);
  expect(await hasTrayHost('linux', missing)).toBe(true);
  expect(await hasTrayHost('darwin', missing)).toBe(true);
});

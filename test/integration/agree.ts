/** What two devices that came to rest must hold. */
import { expect } from 'vitest';
import { folderPrint } from './folder-print.ts';
import type { Device } from './harness.ts';

/** Waits for both, and holds one folder against the other. */
export async function agree(from: Device, to: Device): Promise<void> {
  expect(await from.wait()).toMatchObject({ code: 0 });
  expect(await to.wait()).toMatchObject({ code: 0 });
  expect(folderPrint(to.folder)).toEqual(folderPrint(from.folder));
}

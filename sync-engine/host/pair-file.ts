/**
 * The pairs of this device, kept beside the manifest (`pairs.json`): a damaged manifest is rebuilt from the disk
 * and the account, and which folders are bound to what must not be lost with it.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { vaultIdSchema } from '../../protocol/cloud.ts';
import { isId16, type NodeId } from '../../protocol/ids.ts';
import { readIfThere, writeDurably } from '../account/durable-file.ts';
import { damaged, type Home } from '../account/home.ts';
import type { PairRecord } from '../engine/engine-parts.ts';

/** The manifest's database, in the home; what SQLite and a repair put beside it begins with the same name. */
export const MANIFEST_FILE = 'manifest.db';

const fileSchema = z.object({
  version: z.literal(1),
  pairs: z.array(
    z.object({
      id: z.string().min(1),
      folder: z.string().min(1),
      vault: vaultIdSchema,
      bound: z.string().refine(isId16),
      marker: z.object({
        version: z.literal(1),
        pair: z.string(),
        account: z.string(),
        device: z.string(),
        random: z.string(),
      }),
    }),
  ),
});

function fileOf(home: Home): string {
  return join(home.path, 'pairs.json');
}

/** @throws PersonError home-damaged */
export async function readPairs(home: Home): Promise<PairRecord[]> {
  const bytes = await readIfThere(fileOf(home));
  if (bytes === null) return [];
  try {
    const { pairs } = fileSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return pairs.map(({ id, folder, vault, bound, marker }) => ({
      config: { id, folder, vault, bound: bound as NodeId },
      marker,
    }));
  } catch (error) {
    throw damaged('its pairs.json does not read', error);
  }
}

export async function writePairs(home: Home, records: readonly PairRecord[]): Promise<void> {
  const pairs = records.map(({ config, marker }) => ({ ...config, marker }));
  await writeDurably(fileOf(home), `${JSON.stringify({ version: 1, pairs }, null, 2)}\n`);
}

/** Another identity begins without pairs and without a merge base: whatever lies in its folders is merged. */
export async function forgetPairs(home: Home): Promise<void> {
  await writePairs(home, []);
  for (const name of await readdir(home.path)) {
    if (name.startsWith(MANIFEST_FILE)) await rm(join(home.path, name), { force: true });
  }
}

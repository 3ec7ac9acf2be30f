/** Replays every pair of a bug report and tells what happened. */
import { readFile } from 'node:fs/promises';
import { reportSchema } from '../../protocol/report.ts';
import { replay, toldReplay } from './replay.ts';

/** @returns the exit code: 0 when no promise broke, 1 when one did, 2 when the file is no report */
export async function replayFile(path: string): Promise<number> {
  const text = await readFile(path, 'utf8').catch(() => null);
  const parsed = reportSchema.safeParse(text === null ? null : json(text));
  if (!parsed.success) {
    const what = text === null ? 'cannot be read' : 'is no bug report of this version (docs/report.md)';
    process.stderr.write(`${path} ${what}\n`);
    return 2;
  }
  let broken = 0;
  for (const pair of parsed.data.pairs) {
    const replayed = await replay(parsed.data, pair);
    broken += replayed.broken.length;
    process.stdout.write(`${toldReplay(replayed)}\n\n`);
  }
  process.stdout.write(`${parsed.data.pairs.length} pairs, ${broken} broken promises\n`);
  return broken === 0 ? 0 : 1;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

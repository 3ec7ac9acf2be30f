/** Handler of `report`: what a bug report is made of, and its file. */
import { open } from 'node:fs/promises';
import { randomInt } from 'node:crypto';
import { PersonError } from '../../protocol/errors.ts';
import { isErrno } from '../account/durable-file.ts';
import type { ControlHandlers } from '../control/facade.ts';
import { makeReport } from '../engine/report.ts';
import type { Host } from './host.ts';

export function reportHandlers(host: Host): Pick<ControlHandlers, 'report'> {
  return {
    report: async ({ file }, { signal }) => {
      const { engine: program, state, counters } = host.status();
      const engine = host.isRunning ? host.running().engine : null;
      const source = {
        pairs: engine?.pairs() ?? [],
        issues: engine?.issues() ?? [],
        state,
        counters,
        program,
        nowMs: Date.now(),
        random: { bytes: () => new Uint8Array(), fraction: () => randomInt(2 ** 32) / 2 ** 32 },
      };
      const { report, text } = await makeReport(source, signal);
      await write(file, text);
      const { pairs, issues } = report;
      return {
        file,
        bytes: Buffer.byteLength(text),
        pairs: pairs.length,
        nodes: pairs.reduce((sum, { nodes }) => sum + nodes.length, 0),
        leftOut: pairs.reduce((sum, { leftOut }) => sum + leftOut, 0),
        issues: issues.length,
        plans: pairs.reduce((sum, { plans }) => sum + plans.length, 0),
      };
    },
  };
}

/** Nothing is written over. */
async function write(file: string, text: string): Promise<void> {
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isErrno(error, 'EEXIST'))
      throw new PersonError('exists', `${file} is there already`, 'Name another file with --output.');
    throw new PersonError('bad-input', `${file} cannot be written`, 'Name another file with --output.', {
      cause: error,
    });
  }
}

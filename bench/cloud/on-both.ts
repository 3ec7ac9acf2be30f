import { row, type Row } from '../report.ts';
import type { Scenario, Setting } from '../scenario.ts';
import { LOAD_KINDS, loadStorage, type LoadStorage } from './load-services.ts';
import { quantile } from './statistics.ts';

/** The same, embedded and scaled, each on storage of its own: two columns. */
export function onBoth(work: (storage: LoadStorage, setting: Setting) => Promise<readonly Row[]>): Scenario {
  return async (setting) => {
    const rows: Row[] = [];
    for (const kind of LOAD_KINDS) {
      const storage = await loadStorage(kind, setting.dist);
      const told = { ...setting, say: (line: string) => setting.say(`${kind}: ${line}`) };
      try {
        for (const one of await work(storage, told)) rows.push({ ...one, side: kind });
      } finally {
        storage.discard();
      }
    }
    return rows;
  };
}

/** Median and 99th percentile of times in ms. */
export function timeRows(name: string, ms: readonly number[]): Row[] {
  return [0.5, 0.99].map((share) => row(`${name}, p${share * 100} (ms)`, quantile(ms, share)));
}

/** What PostgreSQL uses of this machine: Linux's /proc. */
import { readdirSync, readFileSync } from 'node:fs';
import type { LoadStorage } from './load-services.ts';

/** CPU seconds so far of PostgreSQL, its processes of former connections included. @param ask a question to it */
export async function databaseCpuSeconds(ask: LoadStorage['ask']): Promise<number> {
  const [row] = await ask("SELECT pg_read_file('postmaster.pid') AS told");
  const parent = Number.parseInt(String(row?.['told']), 10);
  const ticks = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => stat(Number(name)))
    .filter((fields) => fields[1] === parent || fields[0] === parent)
    .reduce((sum, [pid, , user, system, dead]) => sum + user + system + (pid === parent ? dead : 0), 0);
  return ticks / 100;
}

/** Process, its parent, and ticks of CPU: in user and system mode, and of its ended children. */
function stat(pid: number): readonly [number, number, number, number, number] {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return [pid, -1, 0, 0, 0];
  }
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const at = (index: number): number => fields[index] ?? 0;
  return [pid, at(1), at(11), at(12), at(13) + at(14)];
}

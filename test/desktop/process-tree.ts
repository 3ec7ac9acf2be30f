/** A program and all that it started, also what it put into a group of its own. Reads /proc: Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

export function processTree(pid: number): readonly number[] {
  const children = childrenByParent();
  const all = [pid];
  // It grows while it is walked.
  for (const one of all) all.push(...(children.get(one) ?? []));
  return all;
}

export function killTree(pid: number): void {
  for (const one of processTree(pid)) {
    try {
      process.kill(one, 'SIGKILL');
    } catch {
      // Gone by itself.
    }
  }
}

function childrenByParent(): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(name);
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  return children;
}

function parentOf(pid: string): number | null {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return null;
  }
}

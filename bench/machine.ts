/** What the kernel says of processes and of this machine: Linux's /proc. */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

/** CLK_TCK of every Linux that Node runs on. */
const TICKS_PER_S = 100;
const KIB = 1024;

export interface Memory {
  /** Bytes: the most since the process began or `forgetPeak`. */
  readonly peak: number;
  /** Bytes now. */
  readonly settled: number;
}

/** Resident memory of one process. */
export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kib = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
  return { peak: kib('VmHWM') * KIB, settled: kib('VmRSS') * KIB };
}

/** Bytes of several processes together: what they share counts once (proportional set size). */
export function sharedMemoryOf(pids: readonly number[]): number {
  const kib = pids.map((pid) => {
    try {
      return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
    } catch {
      // It ended meanwhile.
      return 0;
    }
  });
  return kib.reduce((sum, each) => sum + each, 0) * KIB;
}

/** Makes the peak begin anew at what the process holds now. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** Seconds of CPU that a process and its threads have used, in user and system mode. */
export function cpuSecondsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The command's name may hold spaces; what follows its last bracket does not.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

/** CPU seconds of this machine so far: all that it had, and what all processes used of it. */
export function machineCpuSeconds(): { readonly had: number; readonly used: number } {
  let had = 0;
  let used = 0;
  for (const { times } of cpus()) {
    const busy = times.user + times.nice + times.sys + times.irq;
    had += busy + times.idle;
    used += busy;
  }
  return { had: had / 1000, used: used / 1000 };
}

export function machineLine(): string {
  const gib = Math.round(totalmem() / KIB ** 3);
  const model = cpus()[0]?.model ?? 'unknown CPU';
  const load = loadavg().map((value) => value.toFixed(1));
  return `${model}, ${availableParallelism()} cores, ${gib} GiB, Node ${process.versions.node}, load ${load.join(' ')}`;
}

/**
 * A Node whose system calls fail, or that is killed within one, as strace arranges it
 * (https://man7.org/linux/man-pages/man1/strace.1.html, "Tampering"): the program itself has no points of failure
 * built in, so every one of its calls can be one.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface Injection {
  /** Names of system calls, as strace takes them. */
  readonly calls: string;
  /** `error=EIO` or `signal=SIGKILL`. */
  readonly what: string;
  /** Which of the calls, counted from 1: `7`, or `7+5` for the seventh and every fifth from there. */
  readonly when: string;
}

export function saidOf({ calls, what, when }: Injection): string {
  return `${what.split('=')[1] ?? what} at call ${when} of ${calls}`;
}

/** Whether this system lets one process trace another. */
export function canInject(): boolean {
  return spawnSync('strace', ['-f', '-qq', '-o', '/dev/null', 'true']).status === 0;
}

/**
 * A program to be given as COFFRE_NODE. Traces only the calls in question, so that all others run at full speed.
 * @param place a folder for it and for its record of what was injected
 */
export function faultyNode(
  place: string,
  injection: Injection,
): { readonly node: string; injected(): number } {
  const node = path.join(place, 'faulty-node');
  const record = path.join(place, 'injected.log');
  writeFileSync(record, '');
  const { calls, what, when } = injection;
  const trace = `-f -qq --seccomp-bpf -A -o '${record}' -e trace=${calls} -e inject=${calls}:${what}:when=${when}`;
  writeFileSync(node, `#!/bin/sh\nexec strace ${trace} '${process.execPath}' "$@"\n`);
  chmodSync(node, 0o755);
  return {
    node,
    injected: () =>
      readFileSync(record, 'utf8')
        .split('\n')
        .filter((line) => /INJECTED|killed by SIGKILL/.test(line)).length,
  };
}

/**
 * Which running of the operating system this is. What a process wrote outlives its own end, and not that of the
 * system: after a kill everything is there, after a loss of power some may be gone.
 */
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

const LINUX_BOOT_ID = '/proc/sys/kernel/random/boot_id';
/** A clock is set by less than this from one start of a process to the next. */
const SAME_BOOT_MS = 10_000;

/** Different for another boot; at times for the same one, too, where the system has no name for it. */
export function thisBoot(): string {
  try {
    return readFileSync(LINUX_BOOT_ID, 'utf8').trim();
  } catch {
    return `since ${Math.round((Date.now() - uptime() * 1000) / SAME_BOOT_MS)}`;
  }
}

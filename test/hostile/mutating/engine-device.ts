/** A whole engine with a real folder over the real HTTP client, on an account of a real server. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { OpenDevice } from '../../../sync-engine/account/open-device.ts';
import type { Clock } from '../../../sync-engine/engine/ports.ts';
import { CLOCK, FolderDevice } from '../folder-device.ts';

/** Waits are short: what they are for is tested elsewhere. */
const MOST_SLEEP_MS = 100;
const SHORT: Clock = { ...CLOCK, sleep: (ms, signal) => CLOCK.sleep(Math.min(ms, MOST_SLEEP_MS), signal) };
/** Nothing in a test may hang. */
const PATIENCE_MS = 30_000;

export class EngineDevice extends FolderDevice {
  constructor(device: OpenDevice, folder: string) {
    const { cloud } = device.connection;
    super({ cloud, identity: device, clock: SHORT, folder, keys: device });
  }

  /** Path to content of every file but the pair's own. */
  files(): Record<string, string> {
    const found: Record<string, string> = {};
    for (const entry of readdirSync(this.folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name).slice(this.folder.length + 1);
      if (entry.isFile() && !path.startsWith('.coffre'))
        found[path] = readFileSync(join(this.folder, path), 'latin1');
    }
    return Object.fromEntries(Object.entries(found).sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  /** The codes of its issues. */
  issues(): string[] {
    return this.engine.issues().map(({ code, path }) => `${code} ${path}`.trim());
  }

  /** A person says of every issue that it be tried again. */
  async tryAgain(): Promise<void> {
    for (const { id } of this.engine.issues())
      await this.engine.resolveIssue(id, 'retry').catch(() => undefined);
  }

  async settle(): Promise<void> {
    const outcome = await this.engine.wait(PATIENCE_MS, AbortSignal.timeout(PATIENCE_MS * 2));
    if (outcome !== 'in-sync') throw new Error(`${outcome}: ${this.issues().join(', ')}`);
  }

  /** Until what changes by itself has come to it; something changes at the least with every retry. */
  async until(reached: () => boolean): Promise<void> {
    const deadline = AbortSignal.timeout(PATIENCE_MS);
    while (!reached()) {
      if (deadline.aborted) throw new Error(`it hangs: ${this.engine.state()} ${this.issues().join(', ')}`);
      await Promise.race([
        new Promise<void>((resolve) => this.onChange(resolve)),
        delay(50), // some of what is waited for is the proxy's
      ]);
    }
  }
}

/** The device's line: how much may travel, and how much did. */
import { Bandwidth } from '../transfer/bandwidth.ts';
import type { Clock } from './ports.ts';
import { Rate } from './rate.ts';

export class Traffic {
  readonly up: Bandwidth;
  readonly down: Bandwidth;
  readonly upRate: Rate;
  readonly downRate: Rate;

  constructor(
    clock: Clock,
    limits: { readonly uploadLimit: number | null; readonly downloadLimit: number | null },
  ) {
    this.up = new Bandwidth(clock, limits.uploadLimit);
    this.down = new Bandwidth(clock, limits.downloadLimit);
    this.upRate = new Rate(clock);
    this.downRate = new Rate(clock);
  }

  setLimits(upload: number | null, download: number | null): void {
    this.up.set(upload);
    this.down.set(download);
  }
}

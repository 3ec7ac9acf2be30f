/** What a scenario gets and gives. */
import type { Row } from './report.ts';

export interface Setting {
  /** Smaller sizes: to see that all works, not how fast. */
  readonly quick: boolean;
  /** Where CPU profiles of the engines go; null takes none. */
  readonly profiles: string | null;
  /** A build to measure; null for the present sources. */
  readonly dist: string | null;
  /** Of load tests: idle devices, and seconds of kills; null for the usual. */
  readonly devices: number | null;
  readonly seconds: number | null;
  /** Of load tests: also the sizes that take minutes. */
  readonly long: boolean;
  /** Says what is being done. */
  say(line: string): void;
}

export type Scenario = (setting: Setting) => Promise<readonly Row[]>;

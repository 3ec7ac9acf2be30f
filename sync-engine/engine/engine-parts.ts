/** What the engine is given: the rooms it drives, the ports to the world, what it tells its host. */
import type { Disk } from '../local-fs/disk.ts';
import type { PairMarker } from '../local-fs/root-marker.ts';
import type { Watcher } from '../local-fs/watcher.ts';
import type { Manifest, PairConfig, PairId } from '../manifest/manifest.ts';
import type { Cloud } from '../remote/cloud.ts';
import type { Workers } from '../workers/workers.ts';
import type { DeviceIdentity } from './device-identity.ts';
import type { Clock, RandomSource } from './ports.ts';

/** What is kept of a pair outside the manifest, so that a damaged manifest loses no pair. */
export interface PairRecord {
  readonly config: PairConfig;
  readonly marker: PairMarker;
}

interface SyncSettings {
  /** Bytes a second; null for no limit. */
  readonly uploadLimit: number | null;
  readonly downloadLimit: number | null;
  /** Between full scans. */
  readonly scanIntervalMs: number;
}

export interface SyncEngineParts {
  readonly manifest: Manifest;
  readonly cloud: Cloud;
  readonly identity: DeviceIdentity;
  readonly workers: Workers;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Names the running of the operating system: what was written before it may be lost. */
  readonly boot: string;
  /** A folder for what is fetched ahead of its files, outside the pairs. Absolute. */
  readonly ahead: string;
  readonly watch: () => Watcher;
  readonly pairs: readonly PairRecord[];
  readonly settings: SyncSettings;
  /** Learns the keys of vaults it has not seen; called when the account has new ones. */
  readonly joinVaults: () => Promise<void>;
  /** Adds a line to the ignore rules at the top of a pair's folder. @throws PersonError */
  readonly addIgnoreRule: (folder: string, rule: string) => Promise<void>;
  readonly hooks: {
    /** Something a person may see changed: state, issues, activity. */
    changed(what: 'status' | 'issues' | 'activity'): void;
    /** The server no longer knows this device. */
    signedOut(): void;
    /** A pair was removed: its record is not to be kept. */
    pairRemoved(id: PairId): Promise<void>;
  };
}

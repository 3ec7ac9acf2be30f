/** What a person's questions about the account's tree need of the process around the engine. */
import type { VaultId } from '../../protocol/ids.ts';
import type { Progress } from '../../protocol/control-shapes.ts';
import type { OpenDevice } from '../account/open-device.ts';
import { patientCloud } from '../account/patient-cloud.ts';
import type { AccountTools } from '../account/tools.ts';
import type { Disk } from '../local-fs/disk.ts';
import type { Manifest, PairStore } from '../manifest/manifest.ts';
import type { Cloud } from '../remote/cloud.ts';
import type { Workers } from '../workers/workers.ts';
import type { VaultSync } from './vault-sync.ts';

/** An unlocked device with its engine. */
export interface TreeDevice {
  readonly device: OpenDevice;
  readonly manifest: Manifest;
  readonly disk: Disk;
  readonly workers: Workers;
  readonly engine: {
    vaults(): readonly VaultSync[];
    pairs(): readonly { readonly vault: VaultSync; readonly pair: PairStore }[];
    /** Reads its log on, also where it had stopped and was taken back since. */
    followVault(vault: VaultId): Promise<VaultSync>;
  };
}

export interface TreeHost {
  /** @throws PersonError not-set-up, locked, signed-out */
  running(): TreeDevice;
  readonly tools: AccountTools;
  readonly home: { readonly path: string };
}

/** A part of a list. */
export interface Page {
  readonly limit: number;
  /** Of the page before; null for the first. */
  readonly cursor: string | null;
}

/** Of one call: see the control room's CallContext. */
export interface Asking {
  readonly signal: AbortSignal;
  progress(progress: Progress): void;
}

/** For what somebody waits for: what broke off is asked again. */
export function cloudOf({ device }: TreeDevice): Cloud {
  return patientCloud(device.connection.cloud, device.tools);
}

/** Vaults that have a state, the first first: that of the first pair. */
export function vaultsOf(at: TreeDevice): VaultSync[] {
  const first: VaultId | undefined = at.engine.pairs()[0]?.vault.vault;
  const begun = at.engine.vaults().filter((vault) => vault.log.cursor().seq > 0);
  return [...begun.filter(({ vault }) => vault === first), ...begun.filter(({ vault }) => vault !== first)];
}

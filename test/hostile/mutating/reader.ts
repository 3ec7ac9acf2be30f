/**
 * A device without an engine: keys, verified chain, manifest and log, at a given place of the recorded life. What it
 * holds can be told in a few words, so that one look says whether it took something that was not there.
 */
import { toHex } from '../../../protocol/ids.ts';
import { ChainKeeper } from '../../../sync-engine/account/chain-follow.ts';
import type { Home } from '../../../sync-engine/account/home.ts';
import { VaultKeys } from '../../../sync-engine/crypto/vault-keys.ts';
import type { VaultEpochKey } from '../../../sync-engine/crypto/device-secrets.ts';
import type { DeviceIdentity } from '../../../sync-engine/engine/device-identity.ts';
import { LogFault } from '../../../sync-engine/engine/log-fault.ts';
import { VaultLog } from '../../../sync-engine/engine/vault-log.ts';
import type { Manifest } from '../../../sync-engine/manifest/manifest.ts';
import { openManifest } from '../../../sync-engine/manifest/open.ts';
import type { Cloud } from '../../../sync-engine/remote/cloud.ts';
import type { GenuineLife } from './genuine.ts';

/** A home of which the chain is all that is asked for. */
function chainHome(chain: Uint8Array): Home {
  let kept = chain;
  const home: Pick<Home, 'readIdentity' | 'writeIdentity'> = {
    readIdentity: () => Promise.resolve(kept),
    writeIdentity: (_device, _file, bytes) => {
      kept = bytes;
      return Promise.resolve();
    },
  };
  return home as Home;
}

export class Reader {
  readonly log: VaultLog;
  readonly manifest: Manifest = openManifest(':memory:', { synchronous: 'off' });
  readonly keeper: ChainKeeper;
  readonly identity: DeviceIdentity;
  readonly keys: VaultKeys;

  private constructor(life: GenuineLife, cloud: Cloud, keeper: ChainKeeper, keys: readonly VaultEpochKey[]) {
    const { vault } = life;
    const { device, clock, random } = life.bob;
    this.keeper = keeper;
    this.keys = new VaultKeys(
      vault,
      keys.map(({ epoch, key }) => [epoch, Uint8Array.from(key)] as const),
    );
    this.identity = {
      account: device.account,
      device: device.device,
      deviceName: device.deviceName,
      signSecret: device.signSecret,
      boxSecret: device.boxSecret,
      chain: () => keeper.chain,
      followChain: () => keeper.follow(cloud),
      giveBackChain: () => Promise.resolve(),
      vaultKeys: () => this.keys,
      keepEpochKey: (_vault, epoch, key) => {
        this.keys.replace(epoch, Uint8Array.from(key));
        return Promise.resolve();
      },
    };
    this.manifest.addVault(vault);
    this.log = new VaultLog({
      vault,
      manifest: this.manifest,
      cloud,
      identity: this.identity,
      clock,
      random,
      hooks: {
        changed: () => undefined,
        faults: (faults) => {
          throw new Error(`honest commits make no faults: ${JSON.stringify(faults)}`);
        },
        rewinding: () => {
          throw new LogFault('rolled-back');
        },
        chainMoved: () => undefined,
      },
    });
  }

  /** @param chain as a home keeps it */
  static async start(
    life: GenuineLife,
    cloud: Cloud,
    chain: Uint8Array,
    keys: readonly VaultEpochKey[],
  ): Promise<Reader> {
    const { device } = life.bob;
    const keeper = await ChainKeeper.open(chainHome(chain), device.device, device.account);
    return new Reader(life, cloud, keeper, keys);
  }

  /** All it believes. Times by the server's clock are the server's word, and left out. */
  holds(): string {
    const { store } = this.log;
    const rows = [...store.remoteRows()].map((row) => ({
      ...row,
      content: row.content && store.content(row.content),
    }));
    const packs = (['live', 'dropped'] as const).map((state) =>
      store
        .packs(state)
        .map(({ name, size, indexHash }) => ({ name, size, indexHash, chunks: store.chunksOf(name) })),
    );
    return JSON.stringify({ cursor: store.cursor(), rows, packs });
  }

  /** The chain and the keys: each may only be the genuine one, or not there yet. */
  get chainHead(): string {
    return this.keeper.chain.head;
  }

  keyOf(epoch: number): string | null {
    return this.keys.has(epoch) ? toHex(this.keys.epochKey(epoch)) : null;
  }

  close(): void {
    this.manifest.close();
  }
}

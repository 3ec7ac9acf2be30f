/**
 * Devices that commit a small new file again and again, as the engine would send it: one node, its pack index and
 * its pack of 1 KiB in one frame. The frames are made in advance, so that what a commit costs here does not slow
 * what is measured.
 */
import { randomBytes } from 'node:crypto';
import { MIN_PACK_BYTES } from '../sync-engine/crypto/padding.ts';
import { runEventSocket } from '../sync-engine/remote/event-socket.ts';
import { bytesBody, HttpClient } from '../sync-engine/remote/http-client.ts';
import { parseServerAddress } from '../sync-engine/remote/server-address.ts';
import { hashOf } from '../protocol/signing.ts';
import {
  packName,
  Person,
  randomId,
  type TestDevice,
  type VaultView,
} from '../test/fakes/hand-made-client.ts';

/** A sealed record, and a sealed pack index, of one small file: both are padded to this. */
const SEALED_BYTES = 512;

/** One device with a vault of its own, a connection of its own and an open event socket. */
export class CommitWriter {
  readonly device: TestDevice;
  readonly view: VaultView;
  readonly http: HttpClient;
  readonly #end = new AbortController();
  readonly #events: Promise<void>;
  events = 0;

  private constructor(device: TestDevice, view: VaultView, http: HttpClient) {
    this.device = device;
    this.view = view;
    this.http = http;
    this.#events = runEventSocket({
      connector: http.connector,
      origin: http.address.origin,
      token: device.session.accessToken,
      handlers: { event: () => (this.events += 1), opened: () => undefined },
      signal: this.#end.signal,
    });
  }

  /** Two devices of one new person, who hear of each other's commits. */
  static async pair(address: string): Promise<CommitWriter[]> {
    const person = new Person(address);
    const devices = [await person.signup(), await person.enrol()];
    const writers: CommitWriter[] = [];
    for (const device of devices) {
      const view = await device.makeVault();
      writers.push(new CommitWriter(device, view, new HttpClient(parseServerAddress(address))));
    }
    return writers;
  }

  /** The next commits of the vault, each on top of the one before. */
  prepare(count: number): Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (let made = 0; made < count; made += 1) {
      const pack = randomBytes(MIN_PACK_BYTES);
      const index = randomBytes(SEALED_BYTES);
      const entry = { name: packName(pack), size: pack.length, indexHash: hashOf(index) };
      const built = this.device.build(this.view, {
        nodes: [[randomId(16), randomBytes(SEALED_BYTES)]],
        added: [{ pack: entry, index }],
        inline: [pack],
      });
      this.view.head = { seq: built.header.seq, hash: built.hash };
      frames.push(built.bytes);
    }
    return frames;
  }

  /** One after another, each when the one before is acknowledged: how long each took, in ms. @throws when one is refused */
  async send(frames: readonly Uint8Array[]): Promise<number[]> {
    const took: number[] = [];
    for (const frame of frames) {
      const began = performance.now();
      await this.http.bytes({
        method: 'POST',
        path: `/v1/vaults/${this.view.vault}/commits`,
        token: this.device.session.accessToken,
        body: bytesBody(frame),
      });
      took.push(performance.now() - began);
    }
    return took;
  }

  /** A pack of these bytes up, and down again. */
  async roundTrip(bytes: Uint8Array): Promise<void> {
    const token = this.device.session.accessToken;
    const path = `/v1/vaults/${this.view.vault}/packs/${packName(bytes)}`;
    await this.http.bytes({ method: 'PUT', path, token, body: bytesBody(bytes) });
    await this.http.bytes({ method: 'GET', path, token, maxBytes: bytes.length });
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#events;
    await this.http.close();
  }
}

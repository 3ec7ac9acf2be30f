/** An account server that changes its answers on their way to one who signs in, and what was asked of it. */
import type { Grant } from '../../protocol/cloud.ts';
import { login } from '../../sync-engine/account/login.ts';
import { parseServerAddress } from '../../sync-engine/remote/server-address.ts';
import { AccountWorld, PASSWORD } from '../fakes/account-world.ts';
import { TamperingProxy, type Tamper } from '../fakes/tampering-proxy.ts';

export class LyingAccount {
  readonly world: AccountWorld;
  readonly proxy: TamperingProxy;

  private constructor(world: AccountWorld, proxy: TamperingProxy) {
    this.world = world;
    this.proxy = proxy;
  }

  static async start(): Promise<LyingAccount> {
    const world = await AccountWorld.start();
    return new LyingAccount(world, await TamperingProxy.start(world.server.address));
  }

  through() {
    return { address: parseServerAddress(this.proxy.address) };
  }

  /** Signs in with the right password; the error, and what was asked once `after` had been answered. */
  async login(tamper: Tamper, after = '/v1/login/finish'): Promise<{ error: unknown; asked: string[] }> {
    this.proxy.tamper = tamper;
    const from = this.proxy.seen.length;
    const enrolment = await this.world.enrolment(this.through());
    const error: unknown = await login(enrolment, PASSWORD, this.world.tools).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    const paths = this.proxy.paths.slice(from);
    return { error, asked: paths.slice(paths.indexOf(after) + 1) };
  }

  async close(): Promise<void> {
    await this.proxy.close();
    await this.world.close();
  }
}

/** Changes the JSON of one route's good answer. */
export function altering(path: string, change: (answer: never) => unknown): Tamper {
  return (request, answer) =>
    request.path.startsWith(path) && answer.status < 300
      ? { status: answer.status, body: JSON.stringify(change(JSON.parse(answer.body) as never)) }
      : null;
}

export const alteringGrant = (change: (grant: Grant) => Grant): Tamper =>
  altering('/v1/login/finish', change);

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

export function flipped(text: string, at: number): string {
  const bytes = Buffer.from(text, 'base64');
  bytes[at]! ^= 1 << (at % 8);
  return base64(bytes);
}

import type { FastifyRequest } from 'fastify';
import type { RateLimits } from '../config.ts';
import type { RateStore } from '../store/metadata-store.ts';
import { networkOf } from './rate-limit.ts';
import { SharedRate } from './shared-rate.ts';

/** Guards routes that test a secret: per address and network, per address, per network. */
export class ProofLimiter {
  readonly #pair: SharedRate;
  readonly #address: SharedRate;
  readonly #network: SharedRate;

  constructor(rates: RateLimits, now: () => number, store: RateStore | null) {
    this.#pair = new SharedRate('pair', rates.proofsPerAddressAndNetwork, now, store);
    this.#address = new SharedRate('address', rates.proofsPerAddress, now, store);
    this.#network = new SharedRate('network', rates.proofsPerNetwork, now, store);
  }

  /** @throws Refusal rate-limited */
  async take(request: FastifyRequest, email: string | null): Promise<void> {
    const network = networkOf(request.ip);
    await this.#network.take(network);
    if (email === null) return;
    const address = email.trim().toLowerCase();
    await this.#pair.take(`${network} ${address}`);
    await this.#address.take(address);
  }
}

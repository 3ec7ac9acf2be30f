/** From an address to the account server, and from a device's secrets to a session there. */
import type { Session } from '../../protocol/cloud.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import { sign } from '../crypto/sign.ts';
import { HttpAccountApi } from '../remote/account-api.ts';
import { CloudError } from '../remote/cloud.ts';
import { HttpClient } from '../remote/http-client.ts';
import { HttpCloud } from '../remote/http-cloud.ts';
import type { ServerAddress } from '../remote/server-address.ts';
import { CloudSession } from '../remote/session.ts';
import type { SecretStore } from './device-secrets.ts';
import { notAServer, personErrorOf, toPersonError } from './person-errors.ts';
import { insist, type AccountTools } from './tools.ts';

/** A connection of the engine to its account. */
export interface Connection {
  readonly client: HttpClient;
  readonly api: HttpAccountApi;
  readonly session: CloudSession;
  readonly cloud: HttpCloud;
}

/** Runs a flow against a server nobody is signed in to yet. @throws PersonError */
export async function withServer<T>(
  address: ServerAddress,
  tools: AccountTools,
  work: (api: HttpAccountApi, client: HttpClient) => Promise<T>,
): Promise<T> {
  const client = new HttpClient(address, tools.timeouts);
  try {
    const api = new HttpAccountApi(client);
    await requireServer(api, tools);
    return await work(api, client);
  } catch (error) {
    throw toPersonError(error);
  } finally {
    await client.close();
  }
}

/** @throws PersonError server-unreachable when something else answers at the address */
async function requireServer(api: HttpAccountApi, tools: AccountTools): Promise<void> {
  try {
    await insist(tools, () => api.server());
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    if (error.fault !== 'malformed' && error.fault !== 'not-found') throw personErrorOf(error);
    throw notAServer({ cause: error });
  }
}

export function connect(parts: {
  readonly client: HttpClient;
  readonly device: DeviceId;
  readonly secrets: SecretStore;
  /** Ed25519 secret key of the device. */
  readonly signSecret: Uint8Array;
  readonly signedOut: () => void;
  readonly tools: AccountTools;
  readonly opened?: Session;
}): Connection {
  const { client, device, secrets, signSecret, signedOut, tools, opened } = parts;
  const session = new CloudSession({
    client,
    account: secrets.secrets.account,
    device,
    refreshToken: secrets.secrets.refreshToken,
    sign: (domain, body) => sign(domain, body, signSecret),
    saveRefreshToken: (refreshToken) => secrets.update((all) => ({ ...all, refreshToken })),
    signedOut,
    clock: { monotonicMs: tools.monotonicMs },
    ...(opened === undefined ? {} : { opened }),
  });
  return { client, api: new HttpAccountApi(client), session, cloud: new HttpCloud(client, session) };
}

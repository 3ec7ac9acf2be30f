/** The honest answers of a real server to a real account's life, as they went over the line. */
import { request } from 'node:http';
import type { Cloud } from '../../../sync-engine/remote/cloud.ts';
import { noticeEntry } from '../../../sync-engine/crypto/chain-entries.ts';
import { wipeAccountKeys } from '../../../sync-engine/crypto/identity.ts';
import { registerPassword } from '../../../sync-engine/account/new-password.ts';
import { provePhrase } from '../../../sync-engine/account/proof.ts';
import { revokeDevice } from '../../../sync-engine/account/revoke-device.ts';
import { appendToChain } from '../../../sync-engine/account/chain-append.ts';
import type { VaultEpochKey } from '../../../sync-engine/crypto/device-secrets.ts';
import { parseServerAddress } from '../../../sync-engine/remote/server-address.ts';
import type { NodeId, VaultId } from '../../../protocol/ids.ts';
import { EMAIL, PASSWORD } from '../../fakes/account-world.ts';
import { TreeUser, TreeWorld } from '../../fakes/tree-world.ts';
import { wireOf, type Answer } from './answer.ts';
import { Line, type Heard } from './line.ts';

const MANY = { burst: 1e9, perMinute: 1e9 };
export const NO_LIMITS = {
  proofsPerAddressAndNetwork: MANY,
  proofsPerAddress: MANY,
  proofsPerNetwork: MANY,
  requestsPerAccount: MANY,
};
const BORNE = new Set(['coffre-protocol', 'content-type', 'content-range', 'cache-control']);

/** What a request was answered, oldest first. */
export type Recording = ReadonlyMap<string, readonly Answer[]>;

/** A request and, of a pack, its range. */
export const keyOf = ({ method, path, headers }: Heard): string =>
  [method, path, headers['range'] ?? ''].join(' ').trimEnd();

/** Asks a real server. */
export async function forward(address: string, heard: Heard): Promise<Answer> {
  const { hostname, port } = new URL(address);
  const headers = { ...heard.headers, host: `${hostname}:${port}` };
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method: heard.method, path: heard.path, headers }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        const borne = Object.entries(response.headers).filter(([name]) => BORNE.has(name));
        const lines = borne.map(([name, value]) => [name, String(value)] as const);
        resolve({ status: response.statusCode ?? 500, headers: lines, body: Buffer.concat(pieces) });
      });
    });
    sent.on('error', reject);
    sent.end(heard.body);
  });
}

export const WORDS = {
  folder: 'Plans nobody may read',
  file: 'thesis-on-whales.txt',
  moved: 'renamed-thesis.txt',
  content: 'the whale is a mammal, and this sentence is a secret',
  large: 'large-secret.bin',
} as const;

/** What a second device, Bob, was when it had joined, and what the account's log went on to be. */
export interface GenuineLife {
  readonly world: TreeWorld;
  readonly vault: VaultId;
  readonly bob: TreeUser;
  /** The head of the vault then. */
  readonly joinedAt: number;
  readonly bobsChain: Uint8Array;
  readonly bobsKeys: readonly VaultEpochKey[];
  readonly joined: Recording;
  readonly whole: Recording;
  readonly thesis: NodeId;
  readonly phrase: string;
  /** By path, as it is at the end. */
  readonly contents: Readonly<Record<string, Buffer>>;
  close(): Promise<void>;
}

/** Lives it: two devices and a third that is removed, files that change, every request that a client makes. */
export async function liveIt(): Promise<GenuineLife> {
  const world = await TreeWorld.start({ rates: NO_LIMITS });
  const said = new Map<string, Answer[]>();
  const line = await Line.start(async (heard) => {
    const answer = await forward(world.account.server.address, heard);
    const before = said.get(keyOf(heard)) ?? [];
    if (!before.some((one) => one.body.equals(answer.body))) said.set(keyOf(heard), [...before, answer]);
    return wireOf(answer);
  });
  const address = parseServerAddress(line.address);

  const { device, phrase } = await world.account.signup({ address });
  const ann = await TreeUser.start(world, device);
  const { vault } = await ann.makeVault();
  const thesis = await ann.write(`${WORDS.folder}/${WORDS.file}`, WORDS.content);
  await ann.write(`${WORDS.folder}/${WORDS.file}`, `${WORDS.content}, twice`);
  const large = ann.random.bytes(200_000);
  await ann.write(WORDS.large, large);

  const bob = await TreeUser.start(world, await world.account.login({ address, deviceName: 'Laptop' }));
  await bob.join();
  await bob.cloud.changes(vault, bob.vault.log.cursor().seq);
  const joined = new Map(said);
  const joinedAt = bob.vault.log.cursor().seq;
  const bobsChain = await bob.device.home.readIdentity(bob.device.device, 'chain');
  const bobsKeys = [...bob.device.secrets.secrets.epochKeys];

  await ann.write('more.txt', 'more');
  await bob.cloud.changes(vault, bob.vault.log.cursor().seq);
  const carol = await world.account.login({ address, deviceName: 'Lost' });
  const verifiedHead = () => null;
  await revokeDevice(device, { target: carol.device, password: PASSWORD, verifiedHead });
  await ann.move(`${WORDS.folder}/${WORDS.file}`, { name: WORDS.moved });
  await ann.write(`${WORDS.folder}/${WORDS.moved}`, `${WORDS.content}, at last`);
  await ann.delete('more.txt');
  await bob.device.followChain();
  await bob.vault.log.pull();
  await bob.read(WORDS.large);
  await askForAll(bob.cloud, vault, thesis, bob.vault.log.cursor().seq);
  const { session } = bob.device.connection;
  await session.renew(await session.accessToken());
  await changeAccount(bob, phrase);

  return {
    world,
    vault,
    bob,
    joinedAt,
    bobsChain,
    bobsKeys,
    joined,
    whole: said,
    thesis,
    phrase,
    contents: {
      [WORDS.large]: Buffer.from(large),
      [`${WORDS.folder}/${WORDS.moved}`]: Buffer.from(`${WORDS.content}, at last`),
    },
    close: async () => {
      await line.close();
      await world.close();
    },
  };
}

async function askForAll(cloud: Cloud, vault: VaultId, node: NodeId, seq: number): Promise<void> {
  await cloud.account();
  await cloud.vaults();
  for (let from = 1; from <= seq; from += 1) await cloud.headers(vault, from, seq);
  await cloud.state(vault, seq, null);
  await cloud.history(vault, node);
  await cloud.headAt(vault, 0);
  await cloud.headAt(vault, 8e12);
  await cloud.epochs(vault);
  await cloud.lease(vault);
  await cloud.chain(0);
}

/** By the phrase: a notice in the chain and a new password. */
async function changeAccount({ device }: TreeUser, phrase: string): Promise<void> {
  const { api } = device.connection;
  const proof = await provePhrase(api, { email: EMAIL, phrase, pins: device.pins }, device.tools);
  await appendToChain(
    api,
    proof.grant,
    () => device.followChain(),
    (chain) => noticeEntry(proof.account, chain, 'recovered', 1),
    device.tools,
  );
  const keepSession = await device.connection.session.accessToken();
  const next = { email: EMAIL, password: PASSWORD, keepSession };
  await registerPassword(api, proof, next, device.tools);
  wipeAccountKeys(proof.account);
  await device.followChain();
}

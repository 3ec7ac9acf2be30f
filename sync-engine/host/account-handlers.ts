/** Handlers of protocol/control-account.ts: the account and its devices. */
import { realpath } from 'node:fs/promises';
import { ROOT_NODE, isId16, type DeviceId } from '../../protocol/ids.ts';
import { PersonError } from '../../protocol/errors.ts';
import type { ControlRequest } from '../../protocol/control.ts';
import type { ControlHandlers } from '../control/facade.ts';
import { wipeAccountKeys } from '../crypto/identity.ts';
import { askLegacyOffer, tryOldProof, type OldProof } from '../account/claim.ts';
import { changePassword } from '../account/change-password.ts';
import { listDevices } from '../account/devices.ts';
import type { Enrolled, Enrolment } from '../account/enrol.ts';
import { deleteAccount, logout, signOutOthers } from '../account/leave.ts';
import { login } from '../account/login.ts';
import { normalEmail } from '../account/proof.ts';
import { recoverOnDevice, recoverWithNewDevice } from '../account/recover.ts';
import { revokeDevice } from '../account/revoke-device.ts';
import { signup } from '../account/signup.ts';
import { renewPhrase, showPhrase } from '../account/phrase.ts';
import { moveToServer, signInAgain } from '../account/stay.ts';
import { forPerson } from '../account/person-errors.ts';
import { formatServerAddress, parseServerAddress } from '../remote/server-address.ts';
import { prepareFolder } from './engine-handlers.ts';
import type { Host } from './host.ts';
import { forgetPairs } from './pair-file.ts';

type AccountMethod =
  | 'signup'
  | 'claim.offer'
  | 'claim.prove'
  | 'claim'
  | 'login'
  | 'recover'
  | 'password'
  | 'phrase.show'
  | 'phrase.renew'
  | 'logout'
  | 'account.delete'
  | 'devices.list'
  | 'devices.revoke'
  | 'server.set'
  | 'quota';

const FIRST_VAULT = 'Files';

export function accountHandlers(host: Host): Pick<ControlHandlers, AccountMethod> {
  return {
    signup: async (request) => {
      await requireFresh(host);
      const folder = await prepareFolder(host, null, request.folder);
      const enrolment = enrolmentOf(host, request, request.password);
      const { password, invite } = request;
      const signedUp = await signup({ enrolment, password, invite: invite ?? null, old: null }, host.tools);
      const device = await begin(host, signedUp, folder);
      return { ...device, recoveryPhrase: signedUp.recoveryPhrase };
    },
    'claim.offer': ({ server, caPem }) =>
      askLegacyOffer(parseServerAddress(server, caPem ?? null), host.tools),
    'claim.prove': async (request) => {
      const { server, caPem, email } = request;
      const address = parseServerAddress(server, caPem ?? null);
      await tryOldProof({ address, email, old: oldProofOf(request) }, host.tools);
      return {};
    },
    claim: async (request) => {
      await requireFresh(host);
      const { password } = request;
      const old = oldProofOf(request);
      const folder = await prepareFolder(host, null, request.folder);
      const enrolment = enrolmentOf(host, request, password);
      const signedUp = await signup({ enrolment, password, invite: null, old }, host.tools);
      const device = await begin(host, signedUp, folder);
      return { ...device, recoveryPhrase: signedUp.recoveryPhrase };
    },
    login: async (request) => {
      const again = await signInHere(host, request);
      if (again !== null) return again;
      await requireFresh(host);
      const folder = await prepareFolder(host, null, request.folder);
      const enrolment = enrolmentOf(host, request, request.password);
      return begin(host, await login(enrolment, request.password, host.tools), folder);
    },
    recover: async (request) => {
      const { phrase, newPassword } = request;
      if (host.isRunning) {
        const running = host.running();
        await recoverOnDevice(running.device, { phrase, newPassword });
        return { account: running.device.account, device: running.device.device, pair: null };
      }
      const { server, email, folder: wanted } = request;
      if (server === undefined || email === undefined || wanted === undefined) {
        throw new PersonError(
          'bad-input',
          'this device has no account yet',
          'Give --server, --email and --folder too.',
        );
      }
      await requireFresh(host);
      const folder = await prepareFolder(host, null, wanted);
      const enrolment = enrolmentOf(host, { ...request, server, email }, newPassword);
      const enrolled = await recoverWithNewDevice(enrolment, { phrase, newPassword }, host.tools);
      const { account, device, pair } = await begin(host, enrolled, folder);
      return { account, device, pair };
    },
    password: async ({ oldPassword, newPassword }) => {
      await changePassword(host.running().device, { oldPassword, newPassword });
      return {};
    },
    'phrase.show': async ({ password }) => ({
      recoveryPhrase: await showPhrase(host.running().device, password),
    }),
    'phrase.renew': async ({ password }) => ({
      recoveryPhrase: await renewPhrase(host.running().device, password),
    }),
    logout: async ({ everywhere, password }) => {
      if (everywhere) {
        if (password === undefined) {
          throw new PersonError('bad-input', 'signing out everywhere needs the password', 'Give it.');
        }
        await signOutOthers(host.running().device, password);
        return {};
      }
      await host.release((running) => logout(running.device));
      await forgetPairs(host.home);
      return {};
    },
    'account.delete': async ({ password }) => {
      // Proved before anything stops: a wrong password changes nothing.
      const proof = await host.running().device.prove(password);
      wipeAccountKeys(proof.account);
      await host.release((running) => deleteAccount(running.device, password));
      await forgetPairs(host.home);
      return {};
    },

    'devices.list': async () => {
      const devices = await listDevices(host.running().device);
      return {
        devices: devices.map(({ id, name, current, revoked, lastHeardMs, createdAtMs }) => ({
          id,
          name,
          current,
          revoked,
          lastHeardMs,
          addedAtMs: createdAtMs,
        })),
      };
    },
    'devices.revoke': async ({ id, password }) => {
      const running = host.running();
      const target = await deviceOf(running.device, id);
      await revokeDevice(running.device, {
        target,
        password,
        verifiedHead: (vault) => {
          const known = running.engine.vaults().find((candidate) => candidate.vault === vault);
          if (known === undefined) return null;
          const { seq, hash } = known.log.cursor();
          return { seq, hash };
        },
      });
      return { id: target };
    },
    'server.set': async ({ server, caPem }) => {
      const running = host.running();
      const address = parseServerAddress(server, caPem ?? null);
      await moveToServer(running.device, address);
      host.signedIn();
      return { server: formatServerAddress(address) };
    },
    quota: async () => {
      const running = host.running();
      const { quota } = await forPerson(() => running.refreshAccount({ recount: true }));
      const trashBytes = running.trashBytes ?? 0;
      return { ...quota, trashBytes, returnsAtMs: running.engine.quotaState?.returnsAtMs ?? null };
    },
  };

  /** Opens what was just enrolled, makes or finds the first vault, links the folder. */
  async function begin(to: Host, enrolled: Enrolled, folder: string) {
    await forgetPairs(to.home);
    await to.unlock({ kind: 'keychain', unlockKey: enrolled.unlockKey });
    const pair = await linkFirst(to, folder);
    const { account, device, deviceName } = enrolled.config;
    return { account, device, deviceName, pair };
  }
}

/** Links the first folder of a device to the first vault of its account, which is made when there is none. */
function linkFirst(host: Host, folder: string) {
  const running = host.running();
  return forPerson(async () => {
    await running.joinVaults();
    const [vault] = running.engine.vaults();
    const first = vault ?? (await running.makeVault(FIRST_VAULT));
    const record = await running.addPair(folder, first, ROOT_NODE);
    return host.pairOf(running, record.config.id);
  });
}

/**
 * The same person on the same folder of a device whose session was ended: it goes on as the device it is, and
 * nothing is scanned or merged anew. So does one that a stop kept from linking its first folder, which it does now.
 * Null when it has to become a new one.
 */
async function signInHere(host: Host, request: ControlRequest<'login'>) {
  if (!host.isRunning) return null;
  const running = host.running();
  const isUnlinked = running.pairs.length === 0;
  if (!isUnlinked && host.status().state !== 'signed-out') return null;
  const { device } = running;
  const { origin } = parseServerAddress(request.server, request.caPem ?? null);
  const isSame = origin === device.config.server.origin && normalEmail(request.email) === device.config.email;
  const folder = await realpath(request.folder).catch(() => request.folder);
  const linked = running.pairs.find(({ config }) => config.folder === folder);
  if (!isSame || (linked === undefined && !isUnlinked)) return null;
  try {
    await signInAgain(device, request.password);
  } catch (error) {
    // Revoked: this identity is over.
    if (error instanceof PersonError && error.code === 'signed-out') return null;
    throw error;
  }
  host.signedIn();
  const pair =
    linked === undefined
      ? await linkFirst(host, await prepareFolder(host, running, request.folder))
      : host.pairOf(running, linked.config.id);
  const { account, device: id, deviceName } = device.config;
  return { account, device: id, deviceName, pair };
}

/** The request's schema has seen that it is one of the two. */
function oldProofOf({
  oldPassword,
  code,
}: {
  oldPassword?: string | undefined;
  code?: string | undefined;
}): OldProof {
  return code === undefined ? { kind: 'password', password: oldPassword ?? '' } : { kind: 'code', code };
}

function enrolmentOf(
  host: Host,
  request: Pick<ControlRequest<'login'>, 'server' | 'caPem' | 'email' | 'deviceName' | 'unlockKey'>,
  password: string,
): Enrolment {
  return {
    home: host.home,
    address: parseServerAddress(request.server, request.caPem ?? null),
    email: normalEmail(request.email),
    deviceName: request.deviceName ?? String(host.settings.values['device-name']),
    lock:
      request.unlockKey === undefined
        ? { kind: 'passphrase', passphrase: password }
        : { kind: 'keychain', unlockKey: Buffer.from(request.unlockKey, 'base64') },
  };
}

/** Signing in anew over an account is allowed only when this device cannot run: copied, revoked, damaged. */
async function requireFresh(host: Host): Promise<void> {
  if (host.isRunning && host.status().state !== 'signed-out') {
    throw new PersonError(
      'exists',
      'this device has an account already',
      'Use another COFFRE_HOME, or run `coffre logout` first.',
    );
  }
  if (host.isRunning) await host.release((running) => running.device.close());
}

async function deviceOf(device: Parameters<typeof listDevices>[0], text: string): Promise<DeviceId> {
  const devices = await listDevices(device);
  const matches = devices.filter(
    (candidate) => candidate.id === text || candidate.id.startsWith(text) || candidate.name === text,
  );
  const live = matches.filter((candidate) => !candidate.revoked);
  const [only, ...others] = live.length > 0 ? live : matches;
  if (only !== undefined && others.length === 0) return only.id;
  if (only === undefined && isId16(text)) return text as DeviceId;
  throw new PersonError(
    only === undefined ? 'not-found' : 'bad-input',
    only === undefined ? `there is no device ${text}` : `several devices match ${text}`,
    'See `coffre devices` for their ids.',
  );
}

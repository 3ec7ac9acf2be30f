/** What a person is told when the account server did not do what was asked. */
import { PersonError } from '../../protocol/errors.ts';
import { CloudError } from '../remote/cloud.ts';

const HINT_ADDRESS = 'Check the server address and your network, then try again.';

/** A CloudError as a PersonError; what is neither passes through. */
export function toPersonError(error: unknown): unknown {
  return error instanceof CloudError ? personErrorOf(error) : error;
}

/** Awaits work of the server on behalf of a person. @throws PersonError */
export async function forPerson<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toPersonError(error);
  }
}

export function personErrorOf(error: CloudError): PersonError {
  const options = { cause: error };
  switch (error.fault) {
    case 'offline':
      return new PersonError('server-unreachable', 'the server cannot be reached', HINT_ADDRESS, options);
    case 'unavailable':
    case 'restarting':
    case 'internal':
      return new PersonError(
        'server-unreachable',
        'the server is there but cannot answer now',
        'Try again in a minute; if it stays so, tell who runs the server.',
        options,
      );
    case 'certificate':
      return new PersonError(
        'server-certificate',
        'the certificate the server shows is not trusted, or not the one this address names',
        'Copy the whole address the server prints when it starts, or give its authority with --ca. If neither has changed, somebody may be in between.',
        options,
      );
    case 'version':
      return new PersonError(
        'server-version',
        'this device and the server speak different versions of the protocol',
        'Update the older of the two.',
        options,
      );
    case 'stranger':
      return notAServer(options);
    case 'malformed':
      return verificationError("the server's answer makes no sense", options);
    case 'unauthorized':
      return new PersonError(
        'signed-out',
        'the server no longer knows this device',
        'Run `coffre login`. Your files stay as they are.',
        options,
      );
    case 'rate-limited': {
      const wait = error.retryAfterS === null ? 'a minute' : `${Math.ceil(error.retryAfterS)} seconds`;
      return new PersonError(
        'refused',
        'the server has had too many attempts',
        `Try again in ${wait}.`,
        options,
      );
    }
    case 'refused':
      return new PersonError('refused', error.message, 'Check what you entered and try again.', options);
    case 'quota':
      return new PersonError('quota', 'the account is full', 'Remove files, or empty the trash.', options);
    case 'not-found':
      return new PersonError(
        'not-found',
        'the server has no such thing',
        'Check what you asked for.',
        options,
      );
    case 'exists':
    case 'stale-head':
    case 'stale-chain':
      return new PersonError(
        'failed',
        'another device changed the account at the same moment',
        'Try again.',
        options,
      );
    case 'bad-request':
    case 'too-large':
    case 'pack-missing':
    case 'pack-deleting':
    case 'gone':
      return new PersonError(
        'failed',
        `the server did not accept the request (${error.fault})`,
        'Try again; if it stays so, update Coffre.',
        options,
      );
  }
}

/** The server showed something it cannot have from this account's devices. */
export function verificationError(what: string, options?: ErrorOptions): PersonError {
  return new PersonError(
    'verification',
    `${what}; nothing of it was used`,
    'Check that the server address is right. If it is, the server is broken or dishonest: tell who runs it.',
    options,
  );
}

export const wrongPassword = (): PersonError =>
  new PersonError('refused', 'the e-mail address or the password is wrong', 'Check both and try again.');

export const wrongPhrase = (): PersonError =>
  new PersonError(
    'refused',
    'the e-mail address or the recovery phrase is wrong',
    'Check that the phrase is the one shown when this account was made.',
  );

export function notAServer(options?: ErrorOptions): PersonError {
  return new PersonError(
    'server-unreachable',
    'what answers at this address is not a Coffre server',
    'Check the address, the port, and whether this network asks you to sign in first.',
    options,
  );
}

/** What the engine's own faults mean to a person who asked for something. */
import { PersonError } from '../../protocol/errors.ts';
import { verificationError, forPerson } from '../account/person-errors.ts';
import { CloudError } from '../remote/cloud.ts';
import { ChunkUnreadable } from '../transfer/chunk-reader.ts';
import { LogFault } from './log-fault.ts';

/** Runs what a person asked for. @throws PersonError for every fault of the server and of what it sent */
export function asked<T>(work: () => Promise<T>): Promise<T> {
  return forPerson(async () => {
    try {
      return await work();
    } catch (error) {
      throw meaningOf(error);
    }
  });
}

function meaningOf(error: unknown): unknown {
  if (error instanceof LogFault) return verificationError(error.message, { cause: error });
  if (error instanceof CloudError && error.fault === 'gone') return noLongerKept('what it was then', error);
  if (!(error instanceof ChunkUnreadable)) return error;
  switch (error.why) {
    case 'corrupt':
      return verificationError('stored data is not what was uploaded', { cause: error });
    case 'missing':
      return noLongerKept('some of the stored data', error);
    case 'offline':
      return new CloudError('offline', 'the server cannot be reached', null, { cause: error });
  }
}

export function noLongerKept(what: string, cause?: unknown): PersonError {
  return new PersonError(
    'not-found',
    `${what} is no longer kept`,
    'Versions and deleted files are kept for 30 days.',
    cause === undefined ? {} : { cause },
  );
}

export function nothingAt(path: string): PersonError {
  return new PersonError('not-found', `there is nothing at ${path}`, 'See what is there with `coffre ls`.');
}

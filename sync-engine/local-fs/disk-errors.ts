/** errno to DiskErrorCode: one place, so that every call means the same by the same code. */
import { DiskError, type DiskErrorCode } from './disk.ts';

const CODES: Readonly<Record<string, DiskErrorCode>> = {
  ENOENT: 'not-found',
  ENOTDIR: 'not-found', // a folder above is a file; where the last step may be meant, NodeDisk looks again
  EEXIST: 'exists',
  EISDIR: 'is-a-folder',
  ENOTEMPTY: 'not-empty',
  EACCES: 'permission',
  EPERM: 'permission',
  EROFS: 'read-only',
  ENOSPC: 'full',
  EDQUOT: 'full',
  EMFILE: 'too-many-open',
  ENFILE: 'too-many-open',
  ENAMETOOLONG: 'name-too-long',
  EINVAL: 'illegal-name',
  EILSEQ: 'illegal-name',
  ERR_INVALID_ARG_VALUE: 'illegal-name', // a NUL in the path, refused by Node before any call
  ELOOP: 'is-a-link',
  EXDEV: 'cross-device',
  EBUSY: 'busy',
  ETXTBSY: 'busy',
  EAGAIN: 'busy',
  EMLINK: 'unsupported',
  ENOTSUP: 'unsupported',
  EOPNOTSUPP: 'unsupported',
  ENOSYS: 'unsupported',
  EFBIG: 'unsupported',
};

/** `code` of a Node system error, '' for anything else. */
export function errnoOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
}

/** What the error says about the disk; `io` for every errno without a meaning of its own. */
export function diskErrorOf(cause: unknown, call: string): DiskError {
  if (cause instanceof DiskError) return cause;
  // The cause's message holds the path, which no log may show: only its errno goes on.
  return new DiskError(CODES[errnoOf(cause)] ?? 'io', `${call} (${errnoOf(cause) || 'unknown'})`);
}

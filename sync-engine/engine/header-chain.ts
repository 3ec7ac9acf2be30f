/** Whether one head of a log descends from another, by the signed headers between them. */
import type { Head } from '../../protocol/cloud.ts';
import { commitHash, type CommitHeader, type SignedHeader } from '../../protocol/commit.ts';
import type { VaultId } from '../../protocol/ids.ts';
import type { Cloud } from '../remote/cloud.ts';
import { follows, readHeader } from './commit-rules.ts';
import { LogFault } from './log-fault.ts';

const HEADERS_PER_PAGE = 1000;
/** A rejoin skips the numbers of what was lost; beyond this many pages of them the head is a number somebody made up. */
const MOST_EMPTY_PAGES = 100;

/**
 * That `to` is `from` or stands on it; `visit` sees every header after `from`. Live state alone does not show it:
 * the state of another branch is as well signed, and what is not in it would count as deleted.
 * @throws LogFault forked, bad-object; CloudError; what `visit` throws
 */
export async function checkDescends(
  cloud: Pick<Cloud, 'headers'>,
  vault: VaultId,
  from: Head,
  to: Head,
  visit: (signed: SignedHeader, header: CommitHeader) => void = () => undefined,
): Promise<void> {
  let { seq, hash } = from;
  let empty = 0;
  for (let next = seq + 1; next <= to.seq; next += HEADERS_PER_PAGE) {
    const page = await cloud.headers(vault, next, Math.min(to.seq, next + HEADERS_PER_PAGE - 1));
    empty = page.length === 0 ? empty + 1 : 0;
    if (empty > MOST_EMPTY_PAGES) throw new LogFault('bad-object');
    for (const { signed } of page) {
      const header = readHeader(signed);
      if (!follows({ seq, hash }, header)) throw new LogFault('forked');
      visit(signed, header);
      seq = header.seq;
      hash = commitHash(signed.bytes);
    }
  }
  if (seq !== to.seq || hash !== to.hash) throw new LogFault('forked');
}

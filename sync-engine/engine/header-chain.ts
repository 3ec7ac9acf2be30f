/** Whether one head of a log descends from another, by the signed headers between them. */
import type { Head } from '../../protocol/cloud.ts';
import { commitHash } from '../../protocol/commit.ts';
import type { VaultId } from '../../protocol/ids.ts';
import type { Cloud } from '../remote/cloud.ts';
import { readHeader } from './commit-rules.ts';
import { LogFault } from './log-fault.ts';

const HEADERS_PER_PAGE = 1000;

/**
 * That `to` is `from` or stands on it. Live state alone does not show it: the state of another branch is as well
 * signed, and what is not in it would count as deleted. @throws LogFault forked, bad-object; CloudError
 */
export async function checkDescends(
  cloud: Pick<Cloud, 'headers'>,
  vault: VaultId,
  from: Head,
  to: Head,
): Promise<void> {
  let { seq, hash } = from;
  while (seq < to.seq) {
    const page = await cloud.headers(vault, seq + 1, Math.min(to.seq, seq + HEADERS_PER_PAGE));
    if (page.length === 0) throw new LogFault('bad-object');
    for (const { signed } of page) {
      const header = readHeader(signed);
      if (header.seq !== seq + 1 || header.previous !== hash) throw new LogFault('forked');
      seq = header.seq;
      hash = commitHash(signed.bytes);
    }
  }
  if (seq !== to.seq || hash !== to.hash) throw new LogFault('forked');
}

import { z } from 'zod';
import type { Status } from '../../protocol/control-shapes.ts';
import { command } from '../command.ts';
import { bytesText, countText, timeText } from '../output.ts';

const STATE_TEXT: Readonly<Record<Status['state'], string>> = {
  idle: 'in sync',
  syncing: 'syncing',
  paused: 'paused',
  offline: 'offline: the server cannot be reached',
  attention: 'needs attention',
  quota: 'the account is full',
  locked: 'locked: run coffre unlock',
  'signed-out': 'signed out',
};

export const status = command({
  name: 'status',
  about: 'what the engine is doing',
  input: z.object({}),
  examples: ['coffre status', 'coffre status --json'],
  run: async (context) => {
    let now = await context.call('status', {});
    if (now.state === 'locked' && (await context.unlock(await context.engine()))) {
      now = await context.call('status', {});
    }
    return { json: now, text: statusText(now) };
  },
});

function statusText(now: Status): string[] {
  const { pending, transfer, quota } = now;
  const lines = [`State     ${stateText(now)}`];
  if (now.account !== null) {
    lines.push(`Account   ${now.account.email} at ${now.account.server}, device "${now.account.deviceName}"`);
  }
  if (pending.files > 0)
    lines.push(`Waiting   ${countText(pending.files, 'file')}, ${bytesText(pending.bytes)}`);
  if (now.secondsLeft !== null) lines.push(`Left      about ${spanText(now.secondsLeft)}`);
  if (now.pausedUntilMs !== null) lines.push(`Paused    until ${timeText(now.pausedUntilMs)}`);
  if (transfer.upBytesPerSecond + transfer.downBytesPerSecond > 0) {
    const up = bytesText(Math.round(transfer.upBytesPerSecond));
    lines.push(`Transfer  up ${up}/s, down ${bytesText(Math.round(transfer.downBytesPerSecond))}/s`);
  }
  if (quota.limitBytes > 0) {
    lines.push(`Storage   ${bytesText(quota.usedBytes)} of ${bytesText(quota.limitBytes)} used`);
  }
  if (now.account !== null) {
    lines.push(`Restore   ${provenText(now)}`);
  }
  for (const pair of now.pairs) {
    const paused = pair.paused === null ? '' : ` (paused: ${pair.paused})`;
    lines.push(`Pair      ${pair.folder} = ${pair.vault}:${pair.path}${paused}`);
  }
  for (const issue of now.issues.slice(0, 10))
    lines.push(`Issue ${issue.id}   ${issue.path}: ${issue.reason}`);
  if (now.issueCount > 10) lines.push(`          and ${now.issueCount - 10} more: coffre issues`);
  for (const notice of now.notices.slice(0, 5))
    lines.push(`Notice    ${timeText(notice.atMs)}  ${notice.message}`);
  return lines;
}

function provenText({ lastProvenRestorableMs: proven, lastProvenWithWordsMs: withWords }: Status): string {
  if (proven === null) return 'not proven yet: run coffre check';
  const words = withWords === null ? 'never with the 24 words' : `with the 24 words ${timeText(withWords)}`;
  return `last proven ${timeText(proven)}, ${words}`;
}

/** A guess: no finer than people would say it. */
function spanText(seconds: number): string {
  if (seconds < 60) return countText(seconds, 'second');
  if (seconds < 3600) return countText(Math.round(seconds / 60), 'minute');
  return countText(Math.round(seconds / 3600), 'hour');
}

function stateText(now: Status): string {
  if (now.state !== 'signed-out' || now.account !== null) return STATE_TEXT[now.state];
  return 'no account on this device: run coffre signup or coffre login';
}
